/**
 * Notices: what operators tell a hospital, or those who follow a topic. `directory` owns them, since it knows who there
 * is; a topic is resolved to people when a notice is written, and each gets a message of his own.
 */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineEvent, defineQuery, roles, staffRoles, type Role, type Rule } from './define.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

const Topic = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,64}$',
  description: 'Name of a topic: 1 to 64 letters, digits, _ or -; whoever names it first has made it',
  examples: ['cardiology'],
});
/** Of one person. */
export const maxTopics = 100;
export const noticeLevels = ['info', 'warning', 'emergency'] as const;

const noticeFields = {
  level: OneOf(noticeLevels, 'How urgent'),
  title: Type.String({ minLength: 1, maxLength: 200, description: 'For people', examples: ['Lift B is out of order'] }),
  text: Type.String({
    maxLength: 2_000,
    description: 'For people; may be empty',
    examples: ['Until noon, use lift A.'],
  }),
};
export const noticeSchema = Shape({
  noticeId: Id('Notice'),
  audience: Type.String({
    pattern: '^(hospital|topic:[A-Za-z0-9_-]{1,64})$',
    description: '`hospital`, or `topic:<topic>` for those who follow it',
    examples: ['topic:cardiology'],
  }),
  ...noticeFields,
  until: Nullable(Instant('It is over then')),
  publishedBy: Id('Who wrote it'),
  publishedAt: Instant('When'),
});
export type Notice = Static<typeof noticeSchema>;

const operators: readonly Rule[] = [{ roles: ['operator', 'admin'], relation: 'hospital' }];
const people: readonly Role[] = roles.filter((role) => role !== 'device' && role !== 'service');
const anybody: readonly Rule[] = [{ roles: people, relation: 'hospital' }];

export const publishNotice = defineCommand({
  name: 'notice:publish',
  version: 1,
  owner: 'directory',
  description:
    'Tells the hospital something (`notice:published`), or those who follow a topic (`notification:new` to each).',
  lane: 'normal',
  input: Shape({
    audience: noticeSchema.properties.audience,
    ...noticeFields,
    until: Type.Optional(Instant('It is over then; not in the past, and at most 30 days ahead')),
  }),
  result: noticeSchema,
  maxAgeMs: commandAgesMs['notice:publish'],
  allow: operators,
  http: { method: 'POST', path: '/v1/notices', status: 201 },
});
export const listNotices = defineQuery({
  name: 'notice:list',
  version: 1,
  owner: 'directory',
  description: 'Notices to the hospital of the last two days that are not over, newest first; at most 50.',
  input: Shape({}),
  result: Shape({ items: Type.Array(noticeSchema) }),
  allow: [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/notices' },
});
const Count = (description: string) => Type.Integer({ minimum: 0, description });
export const getNotice = defineQuery({
  name: 'notice:get',
  version: 1,
  owner: 'directory',
  description: 'A notice, and how far it came. Those to the hospital ask for no receipts.',
  input: Shape({ noticeId: Id('Notice') }),
  result: Shape({
    ...noticeSchema.properties,
    isToldToAll: Type.Boolean({ description: 'Everybody who is meant has his message' }),
    told: Count('Who have theirs; 0 for the hospital'),
    delivered: Count('To whose device it came'),
    displayed: Count('On whose screen it was'),
    read: Count('Who have read it'),
  }),
  allow: operators,
  http: { method: 'GET', path: '/v1/notices/:noticeId' },
});

const following = {
  version: 1,
  owner: 'directory' as const,
  lane: 'normal' as const,
  input: Shape({ topic: Topic }),
  result: Shape({ topics: Type.Array(Topic, { description: 'What you follow now, by name' }) }),
  allow: anybody,
};
export const subscribeTopic = defineCommand({
  ...following,
  name: 'notification:subscribe',
  description: `Follows a topic: what is written to it from now on comes to \`person:<id>\`. At most ${maxTopics} a person.`,
  maxAgeMs: commandAgesMs['notification:subscribe'],
  http: { method: 'PUT', path: '/v1/topics/:topic' },
});
export const unsubscribeTopic = defineCommand({
  ...following,
  name: 'notification:unsubscribe',
  description: 'Follows a topic no more.',
  maxAgeMs: commandAgesMs['notification:unsubscribe'],
  http: { method: 'DELETE', path: '/v1/topics/:topic' },
});
export const listTopics = defineQuery({
  name: 'notification:topics',
  version: 1,
  owner: 'directory',
  description: 'Which topics the caller follows.',
  input: Shape({}),
  result: following.result,
  allow: anybody,
  http: { method: 'GET', path: '/v1/topics' },
});

export const noticePublished = defineEvent({
  name: 'notice:published',
  version: 1,
  owner: 'directory',
  description: 'Something that all of the hospital should know.',
  stream: 'OPS',
  subject: 'ops.<hospital>.notice.published',
  data: noticeSchema,
});
export const notificationNew = defineEvent({
  name: 'notification:new',
  version: 1,
  owner: 'directory',
  description: 'Something for this person: what a topic that he follows brings.',
  stream: 'PERSON',
  subject: 'person.<hospital>.<person>.<lane>.notification.new',
  data: Shape({
    notificationId: Id('The same for all who get it'),
    topic: Topic,
    ...noticeFields,
    until: noticeSchema.properties.until,
    publishedBy: noticeSchema.properties.publishedBy,
    publishedAt: noticeSchema.properties.publishedAt,
  }),
  ack: true,
});
