/**
 * `gateway`: who is there. What a gateway knows of its own connections it writes to the key-value bucket `presence`, and
 * every gateway reads all of it: so a question is answered from memory, and no service is asked.
 */
import {
  defineQuery,
  defineStateRoom,
  roles,
  staffRoles,
  type QueryDefinition,
  type Role,
  type Rule,
  type StateRoomDefinition,
} from './define.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

/**
 * From the least to the most telling. Who has several devices is what the last of this list says that any of them is:
 * `inCall` and `busy` are said on purpose, and an idle page elsewhere must not hide them; one device at which somebody
 * sits makes him `online`, whichever others are left alone.
 */
export const presenceStates = ['offline', 'away', 'online', 'busy', 'inCall'] as const;
export type PresenceState = (typeof presenceStates)[number];
/** What a connection can say of itself; without one a person is `offline`. */
export const settableStates = ['online', 'away', 'busy', 'inCall'] as const satisfies PresenceState[];
export type SettableState = (typeof settableStates)[number];

/** Devices and services have a status of their own, and no presence. */
export const presentRoles: readonly Role[] = roles.filter((role) => role !== 'device' && role !== 'service');
/** Whom every member of staff may see. */
export const colleagueRoles = [...staffRoles, 'operator', 'admin'] as const satisfies Role[];
export const presenceScopes = ['ward', 'hospital', 'person'] as const;
export type PresenceScope = (typeof presenceScopes)[number];

/** A hospital's list with more people than this holds counts only. */
export const maxPresenceList = 500;
/** How long a word holds at most that is to hold until a time. */
export const maxSetMs = 24 * 60 * 60_000;

const State = OneOf(presenceStates, 'Of all of the devices together');
const Count = (description: string) => Type.Integer({ minimum: 0, description });

export const personPresenceSchema = Shape({
  person: Id('Person'),
  name: Type.String({ description: 'Name, for people' }),
  roles: Type.Array(OneOf(roles, 'Role')),
  state: State,
  since: Nullable(Instant('Since when it is so, as far as is known')),
  lastSeenAt: Nullable(Instant('Who is offline: when the last of the devices went; null where that is not known')),
});
export const presenceCountsSchema = Shape(
  {
    offline: Count('Not there'),
    away: Count('Connected, and not at the device'),
    online: Count('There'),
    busy: Count('There, and not to be disturbed'),
    inCall: Count('In a call'),
  },
  'How many there are of each',
);
const ByRole = Type.Record(Type.String(), presenceCountsSchema, {
  description: 'Of a hospital: the counts of each role; who has several counts in each',
});
export const presenceSnapshotSchema = Shape({
  scope: OneOf(presenceScopes, 'Of what'),
  id: Id('Ward, hospital or person'),
  counts: presenceCountsSchema,
  byRole: Type.Optional(ByRole),
  people: Type.Array(personPresenceSchema, {
    description: 'Who belongs to it, present or not; empty where `isListed` is false',
  }),
  isListed: Type.Boolean({
    description: `False where more than ${maxPresenceList} belong to it: then only counts come`,
  }),
});
export const presenceCountedSchema = Shape({ counts: presenceCountsSchema, byRole: Type.Optional(ByRole) });
export type PersonPresence = Static<typeof personPresenceSchema>;
export type PresenceCounts = Static<typeof presenceCountsSchema>;
export type PresenceSnapshot = Static<typeof presenceSnapshotSchema>;

export const presenceEvents = [
  {
    name: 'presence:changed',
    description: 'A person as he now is, or one who now belongs here.',
    data: personPresenceSchema,
  },
  {
    name: 'presence:left',
    description: 'A person who belongs here no longer. Who is merely offline has changed, and not left.',
    data: Shape({ person: Id('Person') }),
  },
  { name: 'presence:counted', description: 'How many there are of each state now.', data: presenceCountedSchema },
] as const;

const presenceRoom = (scope: PresenceScope, description: string, allow: readonly Rule[]): StateRoomDefinition =>
  defineStateRoom({
    name: `presence:${scope}:<id>`,
    version: 1,
    description,
    lane: 'bulk',
    data: presenceSnapshotSchema,
    events: presenceEvents,
    allow,
  });

