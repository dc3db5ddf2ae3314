/** The entries of the buckets `presence` and `lastSeen`, as they are written and read. */
import {
  devicesEntrySchema,
  heartbeatEntrySchema,
  lastSeenBucket,
  lastSeenEntrySchema,
  presenceBucket,
  setEntrySchema,
  type Device,
  type SetEntry,
} from '@carillon/contracts/presence';
import { validate, type Static, type TSchema } from '@carillon/contracts/schema';
import { entrySubject } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import { parseEntry } from '../people.ts';
import type { PersonKey } from './roster.ts';
import type { Entry } from './watch.ts';

/** What an entry says; of a deleted one, that nothing is there. Whoever has ended did so at `at`, where that is known. */
export type Said =
  | { kind: 'heartbeat'; instance: string; at: number | undefined; hasEnded: boolean }
  | { kind: 'devices'; instance: string; key: PersonKey; devices: readonly Device[] }
  | { kind: 'set'; key: PersonKey; entry: SetEntry }
  | undefined;

const parse = <T extends TSchema>(schema: T, value: Uint8Array | undefined): Static<T> | undefined => {
  const checked = value === undefined ? undefined : validate(schema, parseEntry(value));
  return checked?.ok === true ? checked.value : undefined;
};

const heartbeatKey = (instance: string): string => `gateway.${instance}`;
const devicesKey = (instance: string, key: PersonKey): string => `device.${instance}.${key}`;

/** @returns undefined for what says nothing to us */
export function readPresenceEntry({ key, value }: Entry): Said {
  const [kind, ...rest] = key.split('.');
  const [instance = '', ...person] = rest;
  if (kind === 'gateway') {
    const beat = parse(heartbeatEntrySchema, value);
    return { kind: 'heartbeat', instance, at: beat?.at, hasEnded: beat === undefined || beat.ended === true };
  }
  if (kind === 'device') {
    const devices = parse(devicesEntrySchema, value)?.devices ?? [];
    return { kind: 'devices', instance, key: person.join('.'), devices };
  }
  const entry = kind === 'set' ? parse(setEntrySchema, value) : undefined;
  return entry === undefined ? undefined : { kind: 'set', key: rest.join('.'), entry };
}
export const readLastSeen = (value: Uint8Array | undefined): number | undefined =>
  parse(lastSeenEntrySchema, value)?.at;

export type PresenceBucket = {
  beat(instance: string, n: number, at: number): Promise<void>;
  putDevices(instance: string, key: PersonKey, devices: readonly Device[]): Promise<void>;
  putWord(key: PersonKey, entry: SetEntry): Promise<void>;
  putLastSeen(key: PersonKey, at: number): Promise<void>;
  /** Tells all who read that the gateway is no more, and was last heard then. */
  bury(instance: string, at: number): Promise<void>;
};

export function openPresenceBucket(bus: Bus): PresenceBucket {
  const put = (bucket: string, key: string, value: unknown): Promise<void> =>
    publish(bus, { subject: entrySubject(bucket, key), body: encode(value), headers: {} });
  return {
    beat: (instance, n, at) => put(presenceBucket, heartbeatKey(instance), { n, at }),
    putDevices: (instance, key, devices) => put(presenceBucket, devicesKey(instance, key), { devices }),
    putWord: (key, entry) => put(presenceBucket, `set.${key}`, entry),
    putLastSeen: (key, at) => put(lastSeenBucket, key, { at }),
    bury: (instance, at) => put(presenceBucket, heartbeatKey(instance), { n: 0, at, ended: true }),
  };
}
