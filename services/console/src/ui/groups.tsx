import type { Refreshed } from './use-refreshed.ts';
import type { Group } from '../shapes.ts';

type GroupsProps = {
  groups: { latest: Refreshed<readonly Group[]>; failure: string | undefined };
  /** Undefined for whoever may not. */
  onEdit: ((groupId: string | undefined) => void) | undefined;
};

/** Whom policies call together. */
export const Groups = ({ groups: { latest, failure }, onEdit }: GroupsProps) => (
  <section className="operation" aria-labelledby="groups-title" data-testid="groups">
    <h3 id="groups-title">Groups</h3>
    {failure !== undefined && (
      <p className="letters-failure" role="alert">
        Not as of now. {failure}
      </p>
    )}
    {latest === undefined && failure === undefined && <p className="quiet">Loading…</p>}
    {latest?.value.length === 0 && <p className="quiet">There is no group, such as a code team.</p>}
    <dl className="figures" data-old={failure !== undefined}>
      {latest?.value.map(({ groupId, name, people, isCalledOffShift }) => (
        <div key={groupId} data-testid={`group-${groupId}`}>
          <dt>
            {name}{' '}
            <span className="quiet">
              {people.length === 1 ? '1 member' : `${people.length} members`}
              {isCalledOffShift === true && ', off shift too'}
            </span>
          </dt>
          {onEdit !== undefined && (
            <dd>
              <button type="button" className="button" aria-label={`Edit ${name}`} onClick={() => onEdit(groupId)}>
                Edit
              </button>
            </dd>
          )}
        </div>
      ))}
    </dl>
    {onEdit !== undefined && (
      <div className="form-actions">
        <button type="button" className="button" data-testid="new-group" onClick={() => onEdit(undefined)}>
          New group
        </button>
      </div>
    )}
  </section>
);
