import type { Edited } from '../edited.ts';
import type { GroupDraft } from '../schedule-draft.ts';
import { EditForm } from './edit-form.tsx';
import { TextField } from './fields.tsx';
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
        <TextField
          path="groupId"
          label="Id"
          hint="Letters, digits, - and _; it stays."
          value={draft.groupId}
          onChange={(groupId) => change({ groupId })}
          input={{ required: true, maxLength: 64, pattern: '[A-Za-z0-9_\\-]+', readOnly: version > 0 }}
        />
        <TextField
          path="name"
          label="Name"
          value={draft.name}
          onChange={(name) => change({ name })}
          input={{ required: true, maxLength: 100 }}
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
