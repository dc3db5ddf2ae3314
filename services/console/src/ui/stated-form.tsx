import { type SubmitEvent, useState } from 'react';
import { serverNow } from '../clock.ts';
import { sayIssues } from '../failures.ts';
import { textOf } from './confirmed-form.tsx';
import { useLive } from './hooks.ts';

const TABLES = [
  { table: 'NEWS2', most: 20 },
  { table: 'MEWS', most: 14 },
] as const;

/** A total that somebody else computed, kept beside ours of that time. */
export const StatedForm = ({ patientId, onStated }: { patientId: string; onStated: () => void }) => {
  const { api } = useLive();
  const [table, setTable] = useState<(typeof TABLES)[number]>(TABLES[0]);
  const [failure, setFailure] = useState<string>();
  const [isSending, setSending] = useState(false);
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    const at = textOf(values, 'at');
    setSending(true);
    setFailure(undefined);
    try {
      await api.stateScore({
        patientId,
        table: table.table,
        stated: Number(textOf(values, 'stated')),
        at: new Date(at === '' ? serverNow() : at).toISOString(),
        source: textOf(values, 'source'),
      });
      form.reset();
      setTable(TABLES[0]);
      onStated();
    } catch (error) {
      setFailure(sayIssues(error));
    }
    setSending(false);
  };
  return (
    <details>
      <summary>Keep a total from elsewhere</summary>
      <form className="form" data-testid="state-score" onSubmit={(event) => void submit(event)}>
        <label className="field">
          Score
          <select
            value={table.table}
            onChange={(event) => setTable(TABLES.find((one) => one.table === event.currentTarget.value) ?? TABLES[0])}
          >
            {TABLES.map((one) => (
              <option key={one.table} value={one.table}>
                {one.table}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          Total
          <input name="stated" type="number" min={0} max={table.most} required />
        </label>
        <label className="field">
          Assessed at, now where it is empty
          <input name="at" type="datetime-local" />
        </label>
        <label className="field">
          Who or what computed it
          <input name="source" type="text" required maxLength={100} placeholder="paper chart" />
        </label>
        <div role="status">{failure !== undefined && <p className="letters-failure">{failure}</p>}</div>
        <div className="form-actions">
          <button type="submit" className="button" data-testid="state-score-send" disabled={isSending}>
            {isSending ? 'Sending…' : 'Keep'}
          </button>
        </div>
      </form>
    </details>
  );
};
