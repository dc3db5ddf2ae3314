/** `monitoring`: vital signs in, kept, scored, and the conditions that limits and NEWS2 raise. */
import { defineEvent, defineQuery, defineRoom, defineRoute, staffRoles, type Rule } from './define.ts';
import { followDirectory } from './directory.ts';
import { vitalItemErrors } from './errors.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static, type TSchema } from './schema.ts';
import { consciousnessLevels, numericVitals, vitalNames, vitalSigns } from './vital-signs.ts';

export const priorities = ['high', 'medium', 'low'] as const;
export type Priority = (typeof priorities)[number];
/** PH goes before everything; medium and low share the normal lane. */
export const laneOfPriority = (priority: Priority): 'critical' | 'normal' =>
  priority === 'high' ? 'critical' : 'normal';

export const qualities = ['good', 'suspect'] as const;
export type Quality = (typeof qualities)[number];
/** Of a device under test: its readings are kept and shown as such, and decide nothing. */
export const modes = ['test', 'demo'] as const;
export type Mode = (typeof modes)[number];
/** A device says that it has no value: an absence, not a reading. */
export const absenceReasons = ['invalid', 'unavailable', 'off'] as const;
/** IEEE 11073-10201 measurement status, as far as it decides something. Absent: measured. */
const measurementStatuses = ['questionable', 'calibrating', ...absenceReasons, ...modes] as const;

const Vital = OneOf(vitalNames, 'Vital sign');
const PatientId = Id('Patient');
const WardId = Id('Ward');
const Value = Type.Union([Type.Number(), Type.String({ maxLength: 16 })], {
  description: 'A number in the unit, or in the canonical one; for consciousness one of A, C, V, P, U',
  examples: [72],
});

/** An item as it is accepted; `POST /v1/vitals` judges each one alone and names what is wrong with it. */
export const vitalItemSchema = Shape({
  patientId: PatientId,
  vital: Type.String({
    minLength: 1,
    maxLength: 64,
    description: `One of ${vitalNames.join(', ')}`,
    examples: ['heartRate'],
  }),
  value: Type.Optional(Value),
  status: Type.Optional(
    OneOf(
      measurementStatuses,
      'Where the device says that it is no plain measurement; of invalid, unavailable and off the value is not read, of all others it is needed',
    ),
  ),
  unit: Type.Optional(
    Type.String({
      maxLength: 32,
      description: `UCUM; where absent the canonical unit: ${numericVitals.map((name) => `${name} ${vitalSigns[name].unit}`).join(', ')}`,
      examples: ['/min'],
    }),
  ),
  measuredAt: Type.String({
    maxLength: 40,
    description: 'RFC 3339 with a zone; the time of receipt takes its place if it is over 24 h ago or 2 min ahead',
    examples: ['2026-11-21T08:00:00.000Z'],
  }),
  deviceId: Type.Optional(Id('Device')),
});
export type VitalItem = Static<typeof vitalItemSchema>;

export const maxVitalItems = 1000;
export const vitalBatchSchema = Shape({
  items: Type.Array(vitalItemSchema, { minItems: 1, maxItems: maxVitalItems, description: 'Each is judged alone' }),
});
export const vitalReceiptSchema = Shape({
  accepted: Type.Integer({ minimum: 0, description: 'How many items are taken' }),
  rejected: Type.Array(
    Shape({
      index: Type.Integer({ minimum: 0, description: 'Place in `items`' }),
      code: OneOf(Object.keys(vitalItemErrors), 'What is wrong with it'),
      message: Type.String({ description: 'For people' }),
    }),
    { description: 'What is not stored, item by item' },
  ),
});
/** Posting readings. Not a command: readings go to INTAKE by partition, and answer as soon as they are durable. */
export const recordVitals = {
  ...defineRoute({
    name: 'vitals:record',
    method: 'POST',
    path: '/v1/vitals',
    description:
      `Takes up to ${maxVitalItems.toLocaleString('en')} vital signs. Each item is judged alone: good ones are stored, ` +
      'bad ones are named with a code. A batch without any good item is `bad_input`. The same reading (patient, vital ' +
      'sign, time, device) sent again changes nothing.',
    access: 'bearer',
    body: { schema: vitalBatchSchema },
    answers: { 202: { description: 'The good items are stored durably', schema: vitalReceiptSchema } },
  }),
  allow: [
    { roles: ['device'], relation: 'hospital' },
    { roles: staffRoles, relation: 'wardOfPatient', field: 'patientId' },
  ] satisfies readonly Rule[] as readonly Rule[],
};

