import { NEW, NEW_PARTS, type Combination, type Trend } from '../rule-fields.ts';
import type { PatientRules, Priority } from '../shapes.ts';
import { vitalSign } from '../vital-signs.ts';
import { PrioritySelect, SideSelect, VitalOptions } from './limit-fields.tsx';

/** What is beside limits: slow changes, and several vital signs together. */
export const RuleFields = ({ rules }: { rules: Pick<PatientRules, 'trends' | 'combinations'> }) => (
  <>
    <fieldset className="rules">
      <legend>Slow changes that cross no limit</legend>
      {(rules.trends ?? []).map((trend, place) => (
        <TrendRow key={trend.name} trend={trend} place={place} />
      ))}
      <NewTrend />
    </fieldset>
    <fieldset className="rules">
      <legend>Several vital signs together</legend>
      {(rules.combinations ?? []).map((combination, place) => (
        <CombinationRow key={combination.name} combination={combination} place={place} />
      ))}
      <NewCombination />
    </fieldset>
  </>
);

const nameOf = (vital: string): string => (vital === 'news2' ? 'NEWS2' : vitalSign(vital).name);

type NumberFieldProps = {
  name: string;
  label: string;
  value?: number | undefined;
  min?: number;
  max?: number;
  isNeeded?: boolean;
};

const NumberField = ({ name, label, value, min, max, isNeeded = false }: NumberFieldProps) => (
  <label className="field">
    {label}
    <input name={name} type="number" step="any" min={min} max={max} required={isNeeded} defaultValue={value} />
  </label>
);

const Priorities = ({ name, label, value }: { name: string; label: string; value?: Priority }) => (
  <div className="field">
    Priority
    <PrioritySelect name={name} label={label} value={value} />
  </div>
);

const TakeAway = ({ name, label }: { name: string; label: string }) => (
  <label className="choice">
    <input type="checkbox" name={name} aria-label={`${label}: take away`} />
    Take away
  </label>
);

const TrendRow = ({ trend, place }: { trend: Trend; place: number }) => {
  const { vital, direction, change, windowMinutes, priority } = trend;
  const label = `${nameOf(vital)} ${direction}`;
  return (
    <div className="rule" role="group" aria-label={label}>
      <b>{label}</b>
      <div className="rule-numbers">
        <NumberField name={`trend-change-${place}`} label="By" value={change} min={0} isNeeded />
        <NumberField
          name={`trend-window-${place}`}
          label="Within, min"
          value={windowMinutes}
          min={5}
          max={1440}
          isNeeded
        />
        <Priorities name={`trend-priority-${place}`} label={label} value={priority} />
      </div>
      <TakeAway name={`trend-gone-${place}`} label={label} />
    </div>
  );
};

const NewTrend = () => (
  <details>
    <summary>Another slow change</summary>
    <div className="rule" role="group" aria-label="Another slow change">
      <div className="rule-numbers">
        <label className="field">
          Of
          <select name="trend-vital" defaultValue="">
            <option value="">nothing</option>
            <option value="news2">NEWS2</option>
            <VitalOptions />
          </select>
        </label>
        <label className="field">
          Which way
          <select name="trend-direction">
            <option value="rising">rising</option>
            <option value="falling">falling</option>
          </select>
        </label>
        <NumberField name={`trend-change-${NEW}`} label="By" min={0} />
        <NumberField name={`trend-window-${NEW}`} label="Within, min" value={60} min={5} max={1440} />
        <Priorities name={`trend-priority-${NEW}`} label="Another slow change" />
      </div>
    </div>
  </details>
);

const CombinationRow = ({ combination, place }: { combination: Combination; place: number }) => {
  const { name, all, persistSeconds, priority } = combination;
  return (
    <div className="rule" role="group" aria-label={name}>
      <b>{name}</b>
      <div className="rule-numbers">
        {all.map(({ vital, above, below }, index) => (
          <NumberField
            key={`${vital} ${index}`}
            name={`multi-${place}-${index}`}
            label={`${nameOf(vital)} ${above === undefined ? 'below' : 'above'}`}
            value={above ?? below}
            isNeeded
          />
        ))}
        <NumberField
          name={`multi-seconds-${place}`}
          label="For, s"
          value={persistSeconds}
          min={0}
          max={3600}
          isNeeded
        />
        <Priorities name={`multi-priority-${place}`} label={name} value={priority} />
      </div>
      <TakeAway name={`multi-gone-${place}`} label={name} />
    </div>
  );
};

const NewCombination = () => (
  <details>
    <summary>Another combination</summary>
    <div className="rule" role="group" aria-label="Another combination">
      <label className="field">
        Name
        <input name="multi-name" type="text" pattern="[a-z][A-Za-z0-9\-]{0,40}" placeholder="one word, such as shock" />
      </label>
      {NEW_PARTS.map((part) => (
        <div key={part} className="field rule-part">
          <select name={`vital-part-${part}`} aria-label={`Part ${part + 1}: vital sign`} defaultValue="">
            <option value="">nothing</option>
            <VitalOptions />
          </select>
          <SideSelect place={`part-${part}`} label={`Part ${part + 1}`} />
          <input name={`threshold-part-${part}`} aria-label={`Part ${part + 1}: value`} type="number" step="any" />
        </div>
      ))}
      <div className="rule-numbers">
        <NumberField name={`multi-seconds-${NEW}`} label="For, s" value={15} min={0} max={3600} />
        <NumberField name="multi-minutes" label="A value counts for, min" value={15} min={1} max={240} />
        <Priorities name={`multi-priority-${NEW}`} label="Another combination" />
      </div>
    </div>
  </details>
);
