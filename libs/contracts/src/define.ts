/**
 * # Terminology
 *
 * - **command** — "please do": stored in COMMANDS before the caller hears `ok`, done once in effect.
 * - **event** — "it happened": published by its owner only, after its transaction committed. One subject, one audience.
 * - **query** — a read over NATS request/reply. **signal** — worthless a second later; core NATS.
 * - **intake** — readings from devices, very many; a work queue by partition of the patient.
 * - **lane** — critical, normal, bulk: separate durables, relays and due loops, so that PH never waits behind PL.
 * - **room** — what a client subscribes to: a subject filter over exactly one stream.
 * - **position** — `<epoch>-<stream sequence>`; what a client resumes from.
 * - **epoch** — names one life of a stream (its `created` time); positions of another epoch prove nothing.
 * - **key** — chosen by the caller of a command; (hospital, person, operation, key) is done once.
 * - **actor** — the person, device or service on whose behalf something is done.
 * - **rule** — who may: roles and a relation to the patient or ward that the input names.
 * - **inbox / outbox** — rows in the service's own schema: what was done already / what is still to be published.
 * - **condition** — what `monitoring` found (a limit is broken); **alert** — what people answer; **page** — one call of
 *   one person for one alert.
 *
 * The records made here are the single definition. Validation, subjects, streams, consumers, the HTTP and WebSocket
 * surface and the types are all derived from them.
 */
import type { Static, TObject, TProperties, TSchema } from './schema.ts';

export const lanes = ['critical', 'normal', 'bulk'] as const;
export type Lane = (typeof lanes)[number];

export const serviceNames = ['gateway', 'directory', 'monitoring', 'alert-escalation'] as const;
/** Own commands already, and run nowhere yet: what they are sent waits in a stream until it is too old. */
export const plannedServices = ['push'] as const;
export type ServiceName = (typeof serviceNames)[number] | (typeof plannedServices)[number];

export const roles = [
  'patient',
  'caregiver',
  'nurse',
  'doctor',
  'responder',
  'operator',
  'admin',
  'device',
  'service',
] as const;
export type Role = (typeof roles)[number];
/** Those who work in the hospital and belong to wards. */
export const staffRoles = ['nurse', 'doctor', 'responder'] as const satisfies readonly Role[];

/**
 * Stands for the owner of an operation that every service with a database answers for itself; which one is meant says
 * the field `service` of the input.
 */
export const eachService = '<service>';
export const servicesWithDatabase = ['directory', 'monitoring', 'alert-escalation'] as const satisfies ServiceName[];

/** The services that answer an operation. */
export const ownersOf = ({
  owner,
  services = servicesWithDatabase,
}: Pick<Common, 'owner' | 'services'>): readonly ServiceName[] => (owner === eachService ? services : [owner]);

/** The services that send a command or ask a query. */
export const sendersOf = (operation: CommandDefinition | QueryDefinition): readonly ServiceName[] =>
  (operation.kind === 'command' ? operation.senders : undefined) ?? ['gateway'];

/** On whose behalf: checked by the gateway, and again by the service that acts. */
export type Actor = {
  person: string;
  hospital: string;
  roles: readonly Role[];
  /** When he last proved himself by a second factor (`amr` and `auth_time` of the token), ms since the epoch. */
  mfaAt?: number;
  /** The `jti` of the token with which he calls, and its end in ms since the epoch. */
  tokenId?: string;
  expiresAt?: number;
};

/**
 * One way to be allowed: any of `roles`, and the relation to what the input's `field` names.
 * - `hospital`: any patient or ward of the actor's own hospital.
 * - `ward`: the actor belongs to the ward that `field` names. `wardOfPatient`: to the ward where that patient lies.
 * - `self`: `field` names the actor. `caregiver`: `field` names a patient whose caregiver the actor is.
 * - `entity`: only the owner of the entity can tell (an alert's ward); the gateway checks the role, the owner the rest.
 */
export type Rule = {
  roles: readonly Role[];
  relation: 'hospital' | 'ward' | 'wardOfPatient' | 'self' | 'caregiver' | 'entity';
  field?: string;
};

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';
/** `:name` in the path is the field `name` of the input. */
export type HttpBinding = { method: HttpMethod; path: `/v1/${string}`; status?: 200 | 201 };

/** Of the shape: it grows when a change breaks whoever knows the one before. Not the version of an entity. */
type ContractVersion = number;

type Common = {
  name: string;
  version: ContractVersion;
  owner: ServiceName | typeof eachService;
  /** With `eachService`: which ones; all with a database where absent. */
  services?: readonly ServiceName[];
  description: string;
  allow: readonly Rule[];
  http?: HttpBinding;
};

