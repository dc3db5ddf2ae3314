import { type SubmitEvent, useCallback, useState } from 'react';
import { treats } from '../alerts.ts';
import { serverNow } from '../clock.ts';
import { clockMinute } from '../format.ts';
import { OWN_BOARD } from '../live.ts';
import type { Silence } from '../shapes.ts';
import { saySilenced } from '../silences.ts';
import { textOf } from './confirmed-form.tsx';
import { useCell, useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 30_000;
const MINUTES = [5, 15, 30, 60];

/** Which alarms of a patient call nobody for now. They stay on the board; those of high priority call as ever. */
export const SilenceSection = ({ patientId }: { patientId: string }) => {
  const { api, me, board } = useLive();
  useCell(board.wardChanges);
  const ward = board
    .knownWards()
    .find(({ wardId, beds }) => wardId !== OWN_BOARD && beds.some((bed) => bed.patientId === patientId));
  const wardId = ward?.wardId;
  const read = useCallback(() => api.silencesOn(patientId, wardId), [api, patientId, wardId]);
  const { latest, failure, refresh } = useRefreshed(read, REFRESH_EVERY_MS);
  const lasting = latest?.value ?? [];
  return (
    <section aria-label="Calls" data-testid="silences">
      <h3>Calls</h3>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          Not as of now. {failure}
        </p>
      )}
      {latest !== undefined && lasting.length === 0 && <p className="quiet">Alarms call as usual.</p>}
      {lasting.map((silence) => (
        <Lasting key={silence.silenceId} silence={silence} canEnd={treats(me)} onEnd={refresh} />
      ))}
      {treats(me) && <SilenceForm patientId={patientId} onDone={refresh} />}
    </section>
  );
};

type LastingProps = { silence: Silence; canEnd: boolean; onEnd: () => void };

const Lasting = ({ silence, canEnd, onEnd }: LastingProps) => {
  const { api, names } = useLive();
  const known = useCell(names);
  const [failure, setFailure] = useState<string>();
  const { silenceId, until, reason, setBy } = silence;
  const end = (): void =>
    void api.endSilence(silenceId).then(onEnd, (error: unknown) => {
      setFailure(error instanceof Error ? error.message : String(error));
    });
  return (
    <p data-testid={`silence-${silenceId}`}>
      {saySilenced(silence)} call nobody until {clockMinute(until)}: {reason}.{' '}
      <span className="quiet">By {known.get(setBy) ?? setBy}</span>{' '}
      {canEnd && (
        <button type="button" className="button" onClick={end}>
          Call again
        </button>
      )}
      {failure !== undefined && <span role="alert"> {failure}</span>}
    </p>
  );
};

const SilenceForm = ({ patientId, onDone }: { patientId: string; onDone: () => void }) => {
  const { api } = useLive();
  const [isOpen, setOpen] = useState(false);
  const [failure, setFailure] = useState<string>();
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    try {
      const until = new Date(serverNow() + Number(textOf(values, 'minutes')) * 60_000).toISOString();
      await api.startSilence({ patientId, priorities: ['medium', 'low'], until, reason: textOf(values, 'reason') });
      setFailure(undefined);
      setOpen(false);
      onDone();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  if (!isOpen) {
    return (
      <button type="button" className="button" data-testid="silence-open" onClick={() => setOpen(true)}>
        Silence medium and low…
      </button>
    );
  }
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <label className="field">
        For
        <select name="minutes" defaultValue={15}>
          {MINUTES.map((minutes) => (
            <option key={minutes} value={minutes}>
              {minutes} min
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        Reason
        <input name="reason" required maxLength={500} autoComplete="off" />
      </label>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          Not done. {failure}
        </p>
      )}
      <div className="form-actions">
        <button type="button" className="button" onClick={() => setOpen(false)}>
          Cancel
        </button>
        <button type="submit" className="button primary" data-testid="silence-start">
          Silence
        </button>
      </div>
    </form>
  );
};
