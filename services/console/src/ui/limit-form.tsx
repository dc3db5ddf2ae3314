import { CodedError, type Input } from '@carillon/client/client';
import { type SubmitEvent, useState } from 'react';
import { serverNow } from '../clock.ts';
import { sayIssues } from '../failures.ts';
import { isWarning } from '../limits.ts';
import { limitsFrom, rulesFrom } from '../rule-fields.ts';
import type { PatientRules } from '../shapes.ts';
import { textOf } from './confirmed-form.tsx';
import { Dialog } from './dialog.tsx';
import { useLive } from './hooks.ts';
import { LimitFields, formOf } from './limit-fields.tsx';
import { RuleFields } from './rule-fields.tsx';

const HOUR_MS = 3_600_000;

const failureWords = (error: unknown): string =>
  error instanceof CodedError && error.code === 'conflict'
    ? 'Somebody else has changed the limits meanwhile: close, and look again.'
    : sayIssues(error);

type LimitFormProps = { patientId: string; rules: PatientRules; onClose: () => void };

/** A doctor sets all rules, a nurse the warnings for some hours; what changed meanwhile is not overwritten. */
export const LimitForm = ({ patientId, rules, onClose }: LimitFormProps) => {
  const { api, me, bedOf } = useLive();
  const isDoctor = me.roles.includes('doctor');
  const [failure, setFailure] = useState<string>();
  const [isSending, setSending] = useState(false);
  const shown = rules.limits.filter((limit) => isDoctor || isWarning(limit));

  const send = (values: FormData): Promise<unknown> => {
    const hours = Number(textOf(values, 'hours'));
    const until = hours === 0 ? {} : { expiresAt: new Date(serverNow() + hours * HOUR_MS).toISOString() };
    const of = { patientId, ifVersion: rules.version, ...until };
    const form = formOf(values);
    if (isDoctor) return api.setLimits({ ...of, ...rulesFrom(form, rules) });
    const limits = limitsFrom(form, shown).flatMap(({ limit, isChanged }) => (isChanged ? [limit] : []));
    if (limits.length === 0) return Promise.reject(new Error('Nothing was changed.'));
    return api.adjustLimits({ ...of, limits } as Input<'limits:adjust'>);
  };
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    setSending(true);
    try {
      await send(new FormData(event.currentTarget));
      onClose();
    } catch (error) {
      setFailure(failureWords(error));
      setSending(false);
    }
  };

  const bed = bedOf(patientId);
  return (
    <Dialog title={`Limits of ${[bed?.label, bed?.patientName].filter(Boolean).join(', ')}`} onClose={onClose}>
      <form className="form" data-testid="limits-form" onSubmit={(event) => void submit(event)}>
        <p className="quiet">
          {isDoctor
            ? 'An empty limit is taken away.'
            : 'Warning limits for some hours, within the range of the default set. A doctor sets all others.'}
        </p>
        <LimitFields limits={shown} isDoctor={isDoctor} />
        {isDoctor && <RuleFields rules={rules} />}
        <label className="field">
          Holds
          <select name="hours" defaultValue={isDoctor ? '0' : '8'} data-testid="limits-hours">
            {isDoctor && <option value="0">until it is changed</option>}
            <option value="4">for 4 hours</option>
            <option value="8">for 8 hours</option>
            {/* A moment less: the server counts from when it hears of it, and takes no more than twelve. */}
            <option value="11.9">for nearly 12 hours</option>
          </select>
        </label>
        <div role="status">
          {failure !== undefined && (
            <p className="letters-failure" data-testid="limits-failure">
              {failure}
            </p>
          )}
        </div>
        <div className="form-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" data-testid="limits-send" disabled={isSending}>
            {isSending ? 'Sending…' : 'Set limits'}
          </button>
        </div>
      </form>
    </Dialog>
  );
};
