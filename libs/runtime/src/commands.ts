/** The command path: decode, age and rights, one transaction with inbox and outbox, reply, ack. The same everywhere. */
import { createHash } from 'node:crypto';
import {
  lanes,
  roles,
  type Actor,
  type CommandDefinition,
  type InputOf,
  type Lane,
  type ResultOf,
} from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { Id, OneOf, Shape, Type, validate, type Static } from '@carillon/contracts/schema';
import {
  commandDurable,
  commandFilter,
  commandStream,
  eventHeaders,
  operationOfSubject,
} from '@carillon/contracts/streams';
import type { Consumption, Delivery } from '@carillon/bus/consume';
import { decode, sendReply, type Reply } from '@carillon/bus/request';
import { findInboxEntry, storeInboxResult, takeInboxKey, type InboxKey } from '@carillon/database/inbox';
import { buryDelivery } from './dead-letters.ts';
import { aMoment, crashLoopDeliveries, judge } from './outcome.ts';
import type { ServiceTools } from './service.ts';
import { childTrace } from './trace.ts';
import { doWork, type Work } from './work.ts';
import { createWorkerPool } from './worker-pool.ts';

/** What travels on `cmd.…`; the operation is in the subject, the trace in a header. */
export const commandEnvelopeSchema = Shape({
  actor: Shape({
    person: Id('Who'),
    hospital: Id('Where'),
    roles: Type.Array(OneOf(roles, 'Role')),
    mfaAt: Type.Optional(Type.Integer({ description: 'ms since the epoch: the second factor of his token' })),
    tokenId: Type.Optional(Type.String({ maxLength: 256, description: 'The `jti` of his token' })),
    expiresAt: Type.Optional(Type.Integer({ description: 'ms since the epoch: the end of his token' })),
  }),
  key: Type.String({ minLength: 1, maxLength: 128 }),
  issuedAt: Type.Integer({ description: 'ms since the epoch, at the edge' }),
  replyTo: Type.Optional(Type.String()),
  data: Type.Unknown(),
});
export type CommandEnvelope = Static<typeof commandEnvelopeSchema>;

export type CommandWork = Work & { readonly actor: Actor; readonly key: string };
export type CommandHandler = {
  definition: CommandDefinition;
  handle(work: CommandWork, input: unknown): Promise<unknown>;
};

/** Binds a handler to its contract; its input was validated against it. */
export const onCommand = <C extends CommandDefinition>(
  definition: C,
  handle: (work: CommandWork, input: InputOf<C>) => Promise<ResultOf<C>>,
): CommandHandler => ({ definition, handle: (work, input) => handle(work, input as InputOf<C>) });

/** The same key answers the same for a day. */
const keepResultMs = 25 * 3_600_000;
const inboxPlace = ({ actor, key }: CommandEnvelope, operation: string): InboxKey => ({
  hospital: actor.hospital,
  actor: actor.person,
  operation,
  key,
});
/** Work is delivered to another process soon after a crash; while it is being done, it is kept. */
const ackWaitMs = { critical: 4_000, normal: 4_000, bulk: 10_000 } as const satisfies Record<Lane, number>;
const workers = { critical: 2, normal: 1, bulk: 1 } as const satisfies Record<Lane, number>;

/** JSON with sorted keys, so that the order in which a client writes fields makes no other body. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
const hashOf = (data: unknown): string => createHash('sha256').update(canonical(data)).digest('base64url');

/**
 * Does a command in the transaction of `work`, once in effect while its key is kept.
 * @throws CodedError for what will never succeed
 */
export async function performCommand(
  work: Work,
  handler: CommandHandler,
  envelope: CommandEnvelope,
  keepMs = keepResultMs,
): Promise<unknown> {
  const { definition } = handler;
  const { actor, key, issuedAt, data } = envelope;
  const at = inboxPlace(envelope, definition.name);
  const bodyHash = hashOf(data);
  if (!(await takeInboxKey(work.tx, at, bodyHash, work.now + keepMs))) {
    const entry = await findInboxEntry(work.tx, at);
    if (entry !== undefined && entry.bodyHash !== bodyHash) throw new CodedError('key_reused');
    return entry?.result;
  }
  if (work.now - issuedAt > definition.maxAgeMs) throw new CodedError('expired');
  const input = validate(definition.input, data);
  if (!input.ok) throw badInput(input.issues);
  if (!definition.allow.some((rule) => rule.roles.some((role) => actor.roles.includes(role)))) {
    throw new CodedError('forbidden');
  }
  const result = await handler.handle({ ...work, actor, key }, input.value);
  await storeInboxResult(work.tx, at, result);
  return result;
}

