import { useState } from 'react';
import { Coverage } from './coverage.tsx';
import { OnCall } from './on-call.tsx';

/** When nobody would come, and who comes now; who steps in changes both. */
export const Plans = () => {
  const [round, setRound] = useState(0);
  return (
    <>
      <Coverage key={round} />
      <OnCall onChange={() => setRound((now) => now + 1)} />
    </>
  );
};
