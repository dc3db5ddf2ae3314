/**
 * Dead letters: what a service could not handle, with the reason. Every service with a database answers these for its
 * own. A letter that was put back is handled again by the service that buried it, and by nobody else.
 */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineQuery, eachService, servicesWithDatabase, type Rule } from './define.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

const Service = OneOf(servicesWithDatabase, 'Whose letters');
const Sequence = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Names the letter' });
const operators: readonly Rule[] = [{ roles: ['operator', 'admin'], relation: 'hospital' }];

export const deadLetterKinds = ['command', 'event', 'readings'] as const;
const letterFields = {
  service: Service,
  sequence: Sequence,
  kind: OneOf(deadLetterKinds, 'What it is'),
  name: Type.String({ description: 'The operation or event' }),
  subject: Type.String({ description: 'On which it came' }),
  reason: Type.String({ description: 'Why it could not be handled' }),
  buriedAt: Instant('When it was put aside'),
  bytes: Type.Integer({ description: 'Size of the body' }),
  /** By a successful `deadLetter:putBack`. */
  putBackAt: Nullable(Instant('When it was handled again, and well')),
  putBackBy: Nullable(Id('By whom')),
};
export const deadLetterSchema = Shape(letterFields);
export type DeadLetter = Static<typeof deadLetterSchema>;

export const listDeadLetters = defineQuery({
  name: 'deadLetter:list',
  version: 1,
  owner: eachService,
  description: 'What a service could not handle in the last 30 days, oldest first; of the own hospital.',
  input: Shape({
    service: Service,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: 'At most; 100 where absent' })),
    after: Type.Optional(Type.Integer({ minimum: 0, description: '`next` of the page before' })),
  }),
  result: Shape({
    items: Type.Array(deadLetterSchema),
    next: Type.Optional(Type.Integer({ description: 'There may be more after this one' })),
  }),
  allow: operators,
  http: { method: 'GET', path: '/v1/dead-letters/:service' },
});

export const getDeadLetter = defineQuery({
  name: 'deadLetter:get',
  version: 1,
  owner: eachService,
  description: 'One dead letter with its headers and body. It may hold data of patients.',
  input: Shape({ service: Service, sequence: Sequence }),
  result: Shape({
    ...letterFields,
    headers: Type.Record(Type.String(), Type.String(), { description: 'Headers of the message' }),
    body: Type.String({ description: 'As it came; cut at 100,000 characters' }),
  }),
  allow: operators,
  http: { method: 'GET', path: '/v1/dead-letters/:service/:sequence' },
});

export const putBackDeadLetter = defineCommand({
  name: 'deadLetter:putBack',
  version: 1,
  owner: eachService,
  description: 'Handles a dead letter again. Its effects are done once, however often it is put back.',
  lane: 'normal',
  input: Shape({ service: Service, sequence: Sequence }),
  result: deadLetterSchema,
  maxAgeMs: commandAgesMs['deadLetter:putBack'],
  allow: operators,
  http: { method: 'POST', path: '/v1/dead-letters/:service/:sequence/put-back' },
});
