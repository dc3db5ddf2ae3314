/**
 * Calling many people at once: the code team, everybody in a hospital's emergency. Who is called has an alert; everybody
 * else of the hospital hears of the emergency, without anything that names a patient.
 */
import { alertSchema, outcomes } from './alert-escalation.ts';
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineEvent, defineQuery, roles, staffRoles } from './define.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

const Kind = Type.String({
  pattern: '^[a-zA-Z][A-Za-z0-9_-]{0,63}$',
  description: 'What it is about',
  examples: ['cardiac-arrest'],
});

export const callOut = defineCommand({
  name: 'alert:callOut',
  version: 1,
  owner: 'alert-escalation',
  description:
    'Calls a group, or all on shift with a role, at once: three times in a minute, then the failsafe. Refused with `bad_input` before anybody is called if it would reach more than 50 people (1,000 for operators and admins), and with `rate_limited` after three in ten minutes. The same call again joins the open one, and is none more.',
  lane: 'critical',
  input: Shape({
    kind: Kind,
    message: Type.String({ minLength: 1, maxLength: 500, description: 'For people' }),
    wardId: Type.Optional(Id('Where; staff name a ward of their own, or a patient of it')),
    patientId: Type.Optional(Id('Whom it is about')),
    group: Type.Optional(Id('Who is called; this or `role`')),
    role: Type.Optional(
      OneOf(roles, 'Who is called: of the ward, or of the whole hospital where neither ward nor patient is named'),
    ),
    needs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 50, description: 'How many must come; one where absent' }),
    ),
  }),
  result: Shape({
    reached: Type.Integer({ minimum: 0, description: 'How many it calls at first' }),
    alert: alertSchema,
  }),
  maxAgeMs: commandAgesMs['alert:callOut'],
  allow: [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'entity' }],
  http: { method: 'POST', path: '/v1/call-outs', status: 201 },
});

export const emergencySchema = Shape({
  alertId: Id('The alert that calls: it is over when that one is resolved, however it is'),
  kind: Kind,
  wardId: Nullable(Id('Where; null for the whole hospital')),
  wardName: Nullable(Type.String({ description: 'Name of the ward, for people' })),
  bedId: Nullable(Id('Bed, where it is about a patient who lies in one')),
  called: Type.String({ description: 'Who is called, for people: the name of a group, or a role' }),
  declaredBy: Id('Who called'),
  declaredAt: Instant('When'),
  version: Type.Integer({ minimum: 1, description: 'Grows; ignore what is lower or equal' }),
});
export type Emergency = Static<typeof emergencySchema>;
const endedEmergencySchema = Shape({
  ...emergencySchema.properties,
  endedAt: Instant('When it was over'),
  endedBy: Nullable(Id('Who said so; null where nobody had to')),
  outcome: Nullable(OneOf(outcomes, 'What was said of it')),
});
export type EndedEmergency = Static<typeof endedEmergencySchema>;

const ofHospital = { roles: ['operator', 'admin'], relation: 'hospital' } as const;

export const endEmergency = defineCommand({
  name: 'emergency:end',
  version: 1,
  owner: 'alert-escalation',
  description:
    'Says that an emergency is over, and resolves its alert: by operators and admins any, by staff that of their ward or one to which they were called.',
  lane: 'critical',
  input: Shape({
    alertId: Id('Its alert'),
    reason: Type.Optional(Type.String({ maxLength: 500, description: 'Why; stays with the alert' })),
    outcome: Type.Optional(OneOf(outcomes, 'Whether there was anything to do')),
  }),
  result: endedEmergencySchema,
  maxAgeMs: commandAgesMs['emergency:end'],
  allow: [{ roles: ['nurse', 'doctor'], relation: 'entity' }, ofHospital],
  http: { method: 'POST', path: '/v1/emergencies/:alertId/end' },
});
export const listEmergencies = defineQuery({
  name: 'emergency:list',
  version: 1,
  owner: 'alert-escalation',
  description: 'The emergencies of the hospital that are not over, newest first; at most 50.',
  input: Shape({}),
  result: Shape({ items: Type.Array(emergencySchema) }),
  allow: [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/emergencies' },
});

export const emergencyDeclared = defineEvent({
  name: 'emergency:declared',
  version: 1,
  owner: 'alert-escalation',
  description: 'Many people were called at once; told again when the patient lies in another ward.',
  stream: 'OPS',
  subject: 'ops.<hospital>.emergency.declared',
  data: emergencySchema,
});
export const emergencyEnded = defineEvent({
  name: 'emergency:ended',
  version: 1,
  owner: 'alert-escalation',
  description: 'An emergency is over.',
  stream: 'OPS',
  subject: 'ops.<hospital>.emergency.ended',
  data: endedEmergencySchema,
});
