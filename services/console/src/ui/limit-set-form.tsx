import { type SubmitEvent, useState } from 'react';
import { sayIssues } from '../failures.ts';
import { NEW_VITALS, nurseRangeFrom, rulesFrom } from '../rule-fields.ts';
import type { LimitSet } from '../shapes.ts';
import { vitalSign } from '../vital-signs.ts';
import { useLive } from './hooks.ts';
import { LimitFields, formOf } from './limit-fields.tsx';
import { RuleFields } from './rule-fields.tsx';

type LimitSetFormProps = { set: LimitSet; onDone: () => void; onCancel: () => void };

/** A new version of a default set, or another set that begins with it: a draft, until another doctor has signed it. */
export const LimitSetForm = ({ set, onDone, onCancel }: LimitSetFormProps) => {
  const { api } = useLive();
  const [failure, setFailure] = useState<string>();
  const [isSending, setSending] = useState(false);
  const vitals = [...new Set([...NEW_VITALS, ...Object.keys(set.nurseRange)])];
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = formOf(new FormData(event.currentTarget));
    const toAge = form.text('toAgeDays');
    const wardId = form.text('wardId');
    setSending(true);
    api
      .putLimitSet({
        setId: form.text('setId'),
        label: form.text('label'),
        wardId: wardId === '' ? null : wardId,
        fromAgeDays: Number(form.text('fromAgeDays')),
        toAgeDays: toAge === '' ? null : Number(toAge),
        nurseRange: nurseRangeFrom(form, vitals),
        source: form.text('source'),
        ...rulesFrom(form, set),
      })
      .then(onDone)
      .catch((error: unknown) => {
        setFailure(sayIssues(error));
        setSending(false);
      });
  };
  return (
    <form className="form" data-testid="limit-set-form" onSubmit={submit}>
      <p className="quiet">
        It is a draft until a doctor who did not write it has signed it; until then the set before holds. Under another
        name it becomes another set.
      </p>
      <Whom set={set} />
      <LimitFields limits={set.limits} isDoctor />
      <RuleFields rules={set} />
      <NurseRange vitals={vitals} range={set.nurseRange} />
      <label className="field">
        Source of the figures
        <input name="source" type="text" maxLength={500} required defaultValue={set.source} />
      </label>
      <div role="status">{failure !== undefined && <p className="letters-failure">{failure}</p>}</div>
      <div className="form-actions">
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" className="button primary" data-testid="limit-set-send" disabled={isSending}>
          {isSending ? 'Sending…' : 'Keep as a draft'}
        </button>
      </div>
    </form>
  );
};

const Whom = ({ set }: { set: LimitSet }) => {
  const { me } = useLive();
  const wards = me.wards.map(({ wardId, name }) => ({ wardId, name }));
  const others = set.wardId === null || wards.some(({ wardId }) => wardId === set.wardId) ? [] : [set.wardId];
  return (
    <>
      <label className="field">
        Name
        <input name="setId" type="text" required pattern="[A-Za-z0-9_\-]{1,64}" defaultValue={set.setId} />
      </label>
      <label className="field">
        In words
        <input name="label" type="text" required maxLength={100} defaultValue={set.label} />
      </label>
      <label className="field">
        Ward
        <select name="wardId" defaultValue={set.wardId ?? ''}>
          <option value="">any</option>
          {[...wards, ...others.map((wardId) => ({ wardId, name: wardId }))].map(({ wardId, name }) => (
            <option key={wardId} value={wardId}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <div className="rule-numbers">
        <label className="field">
          From this age, days
          <input name="fromAgeDays" type="number" min={0} required defaultValue={set.fromAgeDays} />
        </label>
        <label className="field">
          Below this age, days
          <input name="toAgeDays" type="number" min={1} placeholder="any" defaultValue={set.toAgeDays ?? undefined} />
        </label>
      </div>
    </>
  );
};

const NurseRange = ({ vitals, range }: { vitals: readonly string[]; range: LimitSet['nurseRange'] }) => (
  <details>
    <summary>Within what a nurse may put warnings</summary>
    <div className="nurse-range">
      {vitals.map((vital) => (
        <div key={vital} className="field rule-part">
          <span>{vitalSign(vital).name}</span>
          <input
            name={`low-${vital}`}
            aria-label={`${vitalSign(vital).name}: lowest limit`}
            type="number"
            step="any"
            defaultValue={range[vital]?.low}
          />
          <input
            name={`high-${vital}`}
            aria-label={`${vitalSign(vital).name}: highest limit`}
            type="number"
            step="any"
            defaultValue={range[vital]?.high}
          />
        </div>
      ))}
    </div>
  </details>
);
