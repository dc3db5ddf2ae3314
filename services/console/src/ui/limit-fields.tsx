import { PRIORITY_WORD } from '../alerts.ts';
import { DAYS } from '../limits.ts';
import { NEW, NEW_VITALS, PRIORITIES, ownTimeZone, type Form } from '../rule-fields.ts';
import type { Limit, Priority } from '../shapes.ts';
import { vitalSign } from '../vital-signs.ts';
import { textOf } from './confirmed-form.tsx';

export const formOf = (values: FormData): Form => ({
  text: (name) => textOf(values, name),
  checked: (name) => values.getAll(name).map(String),
});

type LimitFieldsProps = { limits: readonly Limit[]; isDoctor: boolean };

/** Each limit with what can be changed on it, and room for another one. A nurse changes no hours, and takes none away. */
export const LimitFields = ({ limits, isDoctor }: LimitFieldsProps) => (
  <table className="table limit-fields">
    <thead>
      <tr>
        <th scope="col">Alarm</th>
        <th scope="col">Limit</th>
        <th scope="col">For, s</th>
      </tr>
    </thead>
    <tbody>
      {limits.map((limit, index) => (
        <LimitRow key={index} limit={limit} index={index} isDoctor={isDoctor} />
      ))}
      <NewRow isDoctor={isDoctor} />
    </tbody>
  </table>
);

const LimitRow = ({ limit, index, isDoctor }: { limit: Limit; index: number; isDoctor: boolean }) => {
  const { vital, above, below, persistSeconds, priority, schedule } = limit;
  const { name, unit } = vitalSign(vital);
  const label = `${name} ${above === undefined ? 'below' : 'above'}`;
  const hours = schedule === undefined ? '' : `, ${schedule.from}–${schedule.to}`;
  return (
    <tr>
      <th scope="row">
        {label} <span className="quiet">{`${unit}, ${PRIORITY_WORD[priority].toLowerCase()}${hours}`}</span>
        <Timing limit={limit} place={index} isDoctor={isDoctor} />
      </th>
      <td>
        <div className="field">
          <input
            name={`threshold-${index}`}
            aria-label={`${label}, ${PRIORITY_WORD[priority].toLowerCase()}${hours}`}
            type="number"
            step="any"
            required={!isDoctor}
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

type TimingProps = { limit?: Limit; place: number | string; isDoctor: boolean };

/** When it ends, how breaches are counted, and at which hours it holds: seldom changed, so it is folded away. */
const Timing = ({ limit, place, isDoctor }: TimingProps) => {
  const { clearAt, clearForSeconds, breaches, isLatching } = limit ?? {};
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
          <input name={`${name}-${place}`} type="number" step="any" min={max && 0} max={max} defaultValue={value} />
        </label>
      ))}
      <label className="choice">
        <input type="checkbox" name={`latching-${place}`} defaultChecked={isLatching === true} />
        Stays until answered
      </label>
      {isDoctor && <Hours schedule={limit?.schedule} place={place} />}
    </details>
  );
};

type HoursProps = { schedule: Limit['schedule']; place: number | string };

/** In these hours it takes the place of the limit of its side that has none. */
const Hours = ({ schedule, place }: HoursProps) => {
  const timeZone = schedule?.timeZone ?? ownTimeZone();
  return (
    <fieldset className="hours">
      <legend>Only at these hours, {timeZone}</legend>
      <input type="hidden" name={`timeZone-${place}`} value={timeZone} />
      <label className="field">
        From
        <input type="time" name={`from-${place}`} defaultValue={schedule?.from} />
      </label>
      <label className="field">
        To
        <input type="time" name={`to-${place}`} defaultValue={schedule?.to} />
      </label>
      <div className="hours-days">
        {DAYS.slice(1).map((day, index) => (
          <label key={day}>
            <input
              type="checkbox"
              name={`days-${place}`}
              value={index + 1}
              defaultChecked={schedule?.days?.includes(index + 1)}
            />
            {day}
          </label>
        ))}
      </div>
      <p className="quiet small">Days are those on which the hours begin; none: every day.</p>
    </fieldset>
  );
};

export const VitalOptions = () =>
  NEW_VITALS.map((vital) => (
    <option key={vital} value={vital}>
      {vitalSign(vital).name}
    </option>
  ));

export const SideSelect = ({ place, label }: { place: string; label: string }) => (
  <select name={`side-${place}`} aria-label={`${label}: side`}>
    <option value="above">above</option>
    <option value="below">below</option>
  </select>
);

type PrioritySelectProps = { name: string; label: string; value?: Priority | undefined; isDoctor?: boolean };

export const PrioritySelect = ({ name, label, value = 'medium', isDoctor = true }: PrioritySelectProps) => (
  <select name={name} aria-label={`${label}: priority`} defaultValue={value}>
    {PRIORITIES.filter((priority) => isDoctor || priority !== 'high').map((priority) => (
      <option key={priority} value={priority}>
        {PRIORITY_WORD[priority]}
      </option>
    ))}
  </select>
);

const NewRow = ({ isDoctor }: { isDoctor: boolean }) => (
  <tr>
    <th scope="row">
      <div className="field">
        <select name={`vital-${NEW}`} aria-label="Another limit: vital sign" defaultValue="">
          <option value="">Another…</option>
          <VitalOptions />
        </select>
        <SideSelect place={NEW} label="Another limit" />
        <PrioritySelect name={`priority-${NEW}`} label="Another limit" isDoctor={isDoctor} />
      </div>
      <Timing place={NEW} isDoctor={isDoctor} />
    </th>
    <td>
      <div className="field">
        <input name={`threshold-${NEW}`} aria-label="Another limit: value" type="number" step="any" />
      </div>
    </td>
    <td>
      <div className="field">
        <input
          name={`seconds-${NEW}`}
          aria-label="Another limit: seconds"
          type="number"
          min={0}
          max={3600}
          defaultValue={15}
        />
      </div>
    </td>
  </tr>
);