export type CommandDefinition<I extends TProperties = TProperties, R extends TSchema = TSchema> = Common & {
  kind: 'command';
  lane: Lane;
  input: TObject<I>;
  result: R;
  /** Older than this at the moment of handling, it is not done any more: `expired`. */
  maxAgeMs: number;
  /** Refused with `mfa_required` unless the actor has given a second factor of late. */
  needsMfa?: true;
  /** Sent by services on their own account: no client can call it. */
  internal?: true;
  /** With `internal`: who sends it; the gateway where absent. */
  senders?: readonly ServiceName[];
};
export type QueryDefinition<I extends TProperties = TProperties, R extends TSchema = TSchema> = Common & {
  kind: 'query';
  input: TObject<I>;
  result: R;
  /** A pure calculator: counted against no call limit. */
  unlimited?: true;
  /** Answered by the gateway that was asked, from its memory: it has no subject on NATS. */
  servedBy?: 'gateway';
};
export type EventDefinition<D extends TSchema = TSchema> = {
  kind: 'event';
  name: string;
  version: ContractVersion;
  owner: ServiceName;
  description: string;
  stream: StreamName;
  /** Tokens in angle brackets are filled when the event is emitted; `_` where one does not apply. */
  subject: string;
  data: D;
  /** Asks the clients for receipts. */
  ack?: true;
};
export type RoomDefinition = {
  kind: 'room';
  /** `<id>`, and any other token in angle brackets, stands for one id. */
  name: string;
  version: ContractVersion;
  description: string;
  stream: StreamName;
  /** Subject filter; `<hospital>` and the tokens of the name are the room's own, `*` any one token, `>` the rest. */
  filter: string;
  /** The usual lane; each event has its own in its subject. */
  lane: Lane;
  recovery: 'complete' | 'latest';
  /** The fields of a room are the tokens of its name. */
  allow: readonly Rule[];
};
/**
 * A room that shows a state and keeps no history: whoever enters gets all of it, then what changes. Nothing of it can be
 * resumed, so its messages bear no positions.
 */
export type StateRoomDefinition = {
  kind: 'stateRoom';
  /** As of a room. */
  name: string;
  version: ContractVersion;
  description: string;
  lane: Lane;
  /** What `subscribed` brings. */
  data: TSchema;
  /** What comes then. */
  events: readonly { name: string; description: string; data: TSchema }[];
  /** The fields are the tokens of the name. */
  allow: readonly Rule[];
};
/** A durable consumer of events: shared by all replicas of the service that reads it. */
export type ConsumerDefinition = {
  kind: 'consumer';
  /** The durable. */
  name: string;
  service: ServiceName;
  stream: StreamName;
  /** One filter: nats-server 2.9 knows no more a consumer. */
  filter: string;
  /** After a crash a message goes to another process when this has passed. */
  ackWaitMs: number;
  /** Durables of earlier releases, which nobody reads any more: removed at the start. */
  replaces?: readonly string[];
  /** What is handled; other events that pass the filter are none of the service's business. */
  events: readonly EventDefinition[];
};
/** What HTTP serves besides operations. `:name` in the path stands for one segment. */
export type RouteDefinition = {
  kind: 'route';
  name: string;
  description: string;
  method: HttpMethod;
  path: `/${string}`;
  /** `bearer` needs a token; `none` is open to anybody who reaches the port. */
  access: 'bearer' | 'none';
  /** Where an operation's rules hold for a route as well. */
  allow?: readonly Rule[];
  /** What the names in the path stand for. */
  params?: TObject;
  query?: TObject;
  body?: { schema: TSchema; contentTypes?: readonly string[] };
  /** Whoever names an error of his own names all of them; else the usual ones are documented. */
  answers: Readonly<Record<number, { description: string; schema?: TSchema; contentType?: string }>>;
  /** Not there in production. */
  developmentOnly?: true;
};

/** Kept as the text it is, so that a client's types go by it. */
type Named<N extends string> = { name: N };

export const defineCommand = <const N extends string, I extends TProperties, R extends TSchema>(
  definition: Omit<CommandDefinition<I, R>, 'kind' | 'name'> & Named<N>,
): CommandDefinition<I, R> & Named<N> => ({ kind: 'command', ...definition });
export const defineQuery = <const N extends string, I extends TProperties, R extends TSchema>(
  definition: Omit<QueryDefinition<I, R>, 'kind' | 'name'> & Named<N>,
): QueryDefinition<I, R> & Named<N> => ({ kind: 'query', ...definition });
export const defineEvent = <const N extends string, D extends TSchema>(
  definition: Omit<EventDefinition<D>, 'kind' | 'name'> & Named<N>,
): EventDefinition<D> & Named<N> => ({ kind: 'event', ...definition });
export const defineRoom = (definition: Omit<RoomDefinition, 'kind'>): RoomDefinition => ({
  kind: 'room',
  ...definition,
});
export const defineStateRoom = (definition: Omit<StateRoomDefinition, 'kind'>): StateRoomDefinition => ({
  kind: 'stateRoom',
  ...definition,
});
export const defineConsumer = (definition: Omit<ConsumerDefinition, 'kind'>): ConsumerDefinition => ({
  kind: 'consumer',
  ...definition,
});
export const defineRoute = (definition: Omit<RouteDefinition, 'kind'>): RouteDefinition => ({
  kind: 'route',
  ...definition,
});

export type InputOf<C> = C extends { input: infer I extends TSchema } ? Static<I> : never;
export type ResultOf<C> = C extends { result: infer R extends TSchema } ? Static<R> : never;
export type DataOf<E> = E extends { data: infer D extends TSchema } ? Static<D> : never;

export type StreamName =
  | 'COMMANDS'
  | 'PUSH'
  | 'INTAKE'
  | 'VITALS'
  | 'CARE'
  | 'DEVICE'
  | 'PERSON'
  | 'OPS'
  | 'DIRECTORY'
  | 'AUDIT'
  | 'DEADLETTERS';
