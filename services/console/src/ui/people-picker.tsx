import { useId, useState } from 'react';
import { moved } from '../schedule-draft.ts';
import { IssueAt } from './fields.tsx';
import { type Found, useFound, useNameOf } from './use-callable.ts';

type PeoplePickerProps = {
  label: string;
  /** Of the list, as the server names it; where it is one person, of him. */
  path: string;
  people: readonly string[];
  onChange: (people: readonly string[]) => void;
  /** Their order counts, and somebody may be in it twice. */
  isOrdered?: boolean;
  /** No more than so many; with 1 the list is one person. */
  most: number;
  /** The form cannot be sent with nobody. */
  isRequired?: boolean;
};

/** People by a part of their name: the chosen ones as a list, and a search to add to it. */
export const PeoplePicker = (props: PeoplePickerProps) => {
  const { label, path, people, onChange, isOrdered = false, most, isRequired = false } = props;
  const id = useId();
  const isFull = people.length >= most;
  return (
    <div className="people-picker" role="group" aria-labelledby={id} data-path={path}>
      <span id={id} className="choices-title">
        {label}
      </span>
      {people.length > 0 && (
        <ol className="people-chosen" data-ordered={isOrdered}>
          {people.map((personId, index) => (
            // Somebody may be in the order twice: only his place tells one from the other.
            <li key={`${index} ${personId}`}>
              <Chosen
                personId={personId}
                isOrdered={isOrdered}
                isFirst={index === 0}
                isLast={index === people.length - 1}
                onMove={(by) => onChange(moved(people, index, by))}
                onRemove={() => onChange(people.filter((_, place) => place !== index))}
              />
              <IssueAt path={most === 1 ? path : `${path}.${index}`} />
            </li>
          ))}
        </ol>
      )}
      {(people.length === 0 || most > 1) && <IssueAt path={path} />}
      {!isFull && (
        <Search
          label={label}
          taken={isOrdered ? [] : people}
          isNeeded={isRequired && people.length === 0}
          onAdd={(personId) => onChange([...people, personId])}
        />
      )}
    </div>
  );
};

type ChosenProps = {
  personId: string;
  isOrdered: boolean;
  isFirst: boolean;
  isLast: boolean;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
};

const Chosen = ({ personId, isOrdered, isFirst, isLast, onMove, onRemove }: ChosenProps) => {
  const name = useNameOf()(personId);
  return (
    <span className="people-line">
      <span>{name}</span>
      {isOrdered && (
        <>
          <button
            type="button"
            className="button plain"
            aria-label={`${name} earlier`}
            disabled={isFirst}
            onClick={() => onMove(-1)}
          >
            ↑
          </button>
          <button
            type="button"
            className="button plain"
            aria-label={`${name} later`}
            disabled={isLast}
            onClick={() => onMove(1)}
          >
            ↓
          </button>
        </>
      )}
      <button type="button" className="button plain" aria-label={`Take ${name} out`} onClick={onRemove}>
        Take out
      </button>
    </span>
  );
};

type SearchProps = {
  label: string;
  taken: readonly string[];
  isNeeded: boolean;
  onAdd: (personId: string) => void;
};

const Search = ({ label, taken, isNeeded, onAdd }: SearchProps) => {
  const [text, setText] = useState('');
  const found = useFound(text);
  const open = found?.items.filter(({ personId }) => !taken.includes(personId)) ?? [];
  const add = (personId: string): void => {
    setText('');
    onAdd(personId);
  };
  return (
    <>
      <div className="field">
        <input
          type="search"
          ref={(element) => element?.setCustomValidity(isNeeded ? 'Choose somebody who is found' : '')}
          aria-label={`${label}: part of a name`}
          placeholder="Part of a name"
          value={text}
          maxLength={100}
          autoComplete="off"
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            // Not the form: that would send it half filled.
            event.preventDefault();
            if (open.length === 1 && open[0] !== undefined) add(open[0].personId);
          }}
        />
      </div>
      <p className="quiet" role="status">
        {found === undefined ? '' : sayFound(found, open.length)}
      </p>
      {open.length > 0 && (
        <ul className="people-found">
          {open.map(({ personId, name, roles }) => (
            <li key={personId}>
              <button type="button" className="button" data-person={personId} onClick={() => add(personId)}>
                Add {name}
                <span className="quiet">
                  {roles.join(', ')} ({personId})
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
};

const sayFound = ({ hasMore, failure }: Found, count: number): string => {
  if (failure !== undefined) return `Nobody could be looked for. ${failure}`;
  if (count === 0) return 'Nobody else of that name can be called.';
  return hasMore ? 'There are more: type more of the name.' : '';
};
