/** `presence:set`, `presence:get` and `presence:list`: answered from memory, by whichever gateway is asked. */
import { CodedError, badInput } from '@carillon/contracts/errors';
import { getPresence, listPresence, maxSetMs, setPresence } from '@carillon/contracts/presence';
import { parseInstant, validate, type Static, type TSchema } from '@carillon/contracts/schema';
import type { OwnCall } from '../calls.ts';
import type { OwnDevices, Word } from './own-devices.ts';
import type { PersonKey, Roster } from './roster.ts';
import type { PresenceRooms } from './rooms.ts';
import { maySee, personKey, presenceOf, type PeopleView } from './sight.ts';

export type PresenceCallsOptions = {
  people: PeopleView;
  roster: Roster;
  own: OwnDevices;
  rooms: PresenceRooms;
  now: () => number;
  /** Tells all gateways what somebody says without a connection. @throws CodedError `unavailable` */
  announce: (key: PersonKey, word: Word) => Promise<void>;
};

function read<T extends TSchema>(schema: T, data: unknown): Static<T> {
  const input = validate(schema, data);
  if (!input.ok) throw badInput(input.issues);
  return input.value;
}

/** @returns the answer to one of the operations. @throws CodedError */
export const createPresenceCalls = ({ people, roster, own, rooms, now, announce }: PresenceCallsOptions) => {
  const set = async ({ who, connection, data }: OwnCall) => {
    const { state, until } = read(setPresence.input, data);
    const untilMs = until === undefined ? undefined : parseInstant(until);
    if (untilMs !== undefined && (untilMs <= now() || untilMs > now() + maxSetMs))
      throw badInput([{ path: 'until', message: `Expected a time in the next ${maxSetMs / 3_600_000} hours` }]);
    const key = personKey(who.hospital, who.person);
    const word: Word = { state, until: untilMs };
    if (connection === undefined || !own.set(key, connection, word)) {
      if (!roster.hasDevices(key)) throw new CodedError('conflict', 'No device of yours is connected');
      await announce(key, word);
    }
    return { state, until: until ?? null };
  };
  const get = ({ who, data }: OwnCall) => {
    const { hospital } = who;
    const seen = read(getPresence.input, data).persons.filter((id) =>
      maySee(who, { hospital, scope: 'person', id }, people),
    );
    return { people: seen.map((person) => presenceOf(hospital, person, people, roster)) };
  };
  const list = ({ who, data }: OwnCall) => {
    const subject = { hospital: who.hospital, ...read(listPresence.input, data) };
    if (!maySee(who, subject, people)) throw new CodedError('forbidden');
    return rooms.snapshot(subject);
  };
  return async (call: OwnCall): Promise<unknown> => {
    switch (call.operation) {
      case setPresence.name:
        return set(call);
      case getPresence.name:
        return get(call);
      case listPresence.name:
        return list(call);
      default:
        throw new CodedError('not_found', 'No such operation');
    }
  };
};
