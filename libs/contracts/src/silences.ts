/** What makes an alert call nobody for a time: silences, and inhibition by another alert. Never the alert or its record. */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineQuery, staffRoles } from './define.ts';
import { priorities } from './monitoring.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

const Kinds = (description: string) => Type.Array(Id('Kind of alert'), { minItems: 1, maxItems: 20, description });
const common = { version: 1, owner: 'alert-escalation' } as const;
const readers = [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' }] as const;

const silence = {
  wardId: Type.Optional(Id('Alerts of this ward')),
  patientId: Type.Optional(Id('Alerts of this patient')),
  kinds: Type.Optional(Kinds('Of these kinds; all where absent')),
  priorities: Type.Array(OneOf(priorities, 'IEC 60601-1-8'), {
    minItems: 1,
    maxItems: 3,
    uniqueItems: true,
    description: 'Of these; high only with a patient and kinds, for 2 min at most, and not within 10 min of the last',
  }),
  until: Instant('End; at most 12 h from now'),
  reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why, for the record' }),
};
export const silenceSchema = Shape({
  silenceId: Id('Silence'),
  ...silence,
  from: Instant('Start'),
  setBy: Id('Who set it'),
  endedAt: Nullable(Instant('When it ended; null while it lasts')),
});
export type Silence = Static<typeof silenceSchema>;

export const startSilence = defineCommand({
  ...common,
  name: 'silence:start',
  description:
    'Alerts of a ward or a patient are told and kept as ever, but call nobody until then. A call that went out stays, and a call-out is held by nothing.',
  lane: 'normal',
  input: Shape(silence),
  result: silenceSchema,
  maxAgeMs: commandAgesMs['silence:start'],
  allow: [{ roles: staffRoles, relation: 'entity' }],
  http: { method: 'POST', path: '/v1/silences', status: 201 },
});
export const endSilence = defineCommand({
  ...common,
  name: 'silence:end',
  description: 'Ends a silence before its time: what it held calls now.',
  lane: 'normal',
  input: Shape({ silenceId: Id('Silence') }),
  result: silenceSchema,
  maxAgeMs: commandAgesMs['silence:end'],
  allow: [{ roles: staffRoles, relation: 'entity' }],
  http: { method: 'DELETE', path: '/v1/silences/:silenceId' },
});
export const listSilences = defineQuery({
  ...common,
  name: 'silence:list',
  description:
    'Silences that last, then those that ended in the last day, the newest first; at most 200. Staff see those of their wards and of patients who lie there, and their own.',
  input: Shape({ wardId: Type.Optional(Id('Of this ward and its patients')) }),
  result: Shape({ items: Type.Array(silenceSchema) }),
  allow: readers,
  http: { method: 'GET', path: '/v1/silences' },
});

const inhibition = {
  source: Kinds('While an alert of these kinds is on or acknowledged, its condition active, …'),
  target: Kinds('… those of these kinds call nobody, unless their priority is higher'),
  same: OneOf(['patient', 'ward'], 'Of whom both must be'),
};
export const inhibitionSchema = Shape({
  ruleId: Id('Rule'),
  version: Type.Integer({ minimum: 1, description: 'Grows with each change' }),
  ...inhibition,
});
export type Inhibition = Static<typeof inhibitionSchema>;

const writers = [{ roles: ['doctor', 'admin'], relation: 'hospital' }] as const;
export const setInhibition = defineCommand({
  ...common,
  name: 'inhibition:set',
  description: 'Replaces a rule by which one alert holds back the calls of others. At most 100 a hospital.',
  lane: 'normal',
  input: Shape({ ruleId: Id('Rule'), ...inhibition }),
  result: inhibitionSchema,
  maxAgeMs: commandAgesMs['inhibition:set'],
  allow: writers,
  http: { method: 'PUT', path: '/v1/inhibitions/:ruleId' },
});
export const removeInhibition = defineCommand({
  ...common,
  name: 'inhibition:remove',
  description: 'Removes a rule; what it held calls within half a minute.',
  lane: 'normal',
  input: Shape({ ruleId: Id('Rule') }),
  result: Shape({ ruleId: Id('Rule') }),
  maxAgeMs: commandAgesMs['inhibition:remove'],
  allow: writers,
  http: { method: 'DELETE', path: '/v1/inhibitions/:ruleId' },
});
export const listInhibitions = defineQuery({
  ...common,
  name: 'inhibition:list',
  description: 'The rules of the hospital by id.',
  input: Shape({}),
  result: Shape({ items: Type.Array(inhibitionSchema) }),
  allow: readers,
  http: { method: 'GET', path: '/v1/inhibitions' },
});
