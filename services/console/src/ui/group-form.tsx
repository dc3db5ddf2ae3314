import type { Edited } from '../edited.ts';
import type { GroupDraft } from '../schedule-draft.ts';
import { EditForm } from './edit-form.tsx';
import { IdentityFields } from './identity-fields.tsx';
import { PeoplePicker } from './people-picker.tsx';
import { useNamesIn } from './use-callable.ts';

const MOST_PEOPLE = 1000;

type GroupFormProps = {
  edited: Extract<Edited, { kind: 'group' }>;
  onEdit: (edited: Edited | undefined) => void;
  onSaved: (said: string) => void;
};

/** People whom a policy calls together, such as the code team. */
export const GroupForm = ({ edited, onEdit, onSaved }: GroupFormProps) => {
  const { draft, version } = edited;
  const change = (changes: Partial<GroupDraft>): void => onEdit({ ...edited, draft: { ...draft, ...changes } });
  useNamesIn('group', version === 0 ? '' : edited.first.groupId);
  return (
    <EditForm
      edited={edited}
      title={version === 0 ? 'New group' : `Group ${draft.name}`}
      onEdit={onEdit}
      onSaved={onSaved}
      removal="Its members are not called by it any more. While a policy names it, it cannot be removed."
    >
      <div className="editor-row">
        <IdentityFields
          idPath="groupId"
          id={draft.groupId}
          name={draft.name}
          isIdFixed={version > 0}
          onId={(groupId) => change({ groupId })}
          onName={(name) => change({ name })}
        />
      </div>
      <PeoplePicker
        label="Members"
        path="people"
        people={draft.people}
        onChange={(people) => change({ people })}
        most={MOST_PEOPLE}
      />
      <label className="choice">
        <input
          type="checkbox"
          checked={draft.isCalledOffShift}
          onChange={(event) => change({ isCalledOffShift: event.currentTarget.checked })}
        />
        Members are called off shift too
      </label>
    </EditForm>
  );
};
