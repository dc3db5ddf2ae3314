/** Queries: reads over request and reply, answered by any replica, never longer than 512 kB. */
import { roles, type Actor, type InputOf, type QueryDefinition, type ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput, errorBody } from '@carillon/contracts/errors';
import { Id, OneOf, Shape, Type, validate, type Static } from '@carillon/contracts/schema';
import { operationOfSubject, queryFilter } from '@carillon/contracts/streams';
import { decode, respond, type QueryMessage, type Reply } from '@carillon/bus/request';
import type { Sql } from '@carillon/database/database';
import { judge } from './outcome.ts';
import type { ServiceTools } from './service.ts';
import { createWorkerPool } from './worker-pool.ts';

export const queryEnvelopeSchema = Shape({
  actor: Shape({ person: Id('Who'), hospital: Id('Where'), roles: Type.Array(OneOf(roles, 'Role')) }),
  data: Type.Unknown(),
});
export type QueryEnvelope = Static<typeof queryEnvelopeSchema>;

export type QueryWork = { readonly sql: Sql; readonly now: number; readonly actor: Actor };
export type QueryHandler = { definition: QueryDefinition; handle(work: QueryWork, input: unknown): Promise<unknown> };

export const onQuery = <Q extends QueryDefinition>(
  definition: Q,
  handle: (work: QueryWork, input: InputOf<Q>) => Promise<ResultOf<Q>>,
): QueryHandler => ({ definition, handle: (work, input) => handle(work, input as InputOf<Q>) });

const unavailable = (): Reply => ({ ok: false, error: errorBody(new CodedError('unavailable')) });

/** Of the service's connections: the others are left to commands, timers and the relay, however many read. */
const width = 2;
/** More than this are refused at once instead of being answered after their callers have gone. */
const maxWaiting = 500;

export function startQueries(tools: ServiceTools, handlers: readonly QueryHandler[]): () => Promise<void> {
  const byName = new Map(handlers.map((handler) => [handler.definition.name, handler]));
  const { bus, database, log, metrics, now, service } = tools;

  const answer = async (name: string, body: Uint8Array): Promise<unknown> => {
    const handler = byName.get(name);
    if (handler === undefined) throw new CodedError('not_found', `No query ${name}`);
    const envelope = validate(queryEnvelopeSchema, decode(body));
    if (!envelope.ok) throw badInput(envelope.issues);
    const { actor, data } = envelope.value;
    const input = validate(handler.definition.input, data);
    if (!input.ok) throw badInput(input.issues);
    return handler.handle({ sql: database, now: now(), actor }, input.value);
  };

  const judged = async (query: QueryMessage): Promise<Reply> => {
    const name = operationOfSubject(query.subject);
    const endTimer = metrics.handlingSeconds.startTimer({ kind: 'query', name: byName.has(name) ? name : 'unknown' });
    try {
      const data = await answer(name, query.body);
      metrics.handled.inc({ kind: 'query', name, outcome: 'ok' });
      return { ok: true, data };
    } catch (error) {
      const outcome = judge(error);
      metrics.handled.inc({ kind: 'query', name: byName.has(name) ? name : 'unknown', outcome: outcome.kind });
      if (outcome.kind === 'bad') return { ok: false, error: outcome.error };
      if (outcome.kind === 'later' || outcome.kind === 'notYet') return unavailable();
      log.error({ err: error, query: name }, 'query failed');
      return { ok: false, error: errorBody(new CodedError('internal')) };
    } finally {
      endTimer();
    }
  };

  const pool = createWorkerPool<() => Promise<void>>(width, (run) => run());
  return respond(bus, queryFilter(service), service, (query) => {
    if (pool.waiting() >= maxWaiting) return Promise.resolve(unavailable());
    return new Promise((resolve) => pool.push(() => judged(query).then(resolve)));
  });
}
