/** A unit of work: one transaction, and what it wants to be published once it has committed. */
import type { DataOf, EventDefinition, Lane } from '@carillon/contracts/define';
import { validate } from '@carillon/contracts/schema';
import { eventHeaders, eventSubject } from '@carillon/contracts/streams';
import type { Database, Sql } from '@carillon/database/database';
import { insertOutbox, type OutboxMessage } from '@carillon/database/outbox';
import { randomUUID } from 'node:crypto';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

export type Emission = {
  lane: Lane;
  /** What keeps its order: events of one entity are published one after another. */
  entity: string;
  version: number;
  /** Fill the subject; null where a token does not apply. */
  tokens: Readonly<Record<string, string | null>>;
  /** Conflation in bulk rooms: the newest of each key counts. */
  key?: string;
};

export type Work = {
  readonly tx: Sql;
  /** Corrected time, ms since the epoch; the only time a decision may know. */
  readonly now: number;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly traceparent: string;
  /** @returns the id of the message: what receipts name it by */
  emit<E extends EventDefinition>(event: E, data: DataOf<E>, emission: Emission): string;
  /** Publishes something that is no event: a key-value entry. */
  publish(message: OutboxMessage): void;
  /** Runs when (and only when) the transaction has committed. Must not throw. */
  afterCommit(action: () => void): void;
};

export type WorkTools = {
  database: Database;
  now: () => number;
  log: Logger;
  metrics: Metrics;
  /** Told after a commit which lanes have something to publish. */
  wakeRelay: (lanes: ReadonlySet<Lane>) => void;
};

/** nats-server takes 1 MB by default, with headers; a character has up to three bytes, of names only. */
const maxBodyLength = 900_000;

/** Runs `body` in a transaction; its outbox rows commit with it. */
export async function doWork<T>(tools: WorkTools, traceparent: string, body: (work: Work) => Promise<T>): Promise<T> {
  const messages: OutboxMessage[] = [];
  const afterwards: (() => void)[] = [];
  const result = await tools.database.transaction(async (tx) => {
    const now = tools.now();
    const work: Work = {
      tx,
      now,
      log: tools.log,
      metrics: tools.metrics,
      traceparent,
      emit(event, data, emission) {
        const id = randomUUID();
        messages.push(toMessage(event, data, emission, { id, now, traceparent }));
        return id;
      },
      publish: (message) => void messages.push(message),
      afterCommit: (action) => void afterwards.push(action),
    };
    const value = await body(work);
    await insertOutbox(tx, messages);
    return value;
  });
  if (messages.length > 0) tools.wakeRelay(new Set(messages.map((message) => message.lane)));
  for (const action of afterwards) action();
  return result;
}

function toMessage(
  event: EventDefinition,
  data: unknown,
  { lane, entity, version, tokens, key }: Emission,
  { id, now, traceparent }: { id: string; now: number; traceparent: string },
): OutboxMessage {
  const checked = validate(event.data, data);
  // What we publish is read by others: an event that breaks its own contract is a defect of ours, found here.
  if (!checked.ok) throw new Error(`${event.name} breaks its contract: ${JSON.stringify(checked.issues)}`);
  const body = JSON.stringify(data);
  // A row that the server can never take would stand in the way of all that follows.
  if (body.length > maxBodyLength) throw new Error(`${event.name} has ${body.length} characters`);
  return {
    lane,
    entity,
    subject: eventSubject(event, { ...tokens, lane }),
    headers: {
      [eventHeaders.id]: id,
      [eventHeaders.event]: event.name,
      [eventHeaders.at]: new Date(now).toISOString(),
      [eventHeaders.version]: String(version),
      [eventHeaders.lane]: lane,
      [eventHeaders.traceparent]: traceparent,
      ...(event.ack === true ? { [eventHeaders.ack]: 'true' } : {}),
      ...(key === undefined ? {} : { [eventHeaders.key]: key }),
    },
    body,
  };
}
