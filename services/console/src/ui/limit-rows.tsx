import { PRIORITY_WORD } from '../alerts.ts';
import { type LimitDraft, sideOf } from '../limit-draft.ts';
import { vitalSign } from '../vital-signs.ts';

type LimitRowsProps = { drafts: readonly LimitDraft[]; onChange: (drafts: readonly LimitDraft[]) => void };

/** Each limit with what can be changed on it; the others stay when one is taken out. */
export const LimitRows = ({ drafts, onChange }: LimitRowsProps) => {
  const change = (id: number, changes: Partial<LimitDraft>): void =>
    onChange(drafts.map((draft) => (draft.id === id ? { ...draft, ...changes } : draft)));
  return (
    <table className="table limit-rows">
      <thead>
        <tr>
          <th scope="col">Alarm</th>
          <th scope="col">At</th>
          <th scope="col">For (s)</th>
          <th scope="col">
            <span className="sr-only">Remove</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {drafts.map(({ id, limit, threshold, seconds }) => {
          const { label, name } = vitalSign(limit.vital);
          const said = `${name} ${sideOf(limit)}, ${PRIORITY_WORD[limit.priority].toLowerCase()}`;
          return (
            <tr key={id}>
              <th scope="row" title={said}>
                {label} {sideOf(limit) === 'above' ? '>' : '<'}
                <span className="quiet"> {PRIORITY_WORD[limit.priority].toLowerCase()}</span>
              </th>
              <td>
                <input
                  type="number"
                  step="any"
                  required
                  aria-label={`${said}: limit`}
                  data-limit={`${limit.vital}-${sideOf(limit)}`}
                  value={threshold}
                  onChange={(event) => change(id, { threshold: event.currentTarget.value })}
                />
              </td>
              <td>
                <input
                  type="number"
                  min={0}
                  max={3600}
                  required
                  aria-label={`${said}: seconds`}
                  value={seconds}
                  onChange={(event) => change(id, { seconds: event.currentTarget.value })}
                />
              </td>
              <td>
                <button
                  type="button"
                  className="button plain"
                  aria-label={`Leave out ${said}`}
                  disabled={drafts.length === 1}
                  onClick={() => onChange(drafts.filter((draft) => draft.id !== id))}
                >
                  Leave out
                </button>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
};