/** A reading as it travels from the edge to `monitoring`: what was received next to what was derived. */
export const readingSchema = Shape({
  patientId: PatientId,
  vital: Vital,
  value: Value,
  receivedValue: Value,
  receivedUnit: Nullable(Type.String({ description: 'As received; null where none was given' })),
  measuredAt: Type.Integer({ description: 'ms since the epoch' }),
  statedAt: Nullable(
    Type.Integer({
      description: 'Of a clock that was out of range: what the device said, in ms; measuredAt is then the receipt',
    }),
  ),
  quality: OneOf(qualities, 'Quality'),
  mode: Type.Optional(OneOf(modes, 'Of a device under test: kept, and never judged')),
  deviceId: Nullable(Id('Device')),
});
export type Reading = Static<typeof readingSchema>;
/** That there was no value, as a device said. */
export const absenceSchema = Shape({
  patientId: PatientId,
  vital: Vital,
  measuredAt: Type.Integer({ description: 'ms since the epoch' }),
  deviceId: Nullable(Id('Device')),
  reason: OneOf(absenceReasons, 'What the device said'),
});
export type Absence = Static<typeof absenceSchema>;
export const intakeSchema = Shape({
  hospital: Id('Hospital'),
  by: Id('Who posted'),
  receivedAt: Type.Integer({ description: 'ms since the epoch, at the edge' }),
  readings: Type.Array(readingSchema, { maxItems: maxVitalItems }),
  absences: Type.Optional(Type.Array(absenceSchema, { maxItems: maxVitalItems })),
});
export type Intake = Static<typeof intakeSchema>;

export const recordedVitalSchema = Shape({
  vital: Vital,
  value: Value,
  unit: Nullable(Type.String({ description: 'UCUM; null for consciousness' })),
  measuredAt: Instant('When it was measured'),
  quality: OneOf(qualities, 'Quality'),
  mode: Type.Optional(OneOf(modes, 'Of a device under test: no value of the patient')),
});
export type RecordedVital = Static<typeof recordedVitalSchema>;

const risks = ['low', 'low-medium', 'medium', 'high'] as const;
const scoreFields = {
  score: Nullable(Type.Integer({ description: 'Null unless lower = upper' })),
  lower: Type.Integer({ description: 'Score if all that is missing were normal' }),
  upper: Type.Integer({ description: 'Score if all that is missing were at its worst' }),
  missing: Type.Array(Type.String(), { description: 'Parameters to measure or chart' }),
  risk: OneOf(risks, 'RCP 2017, by the lower bound'),
  parts: Type.Record(Type.String(), Type.Integer(), { description: 'Points of each parameter' }),
  scale: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)], { description: 'SpO2 scale in force' })),
};
export const scoreSchema = Shape(scoreFields);

/** Reading of a patient: staff of the ward, the patient his own, a caregiver his patient's. */
export const mayReadPatient = (field: string): Rule[] => [
  { roles: staffRoles, relation: 'wardOfPatient', field },
  { roles: ['patient'], relation: 'self', field },
  { roles: ['caregiver'], relation: 'caregiver', field },
];
const mayReadPatientRoom = mayReadPatient('id');

export const listVitals = defineQuery({
  name: 'vitals:list',
  version: 1,
  owner: 'monitoring',
  description: 'Recorded vital signs of a patient, oldest first.',
  input: Shape({
    patientId: PatientId,
    from: Type.Optional(Instant('From, inclusive; an hour ago where absent')),
    to: Type.Optional(Instant('To, exclusive; now where absent')),
    vital: Type.Optional(Vital),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000, description: 'At most; 1,000 where absent' })),
    cursor: Type.Optional(Type.String({ maxLength: 200, description: '`next` of the page before' })),
  }),
  result: Shape({
    items: Type.Array(
      Shape({ ...recordedVitalSchema.properties, deviceId: Nullable(Id('Device')), receivedAt: Instant('Receipt') }),
    ),
    next: Type.Optional(Type.String({ description: 'Give it as `cursor` for the next page; absent on the last' })),
  }),
  allow: mayReadPatient('patientId'),
  http: { method: 'GET', path: '/v1/patients/:patientId/vitals' },
});

