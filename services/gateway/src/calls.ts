/** Turns a call of a person, by frame or HTTP, into a command or query, and its answer back. */
import { randomUUID } from 'node:crypto';
import { eachService, type Actor, type ServiceName } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { isPermitted } from '@carillon/contracts/permission';
import { validate, type Issue } from '@carillon/contracts/schema';
import { commandSubject, eventHeaders, querySubject } from '@carillon/contracts/streams';
import { operations } from '@carillon/contracts/surface';
import type { Bus } from '@carillon/bus/connection';
import { createCommandSender, encode, request, type Reply } from '@carillon/bus/request';
import type { CommandEnvelope } from '@carillon/runtime/commands';
import type { QueryEnvelope } from '@carillon/runtime/queries';
import type { GatewayConfig } from './config.ts';
import { callsPerMinute, type Buckets } from './limits.ts';
import type { People } from './people.ts';

export type Call = {
  actor: Actor;
  operation: string;
  data: unknown;
  key: string | undefined;
  traceparent: string;
  /** Over which it came; none by HTTP. */
  connection?: string;
};
export type Answer = { data: unknown } | { accepted: true; key: string };
export type Caller = {
  /** @throws CodedError */
  call(call: Call): Promise<Answer>;
  /** Counts one call of a person. @throws CodedError `rate_limited` */
  count(actor: Actor, lane?: 'critical' | 'other'): void;
  close(): void;
};

/**
 * PostgreSQL keeps no NUL, and UTF-8 no half of a surrogate pair. What could not be stored is refused here, or it would
 * end among the dead letters. Only for what fits its schema, which bounds the depth.
 */
function textIssues(value: unknown, path = ''): Issue[] {
  if (typeof value === 'string') {
    const isText = !value.includes('\0') && !/\p{Surrogate}/u.test(value);
    return isText ? [] : [{ path, message: 'Expected text without NUL and without half characters' }];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => textIssues(part, path === '' ? name : `${path}.${name}`));
}

/** Which service an operation of each service is for; the schema has checked that there is one of that name. */
const addressedService = (
  { owner }: { owner: string },
  input: Readonly<Record<string, unknown>>,
): ServiceName | undefined => (owner === eachService ? (input['service'] as ServiceName) : undefined);

/** How long a caller waits; what is stored by then and not done is `accepted`. */
const deadlineMs = 5_000;

/** Of an operation that the gateway answers from its memory. */
export type OwnCall = {
  who: Actor;
  /** Over which it came; none by HTTP. */
  connection: string | undefined;
  operation: string;
  data: unknown;
};

type CallerOptions = {
  bus: Bus;
  people: People;
  /** Answers what the gateway knows by itself. @throws CodedError */
  callOwn: (call: OwnCall) => Promise<unknown>;
  buckets: Buckets;
  config: GatewayConfig;
  now: () => number;
};

export function createCaller({ bus, people, callOwn, buckets, config, now }: CallerOptions): Caller {
  const sender = createCommandSender(bus);
  // What is critical has a bucket of its own: a board that was reloaded too often still acknowledges.
  const count = (actor: Actor, lane: 'critical' | 'other' = 'other'): void =>
    buckets.take(`calls ${lane} ${actor.hospital} ${actor.person}`, callsPerMinute(actor, config));

  const dataOf = (reply: Reply): unknown => {
    if (reply.ok) return reply.data;
    throw new CodedError(reply.error.code, reply.error.message, reply.error);
  };

  return {
    count,
    async call({ actor, operation: name, data, key, traceparent, connection }) {
      const operation = operations.get(name);
      if (operation === undefined) throw new CodedError('not_found', 'No such operation');
      const isUnlimited = operation.kind === 'query' && operation.unlimited === true;
      const isCritical = operation.kind === 'command' && operation.lane === 'critical';
      if (!isUnlimited) count(actor, isCritical ? 'critical' : 'other');
      if (!operation.allow.some((rule) => rule.roles.some((role) => actor.roles.includes(role)))) {
        throw new CodedError('forbidden');
      }
      const input = validate(operation.input, data);
      if (!input.ok) throw badInput(input.issues);
      const unstorable = textIssues(input.value);
      if (unstorable.length > 0) throw badInput(unstorable);
      if (!isPermitted(operation.allow, actor, input.value, people.relations(actor.hospital))) {
        throw new CodedError('forbidden');
      }
      if (operation.kind === 'query' && operation.servedBy === 'gateway') {
        return { data: await callOwn({ who: actor, connection, operation: name, data: input.value }) };
      }
      const { person, hospital, roles, mfaAt, tokenId, expiresAt } = actor;
      const headers = { [eventHeaders.traceparent]: traceparent };
      const addressed = addressedService(operation, input.value);
      if (operation.kind === 'query') {
        const envelope: QueryEnvelope = { actor: { person, hospital, roles: [...roles] }, data };
        const reply = await request(bus, querySubject(operation, addressed), encode(envelope), { headers, deadlineMs });
        return { data: dataOf(reply) };
      }
      const chosenKey = key ?? randomUUID();
      const envelope: CommandEnvelope = {
        actor: {
          person,
          hospital,
          roles: [...roles],
          ...(mfaAt === undefined ? {} : { mfaAt }),
          ...(tokenId === undefined ? {} : { tokenId }),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        },
        key: chosenKey,
        issuedAt: Math.round(now()),
        data,
      };
      const makeBody = (replyTo: string): Uint8Array => encode({ ...envelope, replyTo });
      const reply = await sender.send(commandSubject(operation, addressed), makeBody, { headers, deadlineMs });
      return reply === undefined ? { accepted: true, key: chosenKey } : { data: dataOf(reply) };
    },
    close: sender.close,
  };
}
