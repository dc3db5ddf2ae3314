import { CodedError, type Input } from '@carillon/client/client';
import { type SubmitEvent, useState } from 'react';
import { PRIORITY_WORD } from '../alerts.ts';
import { serverNow } from '../clock.ts';
import { isSameLimit, isWarning, limitFrom, type LimitFields } from '../limits.ts';
import type { Limit, PatientRules, Priority } from '../shapes.ts';
import { vitalSign } from '../vital-signs.ts';
import { textOf } from './confirmed-form.tsx';
import { Dialog } from './dialog.tsx';
import { useLive } from './hooks.ts';

const NEW_VITALS: readonly Limit['vital'][] = ['heartRate', 'pulse', 'spo2', 'respirationRate', 'systolic', 'temperature', 'glucose']; // prettier-ignore
const PRIORITIES: readonly Priority[] = ['high', 'medium', 'low'];
const HOUR_MS = 3_600_000;

const messageOf = (issue: unknown): string =>
  typeof issue === 'object' && issue !== null && 'message' in issue ? String(issue.message) : '';

/** What the server found, place by place; its own words where it names none. */
const failureWords = (error: unknown): string => {
  if (!(error instanceof CodedError)) return error instanceof Error ? error.message : String(error);
  if (error.code === 'conflict') return 'Somebody else has changed the limits meanwhile: close, and look again.';
  return error.issues?.map(messageOf).join('. ') ?? error.message;
};

const fieldsOf = (values: FormData, index: number): LimitFields => {
  const text = (name: string): string => textOf(values, `${name}-${index}`);
  return {
    threshold: text('threshold'),
    seconds: text('seconds'),
    clearAt: text('clearAt'),
    clearFor: text('clearFor'),
    k: text('k'),
    of: text('of'),
    isLatching: values.has(`latching-${index}`),
  };
};

const newLimit = (values: FormData): Limit[] => {
  const vital = NEW_VITALS.find((name) => name === textOf(values, 'vital'));
  const threshold = textOf(values, 'threshold');
  if (vital === undefined || threshold === '') return [];
  const bound = textOf(values, 'side') === 'above' ? { above: Number(threshold) } : { below: Number(threshold) };
  const priority = PRIORITIES.find((one) => one === textOf(values, 'priority')) ?? 'medium';
  return [{ vital, ...bound, persistSeconds: Number(textOf(values, 'seconds')), priority }];
};

type LimitFormProps = { patientId: string; rules: PatientRules; onClose: () => void };