const ConditionKind = Type.String({
  pattern: '^[a-zA-Z][A-Za-z0-9-]{0,63}$',
  description: 'spo2-below, heartRate-above, news2, spo2-absent, device-silent, …',
});

/**
 * Why a vital sign that is expected does not come: what the device said, or that nothing came, or only what is suspect,
 * another patient's by the binding of its device, or history when it comes (`late`: mostly a clock that is slow).
 */
export const signalReasons = [...absenceReasons, 'suspect', 'silent', 'notBound', 'late'] as const;
const signalSchema = Shape({
  vital: Vital,
  state: OneOf(['suspect', 'absent'] as const, 'Quality'),
  since: Instant('When the last good value came, or what came instead of one for the first time'),
  reason: OneOf(signalReasons, 'Why'),
});

export const withheldSchema = OneOf(
  ['under16', 'notApplicable'] as const,
  'Why no score is shown: for children, or as a doctor decided',
);
const chartedSchema = Shape({
  vital: Vital,
  at: Instant('When it was observed'),
  by: Id('Who'),
  until: Instant('It counts in the score until then'),
});

export const statusSchema = Shape({
  patientId: PatientId,
  version: Type.Integer({ description: 'Of the patient’s monitor; ignore what is lower or equal' }),
  vitals: Type.Array(recordedVitalSchema, { description: 'The newest of each vital sign' }),
  score: Nullable(Shape({ ...scoreFields, at: Instant('Of the newest sample in it') })),
  withheld: Type.Optional(withheldSchema),
  charted: Type.Optional(
    Type.Array(chartedSchema, { description: 'What people charted and still counts in the score' }),
  ),
  conditions: Type.Array(Shape({ kind: ConditionKind, priority: OneOf(priorities, 'Priority') }), {
    description: 'Alarm conditions that are active now, whatever became of their alerts',
  }),
  signals: Type.Optional(
    Type.Array(signalSchema, { description: 'Vital signs that are expected and do not come as they should' }),
  ),
});

export const getWardStatus = defineQuery({
  name: 'ward:status',
  version: 1,
  owner: 'monitoring',
  description: 'The newest vital signs and score of each patient of a ward.',
  input: Shape({ wardId: WardId }),
  result: Shape({ items: Type.Array(statusSchema) }),
  allow: [{ roles: staffRoles, relation: 'ward', field: 'wardId' }],
  http: { method: 'GET', path: '/v1/wards/:wardId/status' },
});

export const getPatientStatus = defineQuery({
  name: 'patient:status',
  version: 1,
  owner: 'monitoring',
  description: 'The newest vital signs and score of one patient.',
  input: Shape({ patientId: PatientId }),
  result: statusSchema,
  allow: mayReadPatient('patientId'),
  http: { method: 'GET', path: '/v1/patients/:patientId/status' },
});

export const calculateNews2 = defineQuery({
  name: 'news2:calculate',
  version: 1,
  owner: 'monitoring',
  description: 'NEWS2 (Royal College of Physicians, 2017) of what is given, with bounds for what is not.',
  input: Shape({
    respirationRate: Type.Optional(Type.Number({ minimum: 0, maximum: 150, description: '/min' })),
    spo2: Type.Optional(Type.Number({ minimum: 0, maximum: 100, description: '%' })),
    spo2Scale: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)], { description: '1 where absent' })),
    onOxygen: Type.Optional(Type.Boolean({ description: 'Whether oxygen is given' })),
    systolic: Type.Optional(Type.Number({ minimum: 0, maximum: 400, description: vitalSigns.systolic.unit })),
    pulse: Type.Optional(Type.Number({ minimum: 0, maximum: 400, description: '/min' })),
    consciousness: Type.Optional(OneOf(consciousnessLevels, 'ACVPU')),
    temperature: Type.Optional(Type.Number({ minimum: 10, maximum: 50, description: 'Cel' })),
  }),
  result: scoreSchema,
  allow: [{ roles: ['patient', 'caregiver', ...staffRoles, 'operator', 'admin', 'device'], relation: 'hospital' }],
  unlimited: true,
  http: { method: 'POST', path: '/v1/news2' },
});

