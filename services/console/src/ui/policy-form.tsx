import { PRIORITY_WORD } from '../alerts.ts';
import type { Edited } from '../edited.ts';
import { DEFAULT_POLICY, type PolicyDraft } from '../policy-draft.ts';
import type { Priority } from '../shapes.ts';
import { EditForm } from './edit-form.tsx';
import { Checks, IssueAt, TextField } from './fields.tsx';
import { IdentityFields } from './identity-fields.tsx';
import { PolicyLevels } from './policy-levels.tsx';
import { useNamesIn } from './use-callable.ts';
import type { Nameable } from './use-nameable.ts';

const PRIORITIES: readonly (readonly [Priority, string])[] = (['high', 'medium', 'low'] as const).map((priority) => [
  priority,
  PRIORITY_WORD[priority],
]);

type PolicyFormProps = {
  edited: Extract<Edited, { kind: 'policy' }>;
  nameable: Nameable;
  onEdit: (edited: Edited | undefined) => void;
  onSaved: (said: string) => void;
};

/** Who is called for which alerts, after how long; alerts that run keep the version they began with. */
export const PolicyForm = ({ edited, nameable, onEdit, onSaved }: PolicyFormProps) => {
  const { draft, version } = edited;
  const isDefault = edited.first.policyId === DEFAULT_POLICY;
  const change = (changes: Partial<PolicyDraft>): void => onEdit({ ...edited, draft: { ...draft, ...changes } });
  useNamesIn('policy', version === 0 ? '' : edited.first.policyId);
  const title = version === 0 && !isDefault ? 'New escalation policy' : `Policy ${draft.name || draft.policyId}`;
  return (
    <EditForm
      edited={edited}
      title={title}
      onEdit={onEdit}
      onSaved={onSaved}
      removal={
        isDefault
          ? undefined
          : 'Alerts to come run by another policy, or by the default one. Those that run go on as they are.'
      }
    >
      <div className="editor-row">
        <IdentityFields
          idPath="policyId"
          id={draft.policyId}
          name={draft.name}
          isIdFixed={version > 0 || isDefault}
          isNameOptional
          onId={(policyId) => change({ policyId })}
          onName={(name) => change({ name })}
        />
      </div>
      {isDefault ? (
        <p className="quiet">For all alerts to which no other policy applies.</p>
      ) : (
        <Applies draft={draft} wards={nameable.wards} onChange={change} />
      )}
      <PolicyLevels levels={draft.levels} nameable={nameable} onChange={(levels) => change({ levels })} />
      <div className="editor-row">
        <TextField
          path="repeatSeconds"
          label="The last level again, every (s)"
          value={draft.repeatSeconds}
          onChange={(repeatSeconds) => change({ repeatSeconds })}
          input={{ type: 'number', step: 'any', min: 5, max: 86_400, required: true }}
        />
        <TextField
          path="maxReach"
          label="A level calls at most (100 where empty)"
          value={draft.maxReach}
          onChange={(maxReach) => change({ maxReach })}
          input={{ type: 'number', min: 1, max: 1000 }}
        />
      </div>
    </EditForm>
  );
};

type AppliesProps = {
  draft: PolicyDraft;
  wards: Nameable['wards'];
  onChange: (changes: Partial<PolicyDraft>) => void;
};

const Applies = ({ draft, wards, onChange }: AppliesProps) => {
  // A ward that is no more can be taken out.
  const gone = draft.wards.filter((wardId) => wards.every(([id]) => id !== wardId)).map((id) => [id, id] as const);
  return (
    <fieldset className="operation-fields">
      <legend className="choices-title">Which alerts run by it</legend>
      <label className="choice">
        <input
          type="checkbox"
          checked={draft.isUsed}
          onChange={(event) => onChange({ isUsed: event.currentTarget.checked })}
        />
        In use
      </label>
      <IssueAt path="applies" />
      {draft.isUsed && (
        <>
          <Checks
            legend="Wards; all where none is chosen"
            options={[...wards, ...gone]}
            chosen={draft.wards}
            onChange={(chosen) => onChange({ wards: chosen })}
          />
          <IssueAt path="applies.wards" />
          <Checks
            legend="Priorities; all where none is chosen"
            options={PRIORITIES}
            chosen={draft.priorities}
            onChange={(priorities) => onChange({ priorities })}
          />
          <TextField
            path="applies.kinds"
            label="Kinds of alert"
            hint="As spo2-below, fall, sos, with commas between; all where empty. A policy that names kinds goes before one that does not."
            value={draft.kinds}
            onChange={(kinds) => onChange({ kinds })}
            input={{ pattern: '[A-Za-z0-9_, \\-]*' }}
          />
        </>
      )}
    </fieldset>
  );
};
