import { useCallback, useState } from 'react';
import type { Result } from '@carillon/client/client';
import { PRIORITY_WORD } from '../alerts.ts';
import { words } from '../format.ts';
import { sayAfter } from '../policies.ts';
import type { CoverageReport, ListedPolicy, Priority } from '../shapes.ts';
import { useLive } from './hooks.ts';
import { useRefreshed } from './use-refreshed.ts';

type Preview = Result<'policy:preview'>;

const REFRESH_EVERY_MS = 30_000;
const PRIORITIES: readonly Priority[] = ['high', 'medium', 'low'];
/** Of a kind that no policy names. */
const ANY_OTHER = '';

/** @param round what was read in another one is old */
type WouldCallProps = { round: number; wards: CoverageReport['wards']; policies: readonly ListedPolicy[] };

/** Whom an alert of a ward would call now, level by level: so one sees what a plan comes to. */
export const WouldCall = ({ round, wards, policies }: WouldCallProps) => {
  const [chosenWard, setWard] = useState<string>();
  const [priority, setPriority] = useState<Priority>('high');
  const [kind, setKind] = useState(ANY_OTHER);
  const kinds = [...new Set(policies.flatMap(({ applies }) => applies?.kinds ?? []))].toSorted();
  const wardId = chosenWard ?? wards[0]?.wardId;
  return (
    <section className="operation" aria-labelledby="would-call-title" data-testid="would-call">
      <h3 id="would-call-title">Who would be called now</h3>
      <label className="field">
        Ward
        <select value={wardId ?? ''} onChange={(event) => setWard(event.currentTarget.value)}>
          {wards.map((ward) => (
            <option key={ward.wardId} value={ward.wardId}>
              {ward.name}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        Priority
        <select
          value={priority}
          onChange={(event) => setPriority(PRIORITIES.find((each) => each === event.currentTarget.value) ?? 'high')}
        >
          {PRIORITIES.map((each) => (
            <option key={each} value={each}>
              {PRIORITY_WORD[each]}
            </option>
          ))}
        </select>
      </label>
      {kinds.length > 0 && (
        <label className="field">
          Kind
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value={ANY_OTHER}>any that no policy names</option>
            {kinds.map((each) => (
              <option key={each} value={each}>
                {words(each)}
              </option>
            ))}
          </select>
        </label>
      )}
      {wardId !== undefined && (
        <Called key={`${wardId} ${priority} ${kind} ${round}`} wardId={wardId} priority={priority} kind={kind} />
      )}
    </section>
  );
};

const Called = ({ wardId, priority, kind }: { wardId: string; priority: Priority; kind: string }) => {
  const { api } = useLive();
  const read = useCallback(
    () => api.previewPolicy({ wardId, priority, ...(kind === ANY_OTHER ? {} : { kind }) }),
    [api, wardId, priority, kind],
  );
  const { latest, failure } = useRefreshed(read, REFRESH_EVERY_MS);
  return (
    <>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          Not as of now. {failure}
        </p>
      )}
      {latest === undefined && failure === undefined && <p className="quiet">Loading…</p>}
      {latest !== undefined && (
        <>
          <p className="quiet">By the policy {latest.value.name ?? latest.value.policyId}, until somebody answers:</p>
          <ol className="policy-levels">
            {latest.value.levels.map((level) => (
              <li key={level.afterSeconds}>
                {sayAfter(level.afterSeconds)}: {sayCalled(level)}
              </li>
            ))}
          </ol>
        </>
      )}
    </>
  );
};

const sayCalled = ({ callsBedNurse, people, count }: Preview['levels'][number]): string => {
  const named = [...(callsBedNurse ? ['the nurse of the bed'] : []), ...people.map(({ name }) => name)];
  if (count > people.length) named.push(`${count - people.length} more`);
  return named.length === 0 ? 'nobody is there: the next level starts at once' : named.join(', ');
};