export const vitalsRecorded = defineEvent({
  name: 'vitals:recorded',
  version: 1,
  owner: 'monitoring',
  description: 'Vital signs of one patient, after they were committed.',
  stream: 'VITALS',
  subject: 'vitals.<hospital>.<ward>.<patient>',
  data: Shape({ patientId: PatientId, wardId: Nullable(WardId), items: Type.Array(recordedVitalSchema) }),
});

const care = 'care.<hospital>.<ward>.<patient>.<lane>';

export const scoreUpdated = defineEvent({
  name: 'score:updated',
  version: 1,
  owner: 'monitoring',
  description: 'A patient’s NEWS2 changed.',
  stream: 'CARE',
  subject: `${care}.score.updated`,
  data: Shape({ patientId: PatientId, wardId: Nullable(WardId), ...scoreFields, at: Instant('Of the newest sample') }),
});

const conditionEvent = <const V extends string, D extends TSchema>(verb: V, description: string, data: D) =>
  defineEvent({
    name: `condition:${verb}`,
    version: 1,
    owner: 'monitoring',
    description,
    stream: 'CARE',
    subject: `${care}.condition.${verb}`,
    data,
  });
const conditionFields = {
  patientId: PatientId,
  wardId: Nullable(WardId),
  kind: ConditionKind,
  priority: OneOf(priorities, 'Priority'),
  message: Type.String({ description: 'For people' }),
  isTechnical: Type.Optional(Type.Literal(true, { description: 'About the measuring, not about the patient' })),
  at: Instant('Measurement time; of a technical condition when it was found'),
};
export const conditionSchema = Shape(conditionFields);
export type Condition = Static<typeof conditionSchema>;
export const conditionRaised = conditionEvent('raised', 'An alarm condition became active.', conditionSchema);
export const conditionChanged = conditionEvent(
  'changed',
  'An active alarm condition has another priority.',
  conditionSchema,
);
export const conditionCleared = conditionEvent('cleared', 'An alarm condition ended.', conditionSchema);

export const patientRoom = defineRoom({
  name: 'patient:<id>',
  version: 1,
  description: 'Alerts, scores and status of a patient.',
  stream: 'CARE',
  filter: 'care.<hospital>.*.<id>.>',
  lane: 'normal',
  recovery: 'complete',
  allow: mayReadPatientRoom,
});
export const patientVitalsRoom = defineRoom({
  name: 'patient:<id>:vitals',
  version: 1,
  description: 'Vital signs of a patient after commit.',
  stream: 'VITALS',
  filter: 'vitals.<hospital>.*.<id>',
  lane: 'bulk',
  recovery: 'latest',
  allow: mayReadPatientRoom,
});
export const wardVitalsRoom = defineRoom({
  name: 'ward:<id>:vitals',
  version: 1,
  description: 'Vital signs of all patients of a ward after commit.',
  stream: 'VITALS',
  filter: 'vitals.<hospital>.<id>.*',
  lane: 'bulk',
  recovery: 'latest',
  allow: [{ roles: staffRoles, relation: 'ward', field: 'id' }],
});
export const deviceRoom = defineRoom({
  name: 'device:<type>:<id>',
  version: 1,
  description: 'One device: status and connectivity.',
  stream: 'DEVICE',
  filter: 'device.<hospital>.<type>.<id>.*',
  lane: 'bulk',
  recovery: 'latest',
  allow: [
    { roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' },
    { roles: ['device'], relation: 'self', field: 'id' },
  ],
});
export const hospitalRoom = defineRoom({
  name: 'hospital:<id>',
  version: 1,
  description: 'Capacity, emergencies, figures and notices of a hospital.',
  stream: 'OPS',
  filter: 'ops.<id>.*.*',
  lane: 'normal',
  recovery: 'complete',
  allow: [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital', field: 'id' }],
});

export const directoryOfMonitoring = followDirectory('monitoring');
