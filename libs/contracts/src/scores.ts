/** `monitoring`: what people chart, what a clinician decides on the score of a patient, and scores that others state. */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineEvent, defineQuery, staffRoles } from './define.ts';
import { mayReadPatient, scoreSchema, statusSchema, withheldSchema } from './monitoring.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';
import { consciousnessLevels, vitalSigns, type NumericVital } from './vital-signs.ts';

const PatientId = Id('Patient');
const Scale = Type.Union([Type.Literal(1), Type.Literal(2)], { description: 'Scale of SpO2' });
const care = 'care.<hospital>.<ward>.<patient>.<lane>';

const Measured = (vital: NumericVital) => {
  const { unit, possible } = vitalSigns[vital];
  return Type.Optional(Type.Number({ minimum: possible[0], maximum: possible[1], description: unit }));
};

export const chartVitals = defineCommand({
  name: 'vitals:chart',
  version: 1,
  owner: 'monitoring',
  description:
    'What a person observed; the answer is the score that follows. What is not given keeps the value that it had.',
  lane: 'normal',
  input: Shape({
    patientId: PatientId,
    measuredAt: Type.Optional(Instant('Now where absent; at most 12 h ago, and up to 2 min ahead counts as now')),
    consciousness: Type.Optional(OneOf(consciousnessLevels, 'ACVPU')),
    onOxygen: Type.Optional(Type.Boolean({ description: 'False: air. True needs oxygenFlow' })),
    oxygenFlow: Measured('oxygenFlow'),
    systolic: Measured('systolic'),
    diastolic: Measured('diastolic'),
    temperature: Measured('temperature'),
    respirationRate: Measured('respirationRate'),
    spo2: Measured('spo2'),
    pulse: Measured('pulse'),
  }),
  result: statusSchema,
  maxAgeMs: commandAgesMs['vitals:chart'],
  allow: [{ roles: ['nurse', 'doctor'], relation: 'wardOfPatient', field: 'patientId' }],
  http: { method: 'POST', path: '/v1/patients/:patientId/chart' },
});

export const decisionSchema = Shape({
  patientId: PatientId,
  scale: Scale,
  isApplicable: Type.Boolean({ description: 'False: no NEWS2 is shown, as in pregnancy' }),
  reason: Type.String({ description: 'Why' }),
  decidedBy: Id('Who decided'),
  decidedAt: Instant('It holds from then on, and never before'),
  endedAt: Nullable(Instant('Then it ended without another; a later decision takes its place all the same')),
  version: Type.Integer({ description: 'Grows with each decision on the patient' }),
});
export type ScoreDecision = Static<typeof decisionSchema>;

export const decideScore = defineCommand({
  name: 'score:decide',
  version: 1,
  owner: 'monitoring',
  description: 'Decides on which scale of SpO2 a patient is scored by NEWS2, or that NEWS2 does not apply to him.',
  lane: 'normal',
  input: Shape({
    patientId: PatientId,
    scale: Scale,
    isApplicable: Type.Optional(Type.Boolean({ description: 'True where absent' })),
    reason: Type.String({ minLength: 3, maxLength: 500, description: 'Kept with the decision' }),
  }),
  result: decisionSchema,
  maxAgeMs: commandAgesMs['score:decide'],
  allow: [{ roles: ['doctor'], relation: 'wardOfPatient', field: 'patientId' }],
  http: { method: 'POST', path: '/v1/patients/:patientId/score-decisions' },
});

export const listDecisions = defineQuery({
  name: 'score:decisions',
  version: 1,
  owner: 'monitoring',
  description: 'The decisions on the score of a patient, newest first, 50 at most.',
  input: Shape({ patientId: PatientId }),
  result: Shape({ items: Type.Array(decisionSchema) }),
  allow: mayReadPatient('patientId'),
  http: { method: 'GET', path: '/v1/patients/:patientId/score-decisions' },
});

