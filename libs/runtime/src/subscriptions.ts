/** Events of other services: each handled once in effect, in a transaction with its inbox row. */
import type { ConsumerDefinition, DataOf, EventDefinition } from '@carillon/contracts/define';
import { validate } from '@carillon/contracts/schema';
import { eventHeaders } from '@carillon/contracts/streams';
import { removeDurable, type Consumption, type Delivery } from '@carillon/bus/consume';
import { decode } from '@carillon/bus/request';
import { findInboxEntry, takeInboxKey, type InboxKey } from '@carillon/database/inbox';
import { buryDelivery } from './dead-letters.ts';
import { aMoment, crashLoopDeliveries, judge } from './outcome.ts';
import type { ServiceTools } from './service.ts';
import { childTrace } from './trace.ts';
import { doWork, type Work } from './work.ts';
import { createWorkerPool, type Pause } from './worker-pool.ts';

export type EventWork = Work & {
  readonly hospital: string;
  /** Of the entity; what is lower or equal to what was seen is to be ignored. */
  readonly version: number;
  /** By the clock of who published it, ms since the epoch; absent where the message does not say. */
  readonly publishedAt?: number;
};
export type EventHandler = { definition: EventDefinition; handle(work: EventWork, data: unknown): Promise<void> };

export const onEvent = <E extends EventDefinition>(
  definition: E,
  handle: (work: EventWork, data: DataOf<E>) => Promise<void>,
): EventHandler => ({ definition, handle: (work, data) => handle(work, data as DataOf<E>) });

export type Subscription = {
  consumer: ConsumerDefinition;
  /** Nothing else of the service starts before what is there was handled: it decides from it. */
  isNeededFirst?: true;
  /** It uses the connections that the service reserves. */
  isUrgent?: true;
  /** Several at a time, where what must keep its order can be told from the subject; else one after another. */
  sideBySide?: { width: number; keyOf: (subject: string) => string };
  /** One for each of the consumer's events. */
  handlers: readonly EventHandler[];
};

/** Longer than the event streams keep a message that might be delivered again. */
const keepMs = 8 * 86_400_000;

/** An event as it was published, from its stream or from among the dead letters. */
export type StoredEvent = { subject: string; body: Uint8Array; id: string; version: number; publishedAt?: number };

/** @param header the value of `eventHeaders.at` */
export function publishedAtOf(header: string | undefined): Pick<StoredEvent, 'publishedAt'> {
  const publishedAt = Date.parse(header ?? '');
  return Number.isNaN(publishedAt) ? {} : { publishedAt };
}

const inboxPlace = (consumer: string, { subject, id }: Pick<StoredEvent, 'subject' | 'id'>): InboxKey => ({
  hospital: subject.split('.')[1] ?? '',
  actor: '',
  operation: consumer,
  key: id,
});

/**
 * Hands an event to its handler, once in effect while its id is kept.
 * @throws Error for what breaks its contract
 */
export async function applyEvent(
  work: Work,
  { definition, handle }: EventHandler,
  consumer: string,
  event: StoredEvent,
  keepForMs = keepMs,
): Promise<void> {
  const checked = validate(definition.data, decode(event.body));
  if (!checked.ok) throw new Error(`breaks its contract: ${JSON.stringify(checked.issues)}`);
  const at = inboxPlace(consumer, event);
  if (!(await takeInboxKey(work.tx, at, '', work.now + keepForMs))) return;
  const { version, publishedAt } = event;
  const published = publishedAt === undefined ? {} : { publishedAt };
  await handle({ ...work, hospital: at.hospital, version, ...published }, checked.value);
}

export async function startSubscription(tools: ServiceTools, subscription: Subscription): Promise<Consumption> {
  const { bus, consumers, database, gate, log, metrics, service } = tools;
  const byName = new Map(subscription.handlers.map((handler) => [handler.definition.name, handler]));

  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  for (const name of byName.keys()) metrics.handled.inc({ kind: 'event', name, outcome: 'poison' }, 0);

  const idOf = (delivery: Delivery): string =>
    delivery.header(eventHeaders.id) ?? `${delivery.stream}-${delivery.sequence}`;
  const wasHandled = async (delivery: Delivery): Promise<boolean> => {
    const at = inboxPlace(subscription.consumer.name, { subject: delivery.subject, id: idOf(delivery) });
    return (await findInboxEntry(database, at)) !== undefined;
  };
  const handleEvent = (delivery: Delivery, handler: EventHandler): Promise<void> => {
    const { subject, body } = delivery;
    const id = idOf(delivery);
    const version = Number(delivery.header(eventHeaders.version) ?? 0);
    const published = publishedAtOf(delivery.header(eventHeaders.at));
    return doWork(tools, childTrace(delivery.header(eventHeaders.traceparent)), (work) =>
      applyEvent(work, handler, subscription.consumer.name, { subject, body, id, version, ...published }),
    );
  };

  const settle = async (delivery: Delivery, pause: Pause): Promise<void> => {
    const name = delivery.header(eventHeaders.event) ?? '';
    const handler = byName.get(name);
    if (handler === undefined) return delivery.ack();
    const endTimer = metrics.handlingSeconds.startTimer({ kind: 'event', name });
    const finish = (outcome: string): void => {
      endTimer();
      metrics.handled.inc({ kind: 'event', name, outcome });
      delivery.ack();
    };
    for (let attempt = 1; ; attempt++) {
      await gate.whenOpen();
      if (!delivery.isHeld()) return undefined;
      if (tools.isStopping()) return delivery.release();
      try {
        // What was handled and only never answered is no letter: put back when its id is forgotten, it would come again.
        if (delivery.deliveryCount >= crashLoopDeliveries && !(await wasHandled(delivery))) {
          await buryDelivery(bus, service, delivery, `${delivery.deliveryCount} deliveries`);
          return finish('poison');
        }
        await handleEvent(delivery, handler);
        return finish('ok');
      } catch (error) {
        const outcome = judge(error, attempt);
        if (outcome.kind === 'bad' || outcome.kind === 'poison') {
          const reason = outcome.kind === 'bad' ? outcome.error.message : outcome.reason;
          log.error({ err: error, event: name }, 'event failed');
          const isBuried = await buryDelivery(bus, service, delivery, reason).then(
            () => true,
            () => false,
          );
          if (isBuried) return finish('poison');
        }
        // What waits for the directory holds up nobody but its own patient.
        if (outcome.kind === 'notYet') await pause(aMoment());
        else gate.close();
      }
    }
  };

  // Events of one entity must be applied in the order of their stream.
  const { width, keyOf } = subscription.sideBySide ?? { width: 1, keyOf: () => '' };
  const pool = createWorkerPool(width, settle, ({ subject }: Delivery) => keyOf(subject));
  const { stream, name: durable, filter, ackWaitMs, replaces = [] } = subscription.consumer;
  const consumption = await consumers.start({
    stream,
    durable,
    filter,
    ackWaitMs,
    maxInFlight: 128,
    onDelivery: pool.push,
  });
  // A replica of the release before that still runs makes it anew: the next start removes it.
  for (const old of replaces) {
    void removeDurable(bus, stream, old).catch((error: unknown) =>
      log.warn({ err: error, durable: old }, 'a durable of an earlier release stays'),
    );
  }
  return consumption;
}
