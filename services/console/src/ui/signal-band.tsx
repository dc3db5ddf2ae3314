import { signalBand } from '../signals.ts';
import { BrokenLinkIcon } from './icons.tsx';

/** Which vital signs are expected and do not come: a number that is not renewed must not look as if nothing happened. */
export const SignalBand = ({ kinds, testId }: { kinds: readonly string[]; testId: string }) => {
  const band = signalBand(kinds);
  if (band === undefined) return null;
  return (
    <p className="signal-band" data-testid={testId}>
      <BrokenLinkIcon />
      <b>{band.title}</b>
      {band.vitals !== '' && <span>{band.vitals}</span>}
    </p>
  );
};
