/**
 * Who is shut out, and who is let in for once: revocation, operators' calls on connections, break-glass. Owned by
 * `directory`; gateways learn of it by the key-value buckets `access` and `people`, and the record is the stream AUDIT.
 */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineEvent, roles, staffRoles } from './define.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

const Reason = Type.String({ minLength: 1, maxLength: 500, description: 'Why, for the record' });
const BreakGlassReason = Type.String({ minLength: 10, maxLength: 500, description: 'Why, for the record' });
const At = Instant('When it took effect');
const By = Id('Who did it');
const Room = Type.String({ minLength: 1, maxLength: 200, description: 'Name of the room' });
/** The `jti` of a token is its issuer's choice, and need not be an id of ours. */
const Revoked = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'The `jti` of a token, or a person or device',
});

export const revocableKinds = ['token', 'person', 'device'] as const;
export const accessKinds = [...revocableKinds, 'disconnect', 'subscription'] as const;
export type AccessKind = (typeof accessKinds)[number];

const operators = [{ roles: ['operator', 'admin'], relation: 'hospital' }] as const;
const clinicians = [{ roles: staffRoles, relation: 'hospital' }] as const;
const common = { version: 1, owner: 'directory', lane: 'critical' } as const;
export const revokeAccess = defineCommand({
  ...common,
  name: 'access:revoke',
  maxAgeMs: commandAgesMs['access:revoke'],
  description:
    'Refuses one token, or all tokens of a person or device that were issued up to now, and ends their connections.',
  input: Shape({ kind: OneOf(revocableKinds, 'What `id` names'), id: Revoked, reason: Reason }),
  result: Shape({ revokedAt: At }),
  allow: operators,
  http: { method: 'POST', path: '/v1/access/revocations' },
});
export const logOut = defineCommand({
  ...common,
  name: 'session:logout',
  maxAgeMs: commandAgesMs['session:logout'],
  description: 'Revokes the token with which it is called; its connections end with 4440. The token needs a `jti`.',
  input: Shape({}),
  result: Shape({ revokedAt: At }),
  allow: [{ roles, relation: 'hospital' }],
  http: { method: 'POST', path: '/v1/session/logout' },
});
export const disconnectPerson = defineCommand({
  ...common,
  name: 'person:disconnect',
  maxAgeMs: commandAgesMs['person:disconnect'],
  description: 'Ends all connections of a person with 4440. The tokens stay good.',
  input: Shape({ person: Id('Person'), reason: Type.Optional(Reason) }),
  result: Shape({ disconnectedAt: At }),
  allow: operators,
  http: { method: 'POST', path: '/v1/people/:person/disconnect' },
});
export const endSubscription = defineCommand({
  ...common,
  name: 'subscription:end',
  maxAgeMs: commandAgesMs['subscription:end'],
  description: 'Takes a person out of a room, on all connections: `unsubscribed` with `ended`. The right to it stays.',
  input: Shape({ person: Id('Person'), room: Room, reason: Type.Optional(Reason) }),
  result: Shape({ endedAt: At }),
  allow: operators,
  http: { method: 'POST', path: '/v1/people/:person/subscriptions/end' },
});
export const breakGlass = defineCommand({
  ...common,
  name: 'access:breakGlass',
  maxAgeMs: commandAgesMs['access:breakGlass'],
  description:
    'Lets a clinician act for a patient of another ward as if it were his own, for an hour. Needs a reason and a second factor of the last minutes; it is put on record first.',
  input: Shape({ patientId: Id('Patient'), reason: BreakGlassReason }),
  result: Shape({ patientId: Id('Patient'), until: Instant('When it ends') }),
  allow: clinicians,
  needsMfa: true,
  http: { method: 'POST', path: '/v1/patients/:patientId/break-glass' },
});
export const endBreakGlass = defineCommand({
  ...common,
  name: 'access:endBreakGlass',
  maxAgeMs: commandAgesMs['access:endBreakGlass'],
  description: 'Ends break-glass access to a patient before its time: one’s own, or as an operator anybody’s.',
  input: Shape({
    patientId: Id('Patient'),
    person: Type.Optional(Id('Whose access; one’s own where absent. For operators and admins')),
  }),
  result: Shape({ endedAt: At }),
  allow: [...clinicians, ...operators],
  http: { method: 'DELETE', path: '/v1/patients/:patientId/break-glass' },
});

const onRecord = <const E extends string>(event: E, description: string) => ({
  name: `access:${event}` as const,
  version: 1,
  owner: 'directory' as const,
  description,
  stream: 'AUDIT' as const,
  subject: `audit.<hospital>.access.${event}`,
});
export const accessRevoked = defineEvent({
  ...onRecord('revoked', 'A token, or all tokens of a person or device, were revoked; also by logging out.'),
  data: Shape({ kind: OneOf(revocableKinds, 'What `id` names'), id: Revoked, by: By, at: At, reason: Reason }),
});
export const accessDisconnected = defineEvent({
  ...onRecord('disconnected', 'All connections of a person were ended.'),
  data: Shape({ person: Id('Person'), by: By, at: At, reason: Nullable(Reason) }),
});
export const accessSubscriptionEnded = defineEvent({
  ...onRecord('subscriptionEnded', 'A person was taken out of a room.'),
  data: Shape({ person: Id('Person'), room: Room, by: By, at: At, reason: Nullable(Reason) }),
});
export const glassBroken = defineEvent({
  ...onRecord('glassBroken', 'A clinician took access to a patient of another ward. Published before it has effect.'),
  data: Shape({
    person: Id('Person'),
    patientId: Id('Patient'),
    at: At,
    until: Instant('When it ends'),
    mfaAt: Instant('When the second factor was given'),
    reason: BreakGlassReason,
  }),
});
export const breakGlassEnded = defineEvent({
  ...onRecord('breakGlassEnded', 'Break-glass access to a patient has ended, by its time or by a person.'),
  data: Shape({
    person: Id('Person'),
    patientId: Id('Patient'),
    at: At,
    by: Nullable(Id('Who ended it; null for its time')),
  }),
});

/** The key-value entry of the bucket `access`: what every gateway must know to refuse and to end. */
export const accessEntrySchema = Shape({
  kind: OneOf(accessKinds, 'What happened'),
  hospital: Id('Hospital'),
  id: Revoked,
  room: Type.Optional(Room),
  at: Type.Integer({ minimum: 0, description: 'ms since the epoch: tokens issued and connections begun up to then' }),
  until: Nullable(Type.Integer({ minimum: 0, description: 'ms since the epoch: of no use to anybody from then on' })),
  isLogout: Type.Optional(Type.Literal(true, { description: 'The person did it himself, to this token' })),
});
export type AccessEntry = Static<typeof accessEntrySchema>;
