/** `monitoring`: what has been. Vital signs over long times, and how many alarms people had to hear. */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineQuery, staffRoles, type Rule } from './define.ts';
import { rulesSchema } from './limits.ts';
import { mayReadPatient, priorities } from './monitoring.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';
import { numericVitals } from './vital-signs.ts';

/** As long as minutes are kept unless configured otherwise. */
export const maxSummaryDays = 400;

const Extreme = (description: string) =>
  Nullable(Shape({ value: Type.Number(), at: Instant('When it was measured first') }, description));
export const vitalSummarySchema = Shape({
  at: Instant('Where this part of the time begins'),
  count: Type.Integer({ minimum: 0, description: 'Good readings' }),
  suspect: Type.Integer({ minimum: 0, description: 'Suspect readings; they are in no other figure' }),
  mean: Nullable(Type.Number({ description: 'Of the good ones' })),
  lowest: Extreme('The lowest good reading; null where all are suspect'),
  highest: Extreme('The highest good reading; null where all are suspect'),
});
export type VitalSummary = Static<typeof vitalSummarySchema>;

const summaryResolutions = ['readings', 'minutes'] as const;
export type SummaryResolution = (typeof summaryResolutions)[number];

export const summariseVitals = defineQuery({
  name: 'vitals:summarise',
  version: 1,
  owner: 'monitoring',
  description:
    `One vital sign of a patient over up to ${maxSummaryDays} days, in equal parts of time. Each part names its lowest and ` +
    'highest reading with their times, so that none is lost however few parts there are. Readings of devices under test are left out. ' +
    'Parts of two minutes and more, and times whose single readings are not kept any more, are made of whole minutes: the first ' +
    'may then begin, and the last end, up to a minute outside of what was asked for.',
  input: Shape({
    patientId: Id('Patient'),
    vital: OneOf(numericVitals, 'Vital sign'),
    from: Instant('From, inclusive'),
    to: Instant('To, exclusive'),
    points: Type.Optional(
      Type.Integer({ minimum: 10, maximum: 1_000, description: 'Into how many parts, at most; 400 where absent' }),
    ),
  }),
  result: Shape({
    resolution: OneOf(summaryResolutions, 'What the parts are made of'),
    everySeconds: Type.Integer({ minimum: 1, description: 'How long each part is' }),
    items: Type.Array(vitalSummarySchema, { description: 'Oldest first; parts without readings are left out' }),
  }),
  allow: mayReadPatient('patientId'),
  http: { method: 'GET', path: '/v1/patients/:patientId/vitals/summary' },
});

/** Whoever answers for a ward reads its figures, operators those of the hospital. */
const mayReadWard: Rule[] = [
  { roles: staffRoles, relation: 'ward', field: 'wardId' },
  { roles: ['operator', 'admin'], relation: 'hospital' },
];

const perBedDay = {
  bedDays: Type.Number({ minimum: 0, description: 'Time in which patients lay there, in days of 24 h' }),
  alarms: Type.Integer({ minimum: 0, description: 'Alarm conditions that began, without technical ones' }),
  alarmsPerBedDay: Nullable(Type.Number({ description: 'Null where nobody lay there' })),
};

export const exposureWindowMinutes = 120;
const exposureSchema = Shape(
  {
    p50: Type.Integer(),
    p90: Type.Integer(),
    max: Type.Integer(),
    under30: Type.Integer({ description: 'Alarms with fewer than 30 before them' }),
    from30to79: Type.Integer(),
    from80: Type.Integer({ description: 'Alarms with 80 or more before them' }),
  },
  `For each alarm, how many the same patient had in the ${exposureWindowMinutes} minutes before it (Bonafide et al., J Hosp Med 2015)`,
);
export type Exposure = Static<typeof exposureSchema>;

