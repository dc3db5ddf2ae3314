import { useState } from 'react';
import { alarmState } from '../alerts.ts';
import type { Bed } from '../shapes.ts';
import { RunningClock } from './alarm-strip.tsx';
import { useCell, useLive } from './hooks.ts';
import { CheckIcon } from './icons.tsx';

/** The call for help of a patient or caregiver: one press, and then what has become of it. */
export const CallForHelp = ({ bed }: { bed: Bed & { patientId: string } }) => {
  const live = useLive();
  const { patientId } = bed;
  const [isSending, setSending] = useState(false);
  const call = useCell(live.board.patientAlerts(patientId)).find((alert) => alert.kind === 'sos');
  const send = async (): Promise<void> => {
    setSending(true);
    await live.raise({ patientId, kind: 'sos', priority: 'high', message: `Call for help from ${live.me.name}` });
    setSending(false);
  };
  return (
    <section className="call-for-help" aria-label="Call for help" aria-live="polite">
      {call ? (
        <div className="help-state" data-alarm={alarmState(call)} data-testid="sos-state">
          {call.state === 'acknowledged' ? (
            <>
              <CheckIcon />
              <p>
                <b>Someone has answered</b> and knows that you need help.
              </p>
            </>
          ) : (
            <p>
              <b>Help has been called.</b>{' '}
              {call.level > 1 ? 'More people have been called.' : 'Your nurse is being called.'}{' '}
              <RunningClock since={call.openedAt} />
            </p>
          )}
        </div>
      ) : (
        <button type="button" className="sos" data-testid="sos" disabled={isSending} onClick={() => void send()}>
          <b>SOS</b>
          <span>{isSending ? 'Calling…' : 'Call for help'}</span>
        </button>
      )}
    </section>
  );
};