export const wardPresenceRoom = presenceRoom('ward', 'Who of the staff of a ward is there.', [
  { roles: staffRoles, relation: 'ward', field: 'id' },
]);
export const hospitalPresenceRoom = presenceRoom(
  'hospital',
  'Who of the staff of a hospital is there, and how many of each role, patients and caregivers included.',
  [{ roles: colleagueRoles, relation: 'hospital', field: 'id' }],
);
export const personPresenceRoom = presenceRoom(
  'person',
  'Whether one person is there: staff may see staff, and a patient is seen by the staff of his ward and by himself.',
  [
    { roles: presentRoles, relation: 'self', field: 'id' },
    { roles: staffRoles, relation: 'wardOfPatient', field: 'id' },
    // The gateway looks whether the person works here: who does may be seen by all who do.
    { roles: colleagueRoles, relation: 'entity', field: 'id' },
  ],
);

const ofGateway = { version: 1, owner: 'gateway', servedBy: 'gateway' } as const satisfies Partial<QueryDefinition>;

export const setPresence = defineQuery({
  ...ofGateway,
  name: 'presence:set',
  description:
    'Says what the caller does: over a WebSocket for that device, else for all devices that are connected now. It holds until ' +
    'another word, until `until`, or until the device has been gone for longer than the grace; a device that comes again with ' +
    'the same `tab` within it goes on as it was. Nothing is queued: say it again after a failure.',
  input: Shape({
    state: OneOf(settableStates, 'What the caller is from now on'),
    until: Type.Optional(Instant(`Then the device is \`online\` again; at most ${maxSetMs / 3_600_000} h ahead`)),
  }),
  result: Shape({
    state: OneOf(settableStates, 'As it was said'),
    until: Nullable(Instant('Until when it holds')),
  }),
  allow: [{ roles: presentRoles, relation: 'hospital' }],
  http: { method: 'PUT', path: '/v1/presence' },
});
export const getPresence = defineQuery({
  ...ofGateway,
  name: 'presence:get',
  description: 'Who of some people is there. Whoever is not known, or not the caller’s to see, is left out.',
  input: Shape({ persons: Type.Array(Id('Person'), { minItems: 1, maxItems: 100, description: 'Whom' }) }),
  result: Shape({ people: Type.Array(personPresenceSchema, { description: 'In the order of the question' }) }),
  allow: [{ roles: presentRoles, relation: 'entity' }],
  http: { method: 'POST', path: '/v1/presence/people' },
});
export const listPresence = defineQuery({
  ...ofGateway,
  name: 'presence:list',
  description: 'What the room `presence:<scope>:<id>` shows at this moment. Who may enter the room may ask.',
  input: Shape({ scope: OneOf(presenceScopes, 'Of what'), id: Id('Ward, hospital or person') }),
  result: presenceSnapshotSchema,
  allow: [{ roles: presentRoles, relation: 'entity', field: 'id' }],
  http: { method: 'GET', path: '/v1/presence/:scope/:id' },
});

/**
 * The bucket of who is connected: in memory, since it must not cost the disk that alerts are written to, and all of it is
 * said anew when it is lost. Keys:
 * - `gateway.<instance>`: its heartbeat. Whose heartbeat is old is dead: nats-server 2.9 tells watchers of no expiry, so
 *   every reader judges age by its own clock.
 * - `device.<instance>.<hospital>.<person>`: the devices of a person on that gateway.
 * - `set.<hospital>.<person>`: what was said without a connection; gateways with devices of the person take it over.
 *
 * What gateways that have ended leave behind goes by age, and what holds is written again in time. Nothing is purged:
 * nats-server 2.9.10 lets every reader skip all that it has not read yet when a subject is purged.
 */
export const presenceBucket = 'presence';
export const presenceMaxAgeMs = 2 * 60 * 60_000;
/** One key `<hospital>.<person>` each: when somebody went last. Kept on disk. */
export const lastSeenBucket = 'lastSeen';
/** Opaque: the tab that the client named, or else the connection. */
const DeviceName = Type.String({ minLength: 1, maxLength: 64 });
const Milliseconds = Type.Integer({ description: 'ms since the epoch' });

export const heartbeatEntrySchema = Shape({
  n: Type.Integer(),
  at: Milliseconds,
  /** It has stopped, or was found dead; `at` is when it was last heard. */
  ended: Type.Optional(Type.Literal(true)),
});
export const devicesEntrySchema = Shape({
  devices: Type.Array(
    Shape({
      id: DeviceName,
      state: OneOf(settableStates, 'Of this device'),
      since: Milliseconds,
      until: Type.Optional(Milliseconds),
    }),
  ),
});
export const setEntrySchema = Shape({
  state: OneOf(settableStates, 'Of all devices that are connected'),
  at: Milliseconds,
  until: Type.Optional(Milliseconds),
});
export const lastSeenEntrySchema = Shape({ at: Milliseconds });
export type Device = Static<typeof devicesEntrySchema>['devices'][number];
export type SetEntry = Static<typeof setEntrySchema>;
