/**
 * The streams, and the subjects that are made from definitions.
 *
 * Event streams lose messages by age and bytes only, never by subject, purge or delete: so `from ≥ first − 1` and
 * `from ≤ last` of the same epoch prove that a replay is complete.
 */
import { isId } from './schema.ts';
import type { CommandDefinition, EventDefinition, Lane, QueryDefinition, ServiceName, StreamName } from './define.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const MiB = 1024 * 1024;

export type StreamDefinition = {
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

const eventStream = (subject: string, maxAgeMs: number, maxBytes: number): StreamDefinition => ({
  subjects: [subject],
  retention: 'limits',
  discard: 'old',
  maxAgeMs,
  maxBytes,
  duplicateWindowMs: 2 * minute,
});
const workQueue = (subject: string, maxAgeMs: number, maxBytes: number): StreamDefinition => ({
  subjects: [subject],
  retention: 'workqueue',
  discard: 'new',
  maxAgeMs,
  maxBytes,
  duplicateWindowMs: 2 * minute,
});

export const streams: Readonly<Record<StreamName, StreamDefinition>> = {
  COMMANDS: workQueue('cmd.>', 0, 512 * MiB),
  INTAKE: workQueue('intake.>', 0, 1024 * MiB),
  VITALS: eventStream('vitals.>', 2 * hour, 1024 * MiB),
  CARE: eventStream('care.>', 7 * day, 1024 * MiB),
  PERSON: eventStream('person.>', 7 * day, 512 * MiB),
  DIRECTORY: eventStream('directory.>', 0, 512 * MiB),
  DEADLETTERS: eventStream('dead.>', 30 * day, 256 * MiB),
};

/** The key-value bucket with one entry a person, written by `directory`, watched by every gateway. */
export const peopleBucket = 'people';
/** Where a key-value entry is published: the outbox carries it like any event. */
export const peopleSubject = (hospital: string, person: string): string => `$KV.${peopleBucket}.${hospital}.${person}`;

const dotted = (name: string): string => name.replace(':', '.');

/** `cmd.<service>.<lane>.<entity>.<verb>` */
export const commandSubject = (command: CommandDefinition): string =>
  `cmd.${command.owner}.${command.lane}.${dotted(command.name)}`;
export const commandFilter = (service: ServiceName, lane: Lane): string => `cmd.${service}.${lane}.>`;
/** `qry.<service>.<entity>.<verb>` */
export const querySubject = (query: QueryDefinition): string => `qry.${query.owner}.${dotted(query.name)}`;
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

/** Fills the subject of an event. Every token in angle brackets must be given; null becomes `_`. */
export function eventSubject(event: EventDefinition, tokens: Readonly<Record<string, string | null>>): string {
  return event.subject.replaceAll(/<(\w+)>/g, (_, name: string) => {
    const token = tokens[name];
    if (token === undefined) throw new Error(`subject of ${event.name} needs <${name}>`);
    if (token !== null && !isId(token)) throw new Error(`subject of ${event.name}: <${name}> is no id`);
    return token ?? '_';
  });
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
