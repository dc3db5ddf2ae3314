/**
 * The streams, and the subjects that are made from definitions.
 *
 * Event streams lose messages by age and bytes only, never by subject, purge or delete: so `from ≥ first − 1` and
 * `from ≤ last` of the same epoch prove that a replay is complete.
 */
import { isId } from './schema.ts';
import {
  eachService,
  type CommandDefinition,
  type EventDefinition,
  type Lane,
  type QueryDefinition,
  type RoomDefinition,
  type ServiceName,
  type StreamName,
} from './define.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const MiB = 1024 * 1024;

export type StreamDefinition = {
  description: string;
  /** Who may change its configuration. Whoever uses it makes it when it is missing. */
  owner: ServiceName;
  subjects: readonly string[];
  retention: 'limits' | 'workqueue';
  /** `new` refuses what does not fit (the caller hears 503); `old` drops the oldest. */
  discard: 'old' | 'new';
  /** 0 keeps for ever. */
  maxAgeMs: number;
  maxBytes: number;
  /** How long a `Nats-Msg-Id` is remembered; the relay repeats what was not acknowledged. */
  duplicateWindowMs: number;
};

type Kept = { owner: ServiceName; description: string; maxAgeMs: number; maxBytes: number };
const eventStream = (subject: string, { owner, description, maxAgeMs, maxBytes }: Kept): StreamDefinition => ({
  owner,
  description,
  subjects: [subject],
  retention: 'limits',
  discard: 'old',
  maxAgeMs,
  maxBytes,
  duplicateWindowMs: 2 * minute,
});
const workQueue = (subject: string, { owner, description, maxAgeMs, maxBytes }: Kept): StreamDefinition => ({
  owner,
  description,
  subjects: [subject],
  retention: 'workqueue',
  discard: 'new',
  maxAgeMs,
  maxBytes,
  duplicateWindowMs: 2 * minute,
});

export const streams: Readonly<Record<StreamName, StreamDefinition>> = {
  COMMANDS: workQueue('cmd.>', {
    owner: 'gateway',
    description: 'Commands, until they were done.',
    // Longer than any command may wait (24 h): what goes would not be done any more.
    maxAgeMs: 25 * hour,
    maxBytes: 512 * MiB,
  }),
  // Of their own, and the oldest go: a flood of calls, or a `push` that is away, may fill neither the stream by which alarms are
  // answered nor the outbox from which people are called.
  PUSH: {
    ...workQueue('push.>', {
      owner: 'alert-escalation',
      description: 'Commands that ring devices, until they were done or are of no use any more.',
      maxAgeMs: 15 * minute,
      maxBytes: 64 * MiB,
    }),
    discard: 'old',
  },
  INTAKE: workQueue('intake.>', {
    owner: 'gateway',
    description: 'Readings of devices, until they were stored.',
    maxAgeMs: 0,
    maxBytes: 1024 * MiB,
  }),
  VITALS: eventStream('vitals.>', {
    owner: 'monitoring',
    description: 'Vital signs after commit.',
    maxAgeMs: 2 * hour,
    maxBytes: 1024 * MiB,
  }),
  CARE: eventStream('care.>', {
    owner: 'monitoring',
    description: 'Alarm conditions, alerts and scores of patients.',
    maxAgeMs: 7 * day,
    // 350 MB of a week are the canary's, every 10 s.
    maxBytes: 1536 * MiB,
  }),
  DEVICE: eventStream('device.>', {
    owner: 'monitoring',
    description: 'Status and connectivity of devices.',
    maxAgeMs: 2 * day,
    maxBytes: 256 * MiB,
  }),
  PERSON: eventStream('person.>', {
    owner: 'alert-escalation',
    description: 'What is addressed to one person.',
    maxAgeMs: 7 * day,
    // 100 MB of a week are calls of the canary's nurse.
    maxBytes: 640 * MiB,
  }),
  OPS: eventStream('ops.>', {
    owner: 'monitoring',
    description: 'What concerns a hospital as a whole.',
    maxAgeMs: 2 * day,
    maxBytes: 256 * MiB,
  }),
  DIRECTORY: eventStream('directory.>', {
    owner: 'directory',
    description: 'Who is who; every service keeps the part it needs.',
    maxAgeMs: 0,
    maxBytes: 512 * MiB,
  }),
  AUDIT: eventStream('audit.>', {
    owner: 'directory',
    description: 'What must be on the record, until it was stored.',
    maxAgeMs: 0,
    maxBytes: 1024 * MiB,
  }),
  DEADLETTERS: eventStream('dead.>', {
    owner: 'directory',
    description: 'What no handler could take, with the reason.',
    maxAgeMs: 30 * day,
    maxBytes: 256 * MiB,
  }),
};

/** The key-value bucket with one entry a person, written by `directory`, watched by every gateway. */
export const peopleBucket = 'people';
/** Where a key-value entry is published: the outbox carries it like any event. */
export const peopleSubject = (hospital: string, person: string): string => `$KV.${peopleBucket}.${hospital}.${person}`;

/** The key-value bucket of revocations and of what operators ended, written by `directory`, watched by every gateway. */
export const accessBucket = 'access';
/** `entry` is minted by `directory`, which gives the place of what has ended to what comes: so the bucket stays small. */
export const accessSubject = (hospital: string, kind: string, entry: string): string =>
  `$KV.${accessBucket}.${hospital}.${kind}.${entry}`;

