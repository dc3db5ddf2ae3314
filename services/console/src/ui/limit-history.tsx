import { useEffect, useState } from 'react';
import { dayAndMinute } from '../format.ts';
import { boundOf, sayCombination, sayTrend } from '../limits.ts';
import type { LimitVersion } from '../shapes.ts';
import { vitalSign } from '../vital-signs.ts';
import { useCell, useLive } from './hooks.ts';

type LimitHistoryProps = { patientId: string; version: number };

/** Who set which limits and until when they held, newest first; read when somebody opens it. */
export const LimitHistory = ({ patientId, version }: LimitHistoryProps) => {
  const [isOpen, setOpen] = useState(false);
  return (
    <details data-testid="limits-history" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Earlier limits</summary>
      {isOpen && <Versions key={version} patientId={patientId} />}
    </details>
  );
};

const Versions = ({ patientId }: { patientId: string }) => {
  const { api } = useLive();
  const [versions, setVersions] = useState<readonly LimitVersion[] | string>();
  useEffect(() => {
    let isGone = false;
    api
      .limitVersions(patientId)
      .then((found) => !isGone && setVersions(found))
      .catch((error: Error) => !isGone && setVersions(error.message));
    return () => {
      isGone = true;
    };
  }, [api, patientId]);
  if (typeof versions !== 'object') return <p className="quiet">{versions ?? 'Loading…'}</p>;
  if (versions.length === 0) return <p className="quiet">Nobody has set any.</p>;
  return (
    <ol className="limit-history">
      {versions.map((one) => (
        <Version key={one.version} version={one} />
      ))}
    </ol>
  );
};

const Version = ({ version }: { version: LimitVersion }) => {
  const names = useCell(useLive().names);
  const { rules, setBy, setAt, endedAt } = version;
  const said = rules && [
    ...rules.limits.map((limit) => `${vitalSign(limit.vital).label} ${boundOf(limit)}`),
    ...(rules.combinations ?? []).map(sayCombination),
    ...(rules.trends ?? []).map(sayTrend),
  ];
  return (
    <li>
      {dayAndMinute(setAt)}
      {endedAt !== null && ` to ${dayAndMinute(endedAt)}`}:{' '}
      {setBy === null ? 'default set' : (names.get(setBy) ?? setBy)}
      {said !== null && <span className="quiet"> {said.length === 0 ? 'no limits' : said.join(', ')}</span>}
    </li>
  );
};
