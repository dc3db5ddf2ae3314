import { useState } from 'react';
import { dayAndTime } from '../format.ts';
import { sayApplies, sayLevel } from '../policies.ts';
import type { EscalationPolicy, ListedPolicy } from '../shapes.ts';
import { useCell, useLive } from './hooks.ts';
import type { Refreshed } from './use-refreshed.ts';

/** Of a policy, or a new one; undefined for whoever may not. */
type OnEdit = ((policyId: string | undefined) => void) | undefined;
type PoliciesProps = {
  policies: { latest: Refreshed<readonly ListedPolicy[]>; failure: string | undefined };
  onEdit: OnEdit;
};

/** By which policies alerts call, and whom; alerts that run keep the version they began with. */
export const Policies = ({ policies: { latest, failure }, onEdit }: PoliciesProps) => (
  <section className="operation" aria-labelledby="policies-title" data-testid="policies">
    <h3 id="policies-title">Escalation policies</h3>
    {failure !== undefined && (
      <p className="letters-failure" role="alert">
        Not as of now. {failure}
      </p>
    )}
    {latest === undefined && failure === undefined && <p className="quiet">Loading…</p>}
    {latest?.value.map((policy) => (
      <Policy key={`${policy.policyId} ${policy.version}`} policy={policy} onEdit={onEdit} />
    ))}
    {onEdit !== undefined && (
      <div className="form-actions">
        <button type="button" className="button" data-testid="new-policy" onClick={() => onEdit(undefined)}>
          New policy
        </button>
      </div>
    )}
  </section>
);

const Policy = ({ policy, onEdit }: { policy: ListedPolicy; onEdit: OnEdit }) => {
  const { api, names } = useLive();
  const known = useCell(names);
  const [body, setBody] = useState<EscalationPolicy | string>();
  const { policyId, version, name, setBy, setAt } = policy;
  const open = (isOpen: boolean): void => {
    if (!isOpen || typeof body === 'object') return;
    api.policy(policyId).then(setBody, (error: unknown) => {
      setBody(error instanceof Error ? error.message : String(error));
    });
  };
  return (
    <details className="policy" data-testid={`policy-${policyId}`} onToggle={(event) => open(event.currentTarget.open)}>
      <summary>
        <b>{name ?? policyId}</b>
        <span className="quiet"> for {sayApplies(policy)}</span>
      </summary>
      <p className="quiet">
        {version === 0 ? 'Built in, to be signed off by whoever runs the wards.' : `Version ${version}`}
        {setBy !== null && ` by ${known.get(setBy) ?? setBy}`}
        {setAt !== null && `, ${dayAndTime(setAt).slice(0, 16)}`}
      </p>
      {typeof body === 'string' && <p role="alert">{body}</p>}
      {typeof body === 'object' && (
        <ol className="policy-levels">
          {body.levels.map((level) => (
            <li key={level.afterSeconds}>{sayLevel(level)}</li>
          ))}
        </ol>
      )}
      {onEdit !== undefined && (
        <div className="form-actions">
          <button
            type="button"
            className="button"
            aria-label={`Edit ${name ?? policyId}`}
            onClick={() => onEdit(policyId)}
          >
            Edit
          </button>
        </div>
      )}
    </details>
  );
};
