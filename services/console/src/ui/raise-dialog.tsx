import { type SubmitEvent, useEffect, useState } from 'react';
import { PRIORITY_WORD } from '../alerts.ts';
import type { Group, Priority } from '../shapes.ts';
import { Dialog } from './dialog.tsx';
import { useCell, useLive } from './hooks.ts';
import { PriorityIcon } from './icons.tsx';

const KINDS: readonly { kind: string; label: string; message: string; priority: Priority }[] = [
  { kind: 'sos', label: 'SOS', message: 'Help is needed at once', priority: 'high' },
  { kind: 'cardiac-arrest', label: 'Cardiac arrest', message: 'Cardiac arrest', priority: 'high' },
  { kind: 'concern', label: 'Clinical concern', message: 'Please come and assess', priority: 'medium' },
  { kind: 'assistance', label: 'Assistance', message: 'Please come and help', priority: 'low' },
];
const PRIORITIES: readonly Priority[] = ['high', 'medium', 'low'];

export const RaiseDialog = ({ onClose }: { onClose: () => void }) => {
  const live = useLive();
  const selectedWard = useCell(live.selectedWard);
  const [kind, setKind] = useState(KINDS[0]);
  const [priority, setPriority] = useState<Priority>('high');
  const [message, setMessage] = useState('');
  const [isSending, setSending] = useState(false);
  const [groups, setGroups] = useState<readonly Group[]>([]);
  /** All of it are called at once, and the whole hospital hears of it. */
  const [group, setGroup] = useState('');
  useEffect(() => {
    // Without them an alert can still be raised.
    live.api.groups().then(setGroups, () => {});
  }, [live]);
  const wards = live.me.wards.map((ward) => ({ ...ward, beds: live.board.ward(ward.wardId).get()?.beds ?? [] }));

  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const chosen = new FormData(event.currentTarget).get('where');
    const [scope, id] = typeof chosen === 'string' ? chosen.split(' ') : [];
    if (!kind || !id) return;
    const where = scope === 'patient' ? { patientId: id } : { wardId: id };
    const what = { kind: kind.kind, message: message.trim() || kind.message, ...where };
    setSending(true);
    if (await (group === '' ? live.raise({ ...what, priority }) : live.callOut({ ...what, group }))) onClose();
    else setSending(false);
  };

  return (
    <Dialog title="Raise an alert" onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        <fieldset className="choices">
          <legend>What</legend>
          {KINDS.map((choice) => (
            <label key={choice.kind} className="choice">
              <input
                type="radio"
                name="kind"
                checked={kind === choice}
                onChange={() => {
                  setKind(choice);
                  setPriority(choice.priority);
                }}
              />
              {choice.label}
            </label>
          ))}
        </fieldset>
        <label className="field">
          Where
          <select name="where" required defaultValue={selectedWard === undefined ? '' : `ward ${selectedWard}`}>
            {wards.map((ward) => (
              <optgroup key={ward.wardId} label={ward.name}>
                <option value={`ward ${ward.wardId}`}>{ward.name} (whole ward)</option>
                {ward.beds.map(
                  (bed) =>
                    bed.patientId !== null && (
                      <option key={bed.bedId} value={`patient ${bed.patientId}`}>
                        {bed.label}, {bed.patientName}
                      </option>
                    ),
                )}
              </optgroup>
            ))}
          </select>
        </label>
        {groups.length > 0 && (
          <label className="field">
            Who is called
            <select value={group} onChange={(event) => setGroup(event.target.value)} data-testid="raise-group">
              <option value="">Whom the policy names</option>
              {groups.map(({ groupId, name }) => (
                <option key={groupId} value={groupId}>
                  {name}: all at once; the hospital is told
                </option>
              ))}
            </select>
          </label>
        )}
        <fieldset className="choices" disabled={group !== ''}>
          <legend>Priority</legend>
          {PRIORITIES.map((choice) => (
            <label key={choice} className="choice">
              <input
                type="radio"
                name="priority"
                checked={(group === '' ? priority : 'high') === choice}
                onChange={() => setPriority(choice)}
              />
              <span className="priority" data-priority={choice}>
                <PriorityIcon priority={choice} /> {PRIORITY_WORD[choice]}
              </span>
            </label>
          ))}
        </fieldset>
        <label className="field">
          Message
          <input
            type="text"
            maxLength={200}
            value={message}
            placeholder={kind?.message}
            onChange={(event) => setMessage(event.target.value)}
          />
        </label>
        <div className="form-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" data-testid="raise-send" disabled={isSending}>
            {isSending ? 'Sending…' : 'Raise'}
          </button>
        </div>
      </form>
    </Dialog>
  );
};
