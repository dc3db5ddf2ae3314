/** `monitoring`: the alarm limits of a patient, and the default sets for those who have none of their own. */
import { alertAcknowledged, alertResolved } from './alert-escalation.ts';
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineConsumer, defineEvent, defineQuery, staffRoles } from './define.ts';
import { mayReadPatient, priorities } from './monitoring.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';
import { numericVitals } from './vital-signs.ts';

const PatientId = Id('Patient');
const SetId = Id('Default set');
const IfVersion = Type.Optional(
  Type.Integer({ minimum: 0, description: 'Refused as `conflict` where another version holds by now' }),
);

const tiers = ['warning', 'critical'] as const;

const Clock = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description: 'hh:mm', examples: ['22:00'] });
const scheduleSchema = Shape(
  {
    from: Clock,
    to: Clock,
    days: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
        minItems: 1,
        maxItems: 7,
        uniqueItems: true,
        description: 'ISO weekdays on which it begins, 1 is Monday; all where absent',
      }),
    ),
    timeZone: Type.String({ maxLength: 64, description: 'IANA name', examples: ['Asia/Bangkok'] }),
  },
  'Over midnight where `to` is not later than `from`. In this time it takes the place of the limit without a schedule',
);

export const limitSchema = Shape({
  vital: OneOf(numericVitals, 'Vital sign'),
  above: Type.Optional(Type.Number({ description: 'A breach is a value above this' })),
  below: Type.Optional(Type.Number({ description: 'A breach is a value below this' })),
  clearAt: Type.Optional(Type.Number({ description: 'The alarm ends at this value or beyond; at once where absent' })),
  persistSeconds: Type.Number({ minimum: 0, maximum: 3600, description: 'How long a breach must last' }),
  priority: OneOf(priorities, 'Priority'),
  tier: Type.Optional(
    OneOf(tiers, 'Both tiers of a side are one alarm; where absent, critical with high priority and warning else'),
  ),
  breaches: Type.Optional(
    Shape(
      {
        k: Type.Integer({ minimum: 1, maximum: 30, description: 'How many must breach' }),
        of: Type.Integer({ minimum: 1, maximum: 30, description: 'Of so many of the last samples' }),
      },
      'In place of persistSeconds, which is 0 then',
    ),
  ),
  clearForSeconds: Type.Optional(
    Type.Number({ minimum: 0, maximum: 3600, description: 'How long the value must stay clear; 0 where absent' }),
  ),
  isLatching: Type.Optional(Type.Boolean({ description: 'Ends only after somebody answered its alert' })),
  schedule: Type.Optional(scheduleSchema),
});
export type LimitSetting = Static<typeof limitSchema>;

const RuleName = Type.String({
  pattern: '^[a-z][A-Za-z0-9-]{0,40}$',
  description: 'Names it in the kind of its alarm',
  examples: ['shock'],
});

export const trendSchema = Shape({
  name: RuleName,
  vital: OneOf([...numericVitals, 'news2'] as const, 'Of what; news2: of the score'),
  direction: OneOf(['rising', 'falling'], 'Which way; a score only rises'),
  change: Type.Number({ exclusiveMinimum: 0, description: 'In the unit, or points, over the window' }),
  windowMinutes: Type.Integer({ minimum: 5, maximum: 1440, description: 'Over how long' }),
  priority: OneOf(priorities, 'Priority'),
});
export type TrendSetting = Static<typeof trendSchema>;

export const combinationSchema = Shape({
  name: RuleName,
  all: Type.Array(
    Shape({
      vital: OneOf(numericVitals, 'Vital sign'),
      above: Type.Optional(Type.Number({ description: 'One of above and below' })),
      below: Type.Optional(Type.Number({ description: 'One of above and below' })),
    }),
    { minItems: 2, maxItems: 6, description: 'Each must be beyond, at the same time' },
  ),
  persistSeconds: Type.Number({ minimum: 0, maximum: 3600, description: 'How long' }),
  clearForSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 3600, description: '0 where absent' })),
  maxAgeSeconds: Type.Integer({ minimum: 5, maximum: 14_400, description: 'An older value proves nothing' }),
  priority: OneOf(priorities, 'Priority'),
});
export type CombinationSetting = Static<typeof combinationSchema>;

