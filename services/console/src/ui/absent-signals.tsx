import { useCallback, useState } from 'react';
import { treats } from '../alerts.ts';
import { clockTime } from '../format.ts';
import type { PatientStatus } from '../shapes.ts';
import { signalBand } from '../signals.ts';
import { vitalSign } from '../vital-signs.ts';
import { useCell, useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

type Signal = NonNullable<PatientStatus['signals']>[number];

const REFRESH_EVERY_MS = 5_000;
const WHY: Record<Signal['reason'], string> = {
  invalid: 'the device cannot measure it',
  unavailable: 'the device has no value',
  off: 'the sensor is off',
  suspect: 'only doubtful values come',
  notBound: 'the device is not bound to this patient',
  late: 'its values are too old when they come; look at the clock of the device',
  silent: 'nothing comes',
};

/** What is expected of a patient and does not come; whoever took a sensor off on purpose says so here. */
export const AbsentSignals = ({ patientId }: { patientId: string }) => {
  const conditions = useCell(useLive().board.conditions(patientId));
  const isMissing = signalBand(conditions.map(({ kind }) => kind)) !== undefined;
  return isMissing ? <Signals patientId={patientId} /> : null;
};

const Signals = ({ patientId }: { patientId: string }) => {
  const { api, me } = useLive();
  const read = useCallback(async () => (await api.patientStatus(patientId)).signals ?? [], [api, patientId]);
  const { latest, refresh } = useRefreshed(read, REFRESH_EVERY_MS);
  const [failure, setFailure] = useState<string>();
  const stop = (vital: Signal['vital']): void =>
    void api.stopSignal({ patientId, vital }).then(
      () => {
        setFailure(undefined);
        refresh();
      },
      (error: unknown) => setFailure(error instanceof Error ? error.message : String(error)),
    );
  const absent = (latest?.value ?? []).filter(({ state }) => state === 'absent');
  if (absent.length === 0) return null;
  return (
    <section className="absent-signals" aria-label="Sensors" data-testid="absent-signals">
      {absent.map(({ vital, since, reason }) => (
        <p key={vital}>
          <b>{vitalSign(vital).name}</b> is not measured since {clockTime(since)}: {WHY[reason]}.{' '}
          {treats(me) && (
            <button type="button" className="button" data-testid={`stop-${vital}`} onClick={() => stop(vital)}>
              It was taken off on purpose
            </button>
          )}
        </p>
      ))}
      {failure !== undefined && <p role="alert">{failure}</p>}
    </section>
  );
};