/** Where an entry of any bucket is published: `people` and `access` by an outbox, what is ephemeral at once. */
export const entrySubject = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;

const dotted = (name: string): string => name.replace(':', '.');

/** Whose an operation is; `addressed` is the input's field `service`, for operations that each service answers. */
const ownerOf = (operation: CommandDefinition | QueryDefinition, addressed: ServiceName | undefined): ServiceName => {
  if (operation.owner !== eachService) return operation.owner;
  if (addressed === undefined) throw new Error(`${operation.name} is answered by each service: which is meant?`);
  return addressed;
};
/** Where the commands of a service are stored. */
export const commandStream = (service: ServiceName): StreamName => (service === 'push' ? 'PUSH' : 'COMMANDS');
const commandTree = (service: ServiceName): string => (service === 'push' ? 'push' : `cmd.${service}`);
/** `cmd.<service>.<lane>.<entity>.<verb>`; what rings devices is stored apart: `push.<lane>.<entity>.<verb>` */
export const commandSubject = (command: CommandDefinition, addressed?: ServiceName): string =>
  `${commandTree(ownerOf(command, addressed))}.${command.lane}.${dotted(command.name)}`;
/** The durable of a service's commands of one lane. */
export const commandDurable = (service: ServiceName, lane: Lane): string => `${service}-${lane}`;
export const commandFilter = (service: ServiceName, lane: Lane): string => `${commandTree(service)}.${lane}.>`;
/** `qry.<service>.<entity>.<verb>` */
export const querySubject = (query: QueryDefinition, addressed?: ServiceName): string =>
  `qry.${ownerOf(query, addressed)}.${dotted(query.name)}`;
export const queryFilter = (service: ServiceName): string => `qry.${service}.>`;
export const operationOfSubject = (subject: string): string => subject.split('.').slice(-2).join(':');

/** A patient's readings meet one engine: the partition is a hash of the patient. */
export const partitionCount = 16;
export function partitionOf(patientId: string): string {
  // FNV-1a, 32 bit: short, spreads well, and every language that feeds intake can compute it.
  let hash = 0x811c9dc5;
  for (let index = 0; index < patientId.length; index++) {
    hash = Math.imul(hash ^ patientId.charCodeAt(index), 0x01000193) >>> 0;
  }
  return partitionName(hash % partitionCount);
}
export const partitionName = (partition: number): string => String(partition).padStart(2, '0');
export const intakeSubject = (hospital: string, partition: string, source: string): string =>
  `intake.${hospital}.${partition}.${source}`;
export const intakeFilter = (partition: string): string => `intake.*.${partition}.*`;
/** The durable of one partition. */
export const intakeDurable = (partition: string): string => `monitoring-intake-${partition}`;

/** Fills the subject of an event. Every token in angle brackets must be given; null becomes `_`. */
export function eventSubject(event: EventDefinition, tokens: Readonly<Record<string, string | null>>): string {
  return event.subject.replaceAll(/<(\w+)>/g, (_, name: string) => {
    const token = tokens[name];
    if (token === undefined) throw new Error(`subject of ${event.name} needs <${name}>`);
    if (token !== null && !isId(token)) throw new Error(`subject of ${event.name}: <${name}> is no id`);
    return token ?? '_';
  });
}

/** What stands in an event's subject behind the name of its tree. */
const trees: Readonly<Partial<Record<StreamName, readonly string[]>>> = {
  VITALS: ['hospital', 'ward', 'patient'],
  CARE: ['hospital', 'ward', 'patient', 'lane', 'entity', 'event'],
  DEVICE: ['hospital', 'type', 'device', 'event'],
  PERSON: ['hospital', 'person', 'lane', 'entity', 'event'],
  OPS: ['hospital', 'entity', 'event'],
};
/** Stands for the entity and the event of what is no real event: no service has an entity or an event of this name. */
const testToken = 'test';

/**
 * A subject of the room that no service acts on: entity and event are `test` where the room leaves them free, other
 * tokens do not apply. A token of the room that is not given becomes `*`: without any it is the filter of all of them,
 * which is what the gateway must be permitted to publish.
 */
export function testSubject(room: RoomDefinition, tokens: Readonly<Record<string, string>>): string {
  const [tree = '', ...wanted] = room.filter.split('.');
  const kinds = trees[room.stream];
  if (kinds === undefined) throw new Error(`${room.name}: nobody knows the subjects of ${room.stream}`);
  const filled = kinds.map((kind, index) => {
    const given = wanted[index] ?? '>';
    if (given !== '*' && given !== '>') return given.replace(/^<(\w+)>$/, (_, name: string) => tokens[name] ?? '*');
    if (kind === 'lane') return room.lane;
    return kind === 'entity' || kind === 'event' ? testToken : '_';
  });
  return [tree, ...filled].join('.');
}

/** The headers of an event; frames for clients are made of these and the body's bytes, never of a parsed body. */
export const eventHeaders = {
  id: 'Nats-Msg-Id',
  event: 'Carillon-Event',
  at: 'Carillon-At',
  ack: 'Carillon-Ack',
  key: 'Carillon-Key',
  version: 'Carillon-Version',
  lane: 'Carillon-Lane',
  traceparent: 'traceparent',
} as const;
