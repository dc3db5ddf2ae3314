import { useState } from 'react';
import { dayAndTime } from '../format.ts';
import { ConfirmedForm, textOf } from './confirmed-form.tsx';
import { useCell, useLive } from './hooks.ts';

const optionalReason = (values: FormData) => {
  const reason = textOf(values, 'reason');
  return reason === '' ? {} : { reason };
};

const PersonField = () => (
  <label className="field">
    Person
    <input
      name="person"
      required
      maxLength={64}
      pattern="[A-Za-z0-9_\-]+"
      title="The id of a person"
      list="known-people"
      autoComplete="off"
    />
  </label>
);

const ReasonField = ({ isRequired = false }: { isRequired?: boolean }) => (
  <label className="field">
    {isRequired ? 'Reason' : 'Reason (may be empty)'}
    <input name="reason" required={isRequired} maxLength={500} autoComplete="off" />
  </label>
);

/** Whose ids can be chosen rather than typed: known only where demo sign-in is on. */
const KnownPeople = () => {
  const names = useCell(useLive().names);
  return (
    <datalist id="known-people">
      {[...names].map(([person, name]) => (
        <option key={person} value={person}>
          {name}
        </option>
      ))}
    </datalist>
  );
};

const useNameOf = (): ((person: string) => string) => {
  const names = useCell(useLive().names);
  return (person) => {
    const name = names.get(person);
    return name === undefined ? person : `${name} (${person})`;
  };
};

/** What ends connections and refuses tokens. All of it goes on record, with the operator's name. */
export const AccessForms = () => (
  <>
    <KnownPeople />
    <Disconnect />
    <EndSubscription />
    <Revoke />
  </>
);

const Disconnect = () => {
  const { api } = useLive();
  const nameOf = useNameOf();
  return (
    <ConfirmedForm
      name="disconnect"
      title="Disconnect a person"
      explanation="Ends the connections that there are."
      verb="Disconnect"
      question={(values) =>
        `All pages and devices of ${nameOf(textOf(values, 'person'))} stop being live within 2 seconds and say so. ` +
        'The sign-in stays good: whoever loads the page again is back.'
      }
      act={async (values) => {
        const person = textOf(values, 'person');
        const { disconnectedAt } = await api.disconnect({ person, ...optionalReason(values) });
        return `${nameOf(person)} was disconnected at ${dayAndTime(disconnectedAt)}.`;
      }}
    >
      <PersonField />
      <ReasonField />
    </ConfirmedForm>
  );
};

const EndSubscription = () => {
  const { api } = useLive();
  const nameOf = useNameOf();
  return (
    <ConfirmedForm
      name="end-subscription"
      title="End a subscription"
      explanation="Takes a person out of one room, such as ward:w1:alerts."
      verb="End it"
      question={(values) =>
        `${nameOf(textOf(values, 'person'))} gets nothing more of ${textOf(values, 'room')} on any device, ` +
        'within 2 seconds. The right to it stays: who enters the room again is in it.'
      }
      act={async (values) => {
        const person = textOf(values, 'person');
        const room = textOf(values, 'room');
        const { endedAt } = await api.endSubscription({ person, room, ...optionalReason(values) });
        return `${room} was ended for ${nameOf(person)} at ${dayAndTime(endedAt)}.`;
      }}
    >
      <PersonField />
      <label className="field">
        Room
        <input name="room" required maxLength={200} autoComplete="off" />
      </label>
      <ReasonField />
    </ConfirmedForm>
  );
};

type Kind = 'token' | 'person' | 'device';
const KINDS: readonly { kind: Kind; label: string; whatIsRefused: (id: string) => string }[] = [
  {
    kind: 'person',
    label: 'Person',
    whatIsRefused: (id) => `All tokens of the person ${id} that were issued up to now`,
  },
  {
    kind: 'device',
    label: 'Device',
    whatIsRefused: (id) => `All tokens of the device ${id} that were issued up to now`,
  },
  { kind: 'token', label: 'Token', whatIsRefused: (id) => `The one token with the id (jti) ${id}` },
];
const kindOf = (values: FormData) => KINDS.find(({ kind }) => kind === textOf(values, 'kind')) ?? KINDS[0]!;

const Revoke = () => {
  const { api } = useLive();
  const nameOf = useNameOf();
  return (
    <ConfirmedForm
      name="revoke"
      title="Revoke access"
      explanation="Refuses tokens that were lost or must not be used any more."
      verb="Revoke"
      question={(values) => {
        const id = textOf(values, 'id');
        const { kind, whatIsRefused } = kindOf(values);
        return (
          `${whatIsRefused(kind === 'person' ? nameOf(id) : id)} will be refused everywhere, and their connections ` +
          'end, within 2 seconds. It cannot be taken back: a new sign-in is needed.'
        );
      }}
      act={async (values) => {
        const { kind } = kindOf(values);
        const id = textOf(values, 'id');
        const { revokedAt } = await api.revoke({ kind, id, reason: textOf(values, 'reason') });
        return `The ${kind} ${id} was revoked at ${dayAndTime(revokedAt)}.`;
      }}
    >
      <RevokeFields />
    </ConfirmedForm>
  );
};

const RevokeFields = () => {
  const [kind, setKind] = useState<Kind>('person');
  return (
    <>
      <div className="choices" role="radiogroup" aria-labelledby="revoke-kind">
        <span id="revoke-kind" className="choices-title">
          What
        </span>
        {KINDS.map((choice) => (
          <label key={choice.kind} className="choice">
            <input
              type="radio"
              name="kind"
              value={choice.kind}
              checked={kind === choice.kind}
              onChange={() => setKind(choice.kind)}
            />
            {choice.label}
          </label>
        ))}
      </div>
      <label className="field">
        {kind === 'token' ? 'Id of the token (jti), never the token itself' : `Id of the ${kind}`}
        <input
          name="id"
          required
          maxLength={kind === 'token' ? 256 : 64}
          autoComplete="off"
          {...(kind === 'person' ? { list: 'known-people' } : {})}
        />
      </label>
      <ReasonField isRequired />
    </>
  );
};
