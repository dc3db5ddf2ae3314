import { capitalised } from '../format.ts';
import { type LevelDraft, type TargetDraft, CALLED_ROLES, fieldOf, nextId, targetOfKind } from '../policy-draft.ts';
import { peopleOf, TARGET_KINDS } from '../policies.ts';
import { Field, IssueAt, SelectField, TextField } from './fields.tsx';
import { PeoplePicker } from './people-picker.tsx';
import type { Nameable } from './use-nameable.ts';

const MOST_LEVELS = 20;
const MOST_TARGETS = 20;
const NEEDS = [
  ['any', 'one of them'],
  ['all', 'each of them'],
  ['some', 'so many:'],
] as const;

type PolicyLevelsProps = {
  levels: readonly LevelDraft[];
  nameable: Nameable;
  onChange: (levels: readonly LevelDraft[]) => void;
};

/** Each level with its time and whom it calls; the last one needs somebody who always answers. */
export const PolicyLevels = ({ levels, nameable, onChange }: PolicyLevelsProps) => {
  const put = (changed: LevelDraft): void => onChange(levels.map((each) => (each.id === changed.id ? changed : each)));
  const add = (): void => {
    const after = Number(levels.at(-1)?.afterSeconds ?? 0) + 60;
    const level: LevelDraft = {
      id: nextId(levels),
      afterSeconds: String(after),
      needs: 'any',
      needed: '2',
      deliverWithinSeconds: '',
      targets: [targetOfKind(0, 'failsafe')],
    };
    onChange([...levels, level]);
  };
  return (
    <div className="editor-list">
      {levels.map((level, index) => (
        <fieldset key={level.id} className="editor-part" data-testid={`level-${index + 1}`}>
          <legend>Level {index + 1}</legend>
          <Level level={level} path={`levels.${index}`} nameable={nameable} onChange={put} />
          {levels.length > 1 && (
            <button
              type="button"
              className="button"
              onClick={() => onChange(levels.filter(({ id }) => id !== level.id))}
            >
              Remove level {index + 1}
            </button>
          )}
        </fieldset>
      ))}
      <IssueAt path="levels" />
      {levels.length < MOST_LEVELS && (
        <button type="button" className="button" data-testid="level-add" onClick={add}>
          Another level
        </button>
      )}
    </div>
  );
};

type LevelProps = { level: LevelDraft; path: string; nameable: Nameable; onChange: (level: LevelDraft) => void };

const Level = ({ level, path, nameable, onChange }: LevelProps) => {
  const { targets } = level;
  const put = (changed: TargetDraft): void =>
    onChange({ ...level, targets: targets.map((each) => (each.id === changed.id ? changed : each)) });
  return (
    <>
      <TextField
        path={`${path}.afterSeconds`}
        label="Seconds after the alert was opened"
        value={level.afterSeconds}
        onChange={(afterSeconds) => onChange({ ...level, afterSeconds })}
        input={{ type: 'number', step: 'any', min: 0, max: 86_400, required: true }}
      />
      {targets.map((target, index) => (
        <div key={target.id} className="editor-target">
          <Target target={target} path={`${path}.targets.${index}`} nameable={nameable} onChange={put} />
          {targets.length > 1 && (
            <button
              type="button"
              className="button plain"
              aria-label={`Take target ${index + 1} out`}
              onClick={() => onChange({ ...level, targets: targets.filter(({ id }) => id !== target.id) })}
            >
              Take out
            </button>
          )}
        </div>
      ))}
      <IssueAt path={`${path}.targets`} />
      {targets.length < MOST_TARGETS && (
        <button
          type="button"
          className="button"
          onClick={() => onChange({ ...level, targets: [...targets, targetOfKind(nextId(targets), 'wardRole')] })}
        >
          Call somebody else too
        </button>
      )}
      <div className="editor-row">
        <SelectField
          path={`${path}.needs`}
          label="Must answer"
          value={level.needs}
          options={NEEDS}
          onChange={(needs) => onChange({ ...level, needs })}
        />
        {level.needs === 'some' && (
          <TextField
            path={`${path}.needed`}
            label="How many"
            value={level.needed}
            onChange={(needed) => onChange({ ...level, needed })}
            input={{ type: 'number', min: 1, max: 50, required: true }}
          />
        )}
        <TextField
          path={`${path}.deliverWithinSeconds`}
          label="Next level if it came to no device within (s)"
          value={level.deliverWithinSeconds}
          onChange={(deliverWithinSeconds) => onChange({ ...level, deliverWithinSeconds })}
          input={{ type: 'number', step: 'any', min: 2, max: 3600, placeholder: 'no bound' }}
        />
      </div>
    </>
  );
};

const ROLES = CALLED_ROLES.map((role) => [role, capitalised(peopleOf(role))] as const);

type TargetProps = { target: TargetDraft; path: string; nameable: Nameable; onChange: (target: TargetDraft) => void };

const Target = ({ target, path, nameable, onChange }: TargetProps) => {
  const { id, kind, who } = target;
  const field = fieldOf(kind);
  const put = (changes: Partial<TargetDraft>): void => onChange({ ...target, ...changes });
  return (
    <>
      <SelectField
        path={`${path}.kind`}
        label="Calls"
        value={kind}
        options={TARGET_KINDS}
        onChange={(chosen) => onChange(targetOfKind(id, chosen))}
      />
      {field === 'role' && (
        <Choice path={`${path}.role`} label="Who" value={who} options={ROLES} onChange={(role) => put({ who: role })} />
      )}
      {(field === 'group' || field === 'schedule') && (
        <Choice
          path={`${path}.${field}`}
          label={field === 'group' ? 'Which group' : 'Which schedule'}
          value={who}
          options={field === 'group' ? nameable.groups : nameable.schedules}
          onChange={(chosen) => put({ who: chosen })}
        />
      )}
      {field === 'person' && (
        <PeoplePicker
          label="Who"
          path={`${path}.person`}
          people={who === '' ? [] : [who]}
          most={1}
          isRequired
          onChange={([chosen = '']) => put({ who: chosen })}
        />
      )}
      {kind === 'nearest' && (
        <>
          <TextField
            path={`${path}.count`}
            label="How many"
            value={target.count}
            onChange={(count) => put({ count })}
            input={{ type: 'number', min: 1, max: 20, required: true }}
          />
          <TextField
            path={`${path}.withinMetres`}
            label="First those within (m)"
            value={target.withinMetres}
            onChange={(withinMetres) => put({ withinMetres })}
            input={{ type: 'number', step: 'any', min: 1, max: 100_000, placeholder: 'any distance' }}
          />
        </>
      )}
    </>
  );
};

type ChoiceProps = {
  path: string;
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
};

/** One of those that there are; what is chosen and is no more stays in sight until another is chosen. */
const Choice = ({ path, label, value, options, onChange }: ChoiceProps) => (
  <Field path={path} label={label}>
    {(described) => (
      <select {...described} required value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {value === '' && <option value="">Choose one</option>}
        {value !== '' && options.every(([id]) => id !== value) && <option value={value}>{value}</option>}
        {options.map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    )}
  </Field>
);
