import { useEffect, useState } from 'react';
import { PRIORITY_WORD, treats } from '../alerts.ts';
import { dayAndMinute } from '../format.ts';
import { boundOf, sayCombination, sayTrend, timingOf } from '../limits.ts';
import type { PatientRules, Priority } from '../shapes.ts';
import { vitalSign } from '../vital-signs.ts';
import { useCell, useLive } from './hooks.ts';
import { PriorityIcon } from './icons.tsx';
import { LimitForm } from './limit-form.tsx';
import { LimitHistory } from './limit-history.tsx';

/** What a patient is watched by; a text says why it is not known. */
export const useRules = (patientId: string): PatientRules | string | undefined => {
  const { api, limitsChanges } = useLive();
  const [rules, setRules] = useState<PatientRules | string>();
  useEffect(() => {
    let isGone = false;
    const read = (): void =>
      void api
        .rules(patientId)
        .then((found) => !isGone && setRules(found))
        .catch((error: Error) => !isGone && setRules(error.message));
    read();
    const stopFollowing = limitsChanges.at(patientId).subscribe(read);
    return () => {
      isGone = true;
      stopFollowing();
    };
  }, [api, limitsChanges, patientId]);
  return rules;
};

type LimitSectionProps = { patientId: string; rules: PatientRules | string | undefined };

/** The limits in force, whose they are, and the way to change them. */
export const LimitSection = ({ patientId, rules }: LimitSectionProps) => {
  const { me } = useLive();
  const [isChanging, setChanging] = useState(false);
  return (
    <section aria-label="Alarm limits">
      <h3>Alarm limits</h3>
      {typeof rules !== 'object' ? (
        <p className="quiet">{rules ?? 'Loading…'}</p>
      ) : (
        <>
          <Origin rules={rules} />
          <LimitTable rules={rules} />
          {treats(me) && (
            <button type="button" className="button" data-testid="limits-open" onClick={() => setChanging(true)}>
              Change limits…
            </button>
          )}
          {treats(me) && <LimitHistory patientId={patientId} version={rules.version} />}
          {isChanging && <LimitForm patientId={patientId} rules={rules} onClose={() => setChanging(false)} />}
        </>
      )}
    </section>
  );
};

const Origin = ({ rules }: { rules: PatientRules }) => {
  const names = useCell(useLive().names);
  const { origin, setId, setBy, setAt, expiresAt, signedOffBy } = rules;
  if (origin === 'own') {
    return (
      <p className="quiet" data-testid="limits-origin">
        Set for this patient{setBy !== undefined && ` by ${names.get(setBy) ?? setBy}`}
        {setAt !== undefined && `, ${dayAndMinute(setAt)}`}
        {expiresAt !== undefined && `, until ${dayAndMinute(expiresAt)}`}.
      </p>
    );
  }
  return (
    <p className="quiet" data-testid="limits-origin">
      Default set “{setId}”, {signedOffBy === null ? 'not signed off' : `signed off by ${signedOffBy}`}.
      {setId === 'age-unknown' && ' The age of this child is not known: these limits are for any age.'}
    </p>
  );
};

const PriorityCell = ({ priority }: { priority: Priority }) => (
  <td>
    <span className="priority" data-priority={priority}>
      <PriorityIcon priority={priority} /> {PRIORITY_WORD[priority]}
    </span>
  </td>
);

export const LimitTable = ({ rules }: { rules: Pick<PatientRules, 'limits' | 'trends' | 'combinations'> }) => {
  const { limits, trends = [], combinations = [] } = rules;
  if (limits.length + trends.length + combinations.length === 0) return <p className="quiet">No limits are set.</p>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Vital sign</th>
          <th scope="col">Limit</th>
          <th scope="col">For</th>
          <th scope="col">Priority</th>
        </tr>
      </thead>
      <tbody>
        {limits.map((limit, index) => (
          <tr key={`${limit.vital} ${boundOf(limit)} ${index}`}>
            <th scope="row">{vitalSign(limit.vital).name}</th>
            <td>{boundOf(limit)}</td>
            <td>{timingOf(limit)}</td>
            <PriorityCell priority={limit.priority} />
          </tr>
        ))}
        {combinations.map((combination) => (
          <tr key={`multi ${combination.name}`}>
            <th scope="row">{combination.name}</th>
            <td>{sayCombination(combination)}</td>
            <td>{combination.persistSeconds} s</td>
            <PriorityCell priority={combination.priority} />
          </tr>
        ))}
        {trends.map((trend) => (
          <tr key={`trend ${trend.name}`}>
            <th scope="row">{trend.name}</th>
            <td colSpan={2}>{sayTrend(trend)}</td>
            <PriorityCell priority={trend.priority} />
          </tr>
        ))}
      </tbody>
    </table>
  );
};