export const rulesSchema = Shape({
  limits: Type.Array(limitSchema, { maxItems: 64 }),
  trends: Type.Optional(Type.Array(trendSchema, { maxItems: 8, description: 'Alarms `trend-<name>`' })),
  combinations: Type.Optional(Type.Array(combinationSchema, { maxItems: 8, description: 'Alarms `multi-<name>`' })),
});
export type RuleSettings = Static<typeof rulesSchema>;

export const rulesInForceSchema = Shape({
  ...rulesSchema.properties,
  version: Type.Integer({ description: 'Grows with each change of his own; 0: never had any' }),
  origin: OneOf(
    ['own', 'set', 'builtIn'],
    'His own, a default set of the hospital, or one that comes with the product',
  ),
  setId: Type.Optional(SetId),
  setBy: Type.Optional(Id('Who set his own')),
  setAt: Type.Optional(Instant('When')),
  expiresAt: Type.Optional(Instant('From then on holds what held before')),
  signedOffBy: Nullable(Id('Who signed the default set; null: nobody, or they are his own')),
});

export const getLimits = defineQuery({
  name: 'limits:get',
  version: 1,
  owner: 'monitoring',
  description: 'The limits in force for a patient: his own, or the default set of his age and ward.',
  input: Shape({ patientId: PatientId }),
  result: rulesInForceSchema,
  allow: [...mayReadPatient('patientId'), { roles: ['admin'], relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/patients/:patientId/limits' },
});

export const setLimits = defineCommand({
  name: 'limits:set',
  version: 1,
  owner: 'monitoring',
  description:
    'Replaces the limits of a patient. One of `above` and `below` each; one limit a vital sign, side and tier.',
  lane: 'normal',
  input: Shape({
    patientId: PatientId,
    ...rulesSchema.properties,
    expiresAt: Type.Optional(Instant('At most 30 days ahead; for good where absent')),
    ifVersion: IfVersion,
  }),
  result: rulesInForceSchema,
  maxAgeMs: commandAgesMs['limits:set'],
  allow: [
    { roles: ['doctor'], relation: 'wardOfPatient', field: 'patientId' },
    { roles: ['admin'], relation: 'hospital' },
  ],
  http: { method: 'PUT', path: '/v1/patients/:patientId/limits' },
});

export const adjustLimits = defineCommand({
  name: 'limits:adjust',
  version: 1,
  owner: 'monitoring',
  description:
    'What a nurse may do at the bedside: other warning limits for at most 12 hours, within the range of the default ' +
    'set. Critical limits, and warning limits that are not given, stay as they are.',
  lane: 'normal',
  input: Shape({
    patientId: PatientId,
    limits: Type.Array(limitSchema, { minItems: 1, maxItems: 16 }),
    expiresAt: Instant('At most 12 hours ahead'),
    ifVersion: IfVersion,
  }),
  result: rulesInForceSchema,
  maxAgeMs: commandAgesMs['limits:adjust'],
  allow: [{ roles: ['nurse', 'doctor'], relation: 'wardOfPatient', field: 'patientId' }],
  http: { method: 'POST', path: '/v1/patients/:patientId/limits/adjust' },
});

export const listLimitVersions = defineQuery({
  name: 'limits:history',
  version: 1,
  owner: 'monitoring',
  description: 'The newest 50 versions of a patient’s own limits, newest first.',
  input: Shape({ patientId: PatientId }),
  result: Shape({
    items: Type.Array(
      Shape({
        version: Type.Integer(),
        rules: Nullable(rulesSchema),
        setBy: Nullable(Id('Null: the version before expired, or the patient was discharged')),
        setAt: Instant('When'),
        expiresAt: Nullable(Instant('When it was to end')),
        endedAt: Nullable(Instant('When it ended; null: it holds')),
      }),
      { description: 'Without rules: the default set held' },
    ),
  }),
  allow: [...mayReadPatient('patientId'), { roles: ['admin'], relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/patients/:patientId/limits/history' },
});

export const limitsChanged = defineEvent({
  name: 'limits:changed',
  version: 1,
  owner: 'monitoring',
  description: 'A patient has other alarm limits.',
  stream: 'CARE',
  subject: 'care.<hospital>.<ward>.<patient>.<lane>.limits.changed',
  data: Shape({
    patientId: PatientId,
    wardId: Nullable(Id('Ward')),
    ...rulesSchema.properties,
    setBy: Id('Who set them; where limits expired, who had set those'),
    at: Instant('When'),
    expiresAt: Type.Optional(Instant('From then on holds what held before')),
  }),
});

/** What latches ends only after somebody answered its alert. */
export const answersOfMonitoring = defineConsumer({
  name: 'monitoring-answers',
  service: 'monitoring',
  stream: 'CARE',
  filter: 'care.*.*.*.*.alert.*',
  ackWaitMs: 4_000,
  events: [alertAcknowledged, alertResolved],
});

const limitSetFields = {
  setId: SetId,
  label: Type.String({ minLength: 1, maxLength: 100, examples: ['Adults'] }),
  wardId: Nullable(Id('Ward; null: any')),
  fromAgeDays: Type.Integer({ minimum: 0, description: 'From this age on' }),
  toAgeDays: Nullable(Type.Integer({ minimum: 1, description: 'Below this age; null: any above' })),
  nurseRange: Type.Record(
    Type.String(),
    Shape({ low: Type.Number({ description: 'Lowest limit' }), high: Type.Number({ description: 'Highest limit' }) }),
    { description: 'By vital sign: within what a nurse may put a warning limit' },
  ),
  source: Type.String({ maxLength: 500, description: 'Where the figures are from' }),
  ...rulesSchema.properties,
};
export const limitSetSchema = Shape({
  ...limitSetFields,
  version: Type.Integer({ description: '0: as it comes with the product' }),
  signedOffBy: Nullable(Id('Clinician who signed it')),
  signedOffAt: Nullable(Instant('When')),
  isInForce: Type.Boolean({ description: 'The newest that was signed, or the product’s where none was' }),
});
export type LimitSet = Static<typeof limitSetSchema>;

export const listLimitSets = defineQuery({
  name: 'limitSet:list',
  version: 1,
  owner: 'monitoring',
  description: 'The default sets in force, and drafts that wait for a signature.',
  input: Shape({}),
  result: Shape({ items: Type.Array(limitSetSchema) }),
  allow: [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/limit-sets' },
});

export const putLimitSet = defineCommand({
  name: 'limitSet:put',
  version: 1,
  owner: 'monitoring',
  description: 'A new version of a default set. It is a draft until a doctor has signed it.',
  lane: 'normal',
  input: Shape(limitSetFields),
  result: limitSetSchema,
  maxAgeMs: commandAgesMs['limitSet:put'],
  allow: [{ roles: ['doctor', 'admin'], relation: 'hospital' }],
  http: { method: 'PUT', path: '/v1/limit-sets/:setId' },
});

export const signLimitSet = defineCommand({
  name: 'limitSet:sign',
  version: 1,
  owner: 'monitoring',
  description:
    'Signs a default set, so that it is in force. Whoever put it cannot sign it; version 0 is the product’s.',
  lane: 'normal',
  input: Shape({
    setId: SetId,
    version: Type.Integer({ minimum: 0, description: 'What was read; `conflict` where there is a newer one' }),
  }),
  result: limitSetSchema,
  maxAgeMs: commandAgesMs['limitSet:sign'],
  allow: [{ roles: ['doctor'], relation: 'hospital' }],
  http: { method: 'POST', path: '/v1/limit-sets/:setId/sign' },
});