/**
 * One durable and one set of workers a lane, so that nothing waits behind a lower lane.
 * @param urgent for the critical lane
 */
export async function startCommands(
  tools: ServiceTools,
  handlers: readonly CommandHandler[],
  urgent: ServiceTools = tools,
): Promise<readonly Consumption[]> {
  const byName = new Map(handlers.map((handler) => [handler.definition.name, handler]));
  const { bus, consumers, gate, log, metrics, service } = tools;
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  for (const name of [...byName.keys(), 'unknown'])
    metrics.handled.inc({ kind: 'command', name, outcome: 'poison' }, 0);

  const settle = async (delivery: Delivery, own: ServiceTools): Promise<void> => {
    const operation = operationOfSubject(delivery.subject);
    const labels = { kind: 'command', name: byName.has(operation) ? operation : 'unknown' };
    const endTimer = metrics.handlingSeconds.startTimer(labels);
    const traceparent = childTrace(delivery.header(eventHeaders.traceparent));
    const finish = (outcome: string, envelope?: CommandEnvelope, reply?: Reply): void => {
      if (envelope?.replyTo !== undefined && reply !== undefined && !sendReply(bus, envelope.replyTo, reply)) {
        log.warn({ operation, traceparent }, 'the caller wants its reply where this service sends none');
      }
      endTimer();
      metrics.handled.inc({ ...labels, outcome });
      log.info(
        { operation, outcome, traceparent, ...(reply?.ok === false ? { code: reply.error.code } : {}) },
        'command',
      );
    };
    const bury = async (reason: string, envelope?: CommandEnvelope): Promise<void> => {
      await buryDelivery(bus, service, delivery, reason);
      finish('poison', envelope, {
        ok: false,
        error: { code: 'internal', message: 'An unexpected error; it is on record' },
      });
      delivery.ack();
    };

    let envelope: CommandEnvelope | undefined;
    for (let attempt = 1; ; attempt++) {
      await gate.whenOpen();
      if (!delivery.isHeld()) return undefined;
      if (tools.isStopping()) return delivery.release();
      try {
        const decoded = validate(commandEnvelopeSchema, decode(delivery.body));
        const handler = byName.get(operation);
        if (!decoded.ok || handler === undefined) return await bury('no handler, or not an envelope');
        envelope = decoded.value;
        // What was done and only never answered is no letter: put back when its key is forgotten, it would be done again.
        const isCrashing = delivery.deliveryCount >= crashLoopDeliveries;
        if (isCrashing && (await findInboxEntry(own.database, inboxPlace(envelope, operation))) === undefined) {
          return await bury(`${delivery.deliveryCount} deliveries`);
        }
        const data = await doWork(own, traceparent, (work) => performCommand(work, handler, decoded.value));
        finish('ok', envelope, { ok: true, data });
        return delivery.ack();
      } catch (error) {
        const outcome = judge(error, attempt);
        if (outcome.kind === 'bad') {
          finish('bad', envelope, { ok: false, error: outcome.error });
          return delivery.ack();
        }
        if (outcome.kind === 'poison') {
          log.error({ err: error, operation, traceparent }, 'command failed');
          if (
            await bury(outcome.reason, envelope).then(
              () => true,
              () => false,
            )
          )
            return undefined;
        }
        if (outcome.kind === 'notYet') await aMoment();
        else gate.close();
      }
    }
  };

  const used = lanes.filter((lane) => handlers.some((handler) => handler.definition.lane === lane));
  return Promise.all(
    used.map((lane) => {
      const own = lane === 'critical' ? urgent : tools;
      const pool = createWorkerPool(workers[lane], (delivery: Delivery) => settle(delivery, own));
      return consumers.start({
        stream: commandStream(service),
        durable: commandDurable(service, lane),
        filter: commandFilter(service, lane),
        ackWaitMs: ackWaitMs[lane],
        maxInFlight: 128,
        onDelivery: pool.push,
      });
    }),
  );
}
