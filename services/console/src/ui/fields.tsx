import { type ComponentProps, createContext, type ReactNode, useContext, useId } from 'react';
import type { Issue } from '../issues.ts';

const IssuesContext = createContext<readonly Issue[]>([]);
export const IssuesProvider = IssuesContext.Provider;

/** What is wrong at this place of what was sent. */
const useIssue = (path: string): string | undefined =>
  useContext(IssuesContext)
    .filter((issue) => issue.path === path)
    .map(({ message }) => message)
    .join('. ') || undefined;

type Described = { id: string; 'aria-invalid'?: true; 'aria-describedby'?: string };
type FieldProps = {
  /** Of the input, as the server names it. */
  path: string;
  label: string;
  hint?: string;
  children: (described: Described) => ReactNode;
};

/** A field with its label, and what the server said of it. */
export const Field = ({ path, label, hint, children }: FieldProps) => {
  const id = useId();
  const issue = useIssue(path);
  const hintId = `${id}-hint`;
  const issueId = `${id}-issue`;
  const describes = [hint !== undefined && hintId, issue !== undefined && issueId].filter((each) => each !== false);
  return (
    <div className="field" data-path={path}>
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        ...(issue === undefined ? {} : { 'aria-invalid': true }),
        ...(describes.length === 0 ? {} : { 'aria-describedby': describes.join(' ') }),
      })}
      {hint !== undefined && (
        <span id={hintId} className="field-hint">
          {hint}
        </span>
      )}
      <IssueText id={issueId} issue={issue} />
    </div>
  );
};

/** Beside what is no field of its own, as a list. */
export const IssueAt = ({ path }: { path: string }) => <IssueText id={undefined} issue={useIssue(path)} />;

const IssueText = ({ id, issue }: { id: string | undefined; issue: string | undefined }) =>
  issue === undefined ? null : (
    <span id={id} className="field-issue">
      {issue}
    </span>
  );

type TextFieldProps = Omit<FieldProps, 'children'> & {
  value: string;
  onChange: (value: string) => void;
  input?: Omit<ComponentProps<'input'>, 'value' | 'onChange' | 'id'>;
};

export const TextField = ({ value, onChange, input, ...field }: TextFieldProps) => (
  <Field {...field}>
    {(described) => (
      <input
        autoComplete="off"
        {...input}
        {...described}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    )}
  </Field>
);

type SelectFieldProps<T extends string> = Omit<FieldProps, 'children'> & {
  value: T;
  options: readonly (readonly [value: T, label: string])[];
  onChange: (value: T) => void;
};

export const SelectField = <T extends string>({ value, options, onChange, ...field }: SelectFieldProps<T>) => (
  <Field {...field}>
    {(described) => (
      <select
        {...described}
        value={value}
        onChange={(event) => {
          const chosen = options.find(([each]) => each === event.currentTarget.value);
          if (chosen !== undefined) onChange(chosen[0]);
        }}
      >
        {options.map(([each, label]) => (
          <option key={each} value={each}>
            {label}
          </option>
        ))}
      </select>
    )}
  </Field>
);

type ChecksProps<T extends string | number> = {
  legend: string;
  options: readonly (readonly [value: T, label: string])[];
  chosen: readonly T[];
  onChange: (chosen: readonly T[]) => void;
};

/** Several of a few. */
export const Checks = <T extends string | number>({ legend, options, chosen, onChange }: ChecksProps<T>) => (
  <fieldset className="choices">
    <legend>{legend}</legend>
    {options.map(([value, label]) => (
      <label key={value} className="choice">
        <input
          type="checkbox"
          checked={chosen.includes(value)}
          onChange={(event) =>
            onChange(
              event.currentTarget.checked
                ? options.map(([each]) => each).filter((each) => each === value || chosen.includes(each))
                : chosen.filter((each) => each !== value),
            )
          }
        />
        {label}
      </label>
    ))}
  </fieldset>
);
