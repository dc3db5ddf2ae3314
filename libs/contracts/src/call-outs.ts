/** Calling many people at once: the code team, everybody in a hospital's emergency. */
import { alertSchema } from './alert-escalation.ts';
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, roles, staffRoles } from './define.ts';
import { Id, OneOf, Shape, Type } from './schema.ts';

export const callOut = defineCommand({
  name: 'alert:callOut',
  version: 1,
  owner: 'alert-escalation',
  description:
    'Calls a group, or all on shift with a role, at once: three times in a minute, then the failsafe. Refused with `bad_input` before anybody is called if it would reach more than 50 people (1,000 for operators and admins), and with `rate_limited` after three in ten minutes. The same call again joins the open one.',
  lane: 'critical',
  input: Shape({
    kind: Type.String({
      pattern: '^[a-zA-Z][A-Za-z0-9_-]{0,63}$',
      description: 'What it is about',
      examples: ['cardiac-arrest'],
    }),
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
