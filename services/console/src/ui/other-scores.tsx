import { useCallback } from 'react';
import { treats } from '../alerts.ts';
import { clockMinute } from '../format.ts';
import { useLive } from './hooks.ts';
import { StatedForm } from './stated-form.tsx';
import { useRefreshed } from './use-refreshed.ts';

const REREAD_EVERY_MS = 15_000;

const range = ({ lower, upper }: { lower: number | null; upper: number | null }): string =>
  lower === upper ? String(lower ?? 'no score') : `${lower}–${upper}`;

/** What stands beside NEWS2: MEWS of the same values, and the totals that others stated. */
export const OtherScores = ({ patientId }: { patientId: string }) => {
  const { api, me } = useLive();
  const { latest, refresh } = useRefreshed(
    useCallback(() => api.scores(patientId), [api, patientId]),
    REREAD_EVERY_MS,
  );
  if (latest === undefined) return null;
  const { mews, stated } = latest.value;
  return (
    <>
      {mews && (
        <p data-testid="mews">
          <b>MEWS {range(mews)}</b> <span className="quiet">Subbe et al., QJM 2001</span>
        </p>
      )}
      {stated.length > 0 && (
        <ul className="stated-scores" aria-label="Scores that others stated">
          {stated.map((score) => (
            <li key={`${score.table} ${score.at} ${score.source}`} data-differs={score.differs ?? undefined}>
              {score.table} {score.stated} stated by {score.source} at {clockMinute(score.at)}
              {score.differs === true && <b>, differs: ours {range(score)}</b>}
              {score.differs === null && ', not compared'}
            </li>
          ))}
        </ul>
      )}
      {treats(me) && <StatedForm patientId={patientId} onStated={refresh} />}
    </>
  );
};
