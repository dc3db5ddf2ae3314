import { type SubmitEvent, useEffect, useState } from 'react';
import { clockMinute } from '../format.ts';
import type { ScoreDecision } from '../shapes.ts';
import { textOf } from './confirmed-form.tsx';
import { useCell, useLive } from './hooks.ts';

const CHOICES = [
  { value: 'scale1', label: 'SpO₂ scale 1', scale: 1, isApplicable: true },
  { value: 'scale2', label: 'SpO₂ scale 2 (hypercapnic respiratory failure)', scale: 2, isApplicable: true },
  { value: 'none', label: 'NEWS2 does not apply', scale: 1, isApplicable: false },
] as const;

const wordsOf = ({ scale, isApplicable }: Pick<ScoreDecision, 'scale' | 'isApplicable'>): string =>
  isApplicable ? `SpO₂ scale ${scale}` : 'NEWS2 does not apply';

const useDecisions = (patientId: string): readonly ScoreDecision[] => {
  const { api, scoreDecisions } = useLive();
  const [decisions, setDecisions] = useState<readonly ScoreDecision[]>([]);
  useEffect(() => {
    let isGone = false;
    const read = (): void =>
      void api
        .scoreDecisions(patientId)
        .then((found) => !isGone && setDecisions(found))
        // The scale in force stands beside the score in any case.
        .catch(() => {});
    read();
    const stopFollowing = scoreDecisions.at(patientId).subscribe(read);
    return () => {
      isGone = true;
      stopFollowing();
    };
  }, [api, scoreDecisions, patientId]);
  return decisions;
};

/** Who decided on the scale of a patient and why; a doctor decides anew. */
export const ScoreDecisions = ({ patientId }: { patientId: string }) => {
  const live = useLive();
  const { names } = live;
  const known = useCell(names);
  const [newest] = useDecisions(patientId);
  return (
    <>
      {newest?.endedAt === null && (
        <p data-testid="score-decision">
          <b>{wordsOf(newest)}</b> by {known.get(newest.decidedBy) ?? newest.decidedBy} since{' '}
          {clockMinute(newest.decidedAt)}: {newest.reason}
        </p>
      )}
      {live.me.roles.includes('doctor') && <DecisionForm patientId={patientId} />}
    </>
  );
};

const DecisionForm = ({ patientId }: { patientId: string }) => {
  const live = useLive();
  const [isSending, setSending] = useState(false);
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    const choice = CHOICES.find(({ value }) => value === textOf(values, 'choice'));
    if (choice === undefined) return;
    const { scale, isApplicable } = choice;
    setSending(true);
    if (await live.decideScore({ patientId, scale, isApplicable, reason: textOf(values, 'reason') })) form.reset();
    setSending(false);
  };
  return (
    <details>
      <summary>Decide on the scale</summary>
      <form className="form" data-testid="decide-score" onSubmit={(event) => void submit(event)}>
        <label className="field">
          Scored by
          <select name="choice">
            {CHOICES.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          Reason, kept with your name
          <input name="reason" type="text" required minLength={3} maxLength={500} />
        </label>
        <div className="form-actions">
          <button type="submit" className="button" data-testid="decide-score-send" disabled={isSending}>
            {isSending ? 'Sending…' : 'Decide'}
          </button>
        </div>
      </form>
    </details>
  );
};