export const maxLoadDays = 31;
export const repeatedWithinMinutes = 10;
export const alarmLoadSchema = Shape({
  ...perBedDay,
  technical: Type.Integer({ minimum: 0, description: 'Conditions about the measuring, counted nowhere else' }),
  repeated: Type.Integer({
    description: `Began within ${repeatedWithinMinutes} min of the end of one of the same kind and patient`,
  }),
  judged: Type.Integer({ description: 'Of which somebody said whether anything was to be done' }),
  notActionable: Type.Integer({ description: 'Of which somebody said that nothing was' }),
  byKind: Type.Array(Shape({ kind: Type.String(), alarms: Type.Integer() }), { description: 'Most frequent first' }),
  byPriority: Type.Array(Shape({ priority: OneOf(priorities, 'Highest that it had'), alarms: Type.Integer() })),
  exposure: exposureSchema,
  exposureNotActionable: Shape(exposureSchema.properties, 'The same, of those before it that were not actionable'),
});
export type AlarmLoad = Static<typeof alarmLoadSchema>;

export const getAlarmLoad = defineQuery({
  name: 'alarmLoad:get',
  version: 1,
  owner: 'monitoring',
  description: `How many alarms a ward or the hospital had, over up to ${maxLoadDays} days, by when they were measured.`,
  input: Shape({
    wardId: Type.Optional(Id('Ward; the whole hospital where absent')),
    from: Instant('From, inclusive'),
    to: Instant('To, exclusive'),
  }),
  result: alarmLoadSchema,
  allow: mayReadWard,
  http: { method: 'GET', path: '/v1/alarm-load' },
});

export const maxReplayDays = 31;
/** Of one hospital: each reads all that was measured in its time. */
export const maxReplays = 3;
const replayFields = {
  wardId: Type.Optional(Id('Ward; the whole hospital where absent')),
  from: Instant('From, inclusive'),
  to: Instant('To, exclusive'),
  ...rulesSchema.properties,
};
const maySetLimits: Rule[] = [
  { roles: ['doctor'], relation: 'ward', field: 'wardId' },
  { roles: ['operator', 'admin'], relation: 'hospital' },
];
const alarmsByKind = { ...perBedDay, byKind: alarmLoadSchema.properties.byKind };

export const replaySchema = Shape({
  replayId: Id('Replay'),
  ...replayFields,
  state: OneOf(['running', 'done', 'failed'] as const, 'Failed: a stay could not be replayed; its figures are missing'),
  stays: Type.Integer({ minimum: 0, description: 'Times that a patient lay there' }),
  doneStays: Type.Integer({ minimum: 0, description: 'Of these, how many have been replayed' }),
  would: Shape(alarmsByKind, 'What these rules would have done, in the stays that have been replayed'),
  did: Shape(alarmsByKind, 'What the rules of then did, in all of the time; without scores'),
});
export type Replay = Static<typeof replaySchema>;

export const startReplay = defineCommand({
  name: 'replay:start',
  version: 1,
  owner: 'monitoring',
  description:
    `Replays what is stored of up to ${maxReplayDays} days through other rules, by the engine that judges live. It takes minutes; ` +
    `\`replay:get\` tells how far it is. At most ${maxReplays} of a hospital at a time. Forgotten after 30 days.`,
  lane: 'normal',
  input: Shape(replayFields),
  result: Shape({ replayId: Id('Replay'), stays: replaySchema.properties.stays }),
  maxAgeMs: commandAgesMs['replay:start'],
  allow: maySetLimits,
  http: { method: 'POST', path: '/v1/replays', status: 201 },
});

export const getReplay = defineQuery({
  name: 'replay:get',
  version: 1,
  owner: 'monitoring',
  description: 'How far a replay is, and how many alarms there would have been beside those that there were.',
  input: Shape({ replayId: Id('Replay') }),
  result: replaySchema,
  allow: [
    { roles: ['doctor'], relation: 'entity', field: 'replayId' },
    { roles: ['operator', 'admin'], relation: 'hospital' },
  ],
  http: { method: 'GET', path: '/v1/replays/:replayId' },
});