export const scoreDecided = defineEvent({
  name: 'score:decided',
  version: 1,
  owner: 'monitoring',
  description: 'A doctor decided on the NEWS2 of a patient: its scale of SpO2, or that it does not apply.',
  stream: 'CARE',
  subject: `${care}.score.decided`,
  data: Shape({ ...decisionSchema.properties, wardId: Nullable(Id('Ward')) }),
});

const { risk: _risk, scale: _scale, ...boundsFields } = scoreSchema.properties;
const mewsSchema = Shape(boundsFields, 'MEWS (Subbe et al., QJM 2001), 0–14');

export const calculateMews = defineQuery({
  name: 'mews:calculate',
  version: 1,
  owner: 'monitoring',
  description: 'MEWS (Subbe et al., QJM 2001) of what is given, with bounds for what is not.',
  input: Shape({
    systolic: Measured('systolic'),
    heartRate: Measured('heartRate'),
    respirationRate: Measured('respirationRate'),
    temperature: Measured('temperature'),
    consciousness: Type.Optional(OneOf(consciousnessLevels, 'ACVPU; C counts as V')),
  }),
  result: mewsSchema,
  allow: [{ roles: ['patient', 'caregiver', ...staffRoles, 'operator', 'admin', 'device'], relation: 'hospital' }],
  unlimited: true,
  http: { method: 'POST', path: '/v1/mews' },
});

const scoreTables = ['NEWS2', 'MEWS'] as const;
export type ScoreTableName = (typeof scoreTables)[number];
const stating = {
  patientId: PatientId,
  table: OneOf(scoreTables, 'Which score'),
  stated: Type.Integer({ minimum: 0, maximum: 20, description: 'The total, as it was stated; of MEWS at most 14' }),
  at: Instant('Of the assessment'),
  source: Type.String({ minLength: 1, maxLength: 100, description: 'Who or what computed it' }),
};
export const statedSchema = Shape({
  ...stating,
  lower: Nullable(Type.Integer({ description: 'Ours of that time, at least; null where we could not score' })),
  upper: Nullable(Type.Integer({ description: 'Ours of that time, at most' })),
  differs: Nullable(Type.Boolean({ description: 'Outside our bounds; null where we could not score' })),
  by: Id('Who handed it in'),
});
export type StatedScore = Static<typeof statedSchema>;

export const stateScore = defineCommand({
  name: 'score:state',
  version: 1,
  owner: 'monitoring',
  description:
    'Keeps a total that somebody else computed, beside ours of the same time, and says whether they differ. It raises nothing.',
  lane: 'normal',
  input: Shape(stating),
  result: statedSchema,
  maxAgeMs: commandAgesMs['score:state'],
  allow: [
    { roles: staffRoles, relation: 'wardOfPatient', field: 'patientId' },
    { roles: ['device', 'service'], relation: 'hospital' },
  ],
  http: { method: 'POST', path: '/v1/patients/:patientId/stated-scores' },
});

export const scoreStated = defineEvent({
  name: 'score:stated',
  version: 1,
  owner: 'monitoring',
  description: 'Somebody else’s total was handed in, and compared with ours.',
  stream: 'CARE',
  subject: `${care}.score.stated`,
  data: Shape({ ...statedSchema.properties, wardId: Nullable(Id('Ward')) }),
});

export const getScores = defineQuery({
  name: 'score:get',
  version: 1,
  owner: 'monitoring',
  description:
    'The scores of a patient at a time, by all that is known of that time today, on the scale that was in force then; and the newest 10 totals that others stated.',
  input: Shape({ patientId: PatientId, at: Type.Optional(Instant('Now where absent')) }),
  result: Shape({
    at: Instant('Of the scores'),
    withheld: Type.Optional(withheldSchema),
    news2: Nullable(scoreSchema),
    mews: Nullable(mewsSchema),
    stated: Type.Array(statedSchema, { description: 'Newest first' }),
  }),
  allow: mayReadPatient('patientId'),
  http: { method: 'GET', path: '/v1/patients/:patientId/scores' },
});