/** A doctor sets all limits, a nurse the warnings for some hours; what changed meanwhile is not overwritten. */
export const LimitForm = ({ patientId, rules, onClose }: LimitFormProps) => {
  const { api, me, bedOf } = useLive();
  const isDoctor = me.roles.includes('doctor');
  const [failure, setFailure] = useState<string>();
  const [isSending, setSending] = useState(false);
  const shown = rules.limits.filter((limit) => isDoctor || isWarning(limit));

  const send = (values: FormData): Promise<unknown> => {
    const hours = Number(textOf(values, 'hours'));
    const until = hours === 0 ? {} : { expiresAt: new Date(serverNow() + hours * HOUR_MS).toISOString() };
    const { trends, combinations, version } = rules;
    const of = { patientId, ifVersion: version, ...until };
    const filled = shown.flatMap((limit, index) => {
      const found = limitFrom(limit, fieldsOf(values, index));
      return found === undefined ? [] : [{ limit: found, isChanged: !isSameLimit(found, limit) }];
    });
    const limitsOf = (entries: typeof filled): Limit[] => [...entries.map(({ limit }) => limit), ...newLimit(values)];
    if (!isDoctor) {
      const changed = filled.filter(({ isChanged }) => isChanged);
      if (limitsOf(changed).length === 0) return Promise.reject(new Error('Nothing was changed.'));
      return api.adjustLimits({ ...of, limits: limitsOf(changed) } as Input<'limits:adjust'>);
    }
    return api.setLimits({
      ...of,
      limits: limitsOf(filled),
      ...(trends === undefined ? {} : { trends }),
      ...(combinations === undefined ? {} : { combinations }),
    });
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
        <table className="table limit-fields">
          <thead>
            <tr>
              <th scope="col">Alarm</th>
              <th scope="col">Limit</th>
              <th scope="col">For, s</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((limit, index) => (
              <LimitRow key={index} limit={limit} index={index} isNeeded={!isDoctor} />
            ))}
            <NewRow isDoctor={isDoctor} />
          </tbody>
        </table>
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

const LimitRow = ({ limit, index, isNeeded }: { limit: Limit; index: number; isNeeded: boolean }) => {
  const { vital, above, below, persistSeconds, priority } = limit;
  const { name, unit } = vitalSign(vital);
  const label = `${name} ${above === undefined ? 'below' : 'above'}`;
  return (
    <tr>
      <th scope="row">
        {label} <span className="quiet">{`${unit}, ${PRIORITY_WORD[priority].toLowerCase()}`}</span>
        <Timing limit={limit} index={index} />
      </th>
      <td>
        <div className="field">
          <input
            name={`threshold-${index}`}
            aria-label={`${label}, ${PRIORITY_WORD[priority].toLowerCase()}`}
            type="number"
            step="any"
            required={isNeeded}
            defaultValue={above ?? below}
          />
        </div>
      </td>
      <td>
        <div className="field">
          <input
            name={`seconds-${index}`}
            aria-label={`${label}: seconds`}
            type="number"
            min={0}
            max={3600}
            required
            defaultValue={persistSeconds}
          />
        </div>
      </td>
    </tr>
  );
};

/** When it ends, and how breaches are counted: seldom changed, so it is folded away. */
const Timing = ({ limit, index }: { limit: Limit; index: number }) => {
  const { clearAt, clearForSeconds, breaches, isLatching } = limit;
  const numbers = [
    { name: 'clearAt', label: 'Ends at', value: clearAt, max: undefined },
    { name: 'clearFor', label: 'Stays clear for, s', value: clearForSeconds, max: 3600 },
    { name: 'k', label: 'Instead of seconds: breaches', value: breaches?.k, max: 30 },
    { name: 'of', label: 'of the last samples', value: breaches?.of, max: 30 },
  ];
  return (
    <details>
      <summary>More</summary>
      {numbers.map(({ name, label, value, max }) => (
        <label key={name} className="field">
          {label}
          <input name={`${name}-${index}`} type="number" step="any" min={max && 0} max={max} defaultValue={value} />
        </label>
      ))}
      <label className="choice">
        <input type="checkbox" name={`latching-${index}`} defaultChecked={isLatching === true} />
        Stays until answered
      </label>
    </details>
  );
};

const NewRow = ({ isDoctor }: { isDoctor: boolean }) => (
  <tr>
    <th scope="row">
      <div className="field">
        <select name="vital" aria-label="Another limit: vital sign" defaultValue="">
          <option value="">Another…</option>
          {NEW_VITALS.map((vital) => (
            <option key={vital} value={vital}>
              {vitalSign(vital).name}
            </option>
          ))}
        </select>
        <select name="side" aria-label="Another limit: side">
          <option value="above">above</option>
          <option value="below">below</option>
        </select>
        <select name="priority" aria-label="Another limit: priority" defaultValue="medium">
          {PRIORITIES.filter((priority) => isDoctor || priority !== 'high').map((priority) => (
            <option key={priority} value={priority}>
              {PRIORITY_WORD[priority]}
            </option>
          ))}
        </select>
      </div>
    </th>
    <td>
      <div className="field">
        <input name="threshold" aria-label="Another limit: value" type="number" step="any" />
      </div>
    </td>
    <td>
      <div className="field">
        <input name="seconds" aria-label="Another limit: seconds" type="number" min={0} max={3600} defaultValue={15} />
      </div>
    </td>
  </tr>
);
