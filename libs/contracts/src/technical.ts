/**
 * Whether alarms are escalated at all. The engines of `alert-escalation` say every 2 s what they see, by a signal; each
 * gateway judges that, and their silence, by itself. So it is told while PostgreSQL, NATS or every engine is away.
 */
import { defineQuery, defineStateRoom, staffRoles, type Rule } from './define.ts';
import { Id, Instant, OneOf, Shape, Type, type Static } from './schema.ts';

/** What is wrong, in the words of those who mend it. */
export const technicalKinds = {
  silent: 'No engine of escalation was heard of for 8 s: none runs, or NATS is away',
  database: 'An engine gets no answer from PostgreSQL',
  loopStopped: 'A timer of an engine does not turn',
  overdueHigh: 'Alerts of high priority are more than 5 s overdue',
  overdue: 'Other alerts are more than 15 s overdue',
  outboxLag: 'Pages that were decided have not been published for more than 5 s',
  clockStep: 'The clock of PostgreSQL has stepped by more than 2 s in the last 10 min',
  noCoverage: 'A ward has nobody but the failsafe whom an alarm of high priority would call',
  unknownZone: 'The time zone of an on-call schedule is not known to this release: by its turns nobody is on call',
  canary: 'The alert by which the whole way is tried did not come through, twice',
} as const;
export type TechnicalKind = keyof typeof technicalKinds;
const Kind = OneOf(
  Object.keys(technicalKinds) as TechnicalKind[],
  Object.entries(technicalKinds)
    .map(([kind, meaning]) => `\`${kind}\`: ${meaning}`)
    .join('. '),
);
const finding = {
  kind: Kind,
  since: Instant('Since when, as far as is known'),
  detail: Type.String({ maxLength: 300, description: 'For those who mend it' }),
};

export const technicalAlarmSchema = Shape({
  ...finding,
  isStopped: Type.Boolean({ description: 'Whether alarms may reach nobody by this: people are to be called by phone' }),
});
export type TechnicalAlarm = Static<typeof technicalAlarmSchema>;

/** Those beyond are not told; each has one finding a kind and hospital. */
export const maxFindings = 1_000;
/** What an engine sees of itself, and of the plans by which it calls. */
export const beatSchema = Shape({
  instance: Type.String({ maxLength: 128, description: 'Of the engine, another after each start' }),
  findings: Type.Array(
    Shape({ ...finding, hospital: Type.Optional(Id('To whose people alone it is told; to everybody where absent')) }),
    { maxItems: maxFindings, description: 'What is wrong; none where all is well' },
  ),
});
export type Beat = Static<typeof beatSchema>;
export type Finding = Beat['findings'][number];
/** A signal on core NATS: worthless when the next one comes. */
export const beatSubject = 'sig.beat.alert-escalation';
export const beatEveryMs = 2_000;

const alarmsSchema = Shape({
  alarms: Type.Array(technicalAlarmSchema, { description: 'As of now; none where all is well' }),
});
export type TechnicalState = Static<typeof alarmsSchema>;
const allow = [...staffRoles, 'operator', 'admin'] as const satisfies Rule['roles'];

export const technicalChanged = {
  name: 'technical:changed',
  description: 'All technical alarms as of now.',
  data: alarmsSchema,
} as const;
export const technicalRoom = defineStateRoom({
  name: 'technical:<id>',
  version: 1,
  description: 'Whether alarms are escalated at all, as the gateway sees it. `<id>` is the hospital.',
  lane: 'bulk',
  data: alarmsSchema,
  events: [technicalChanged],
  allow: [{ roles: allow, relation: 'hospital', field: 'id' }],
});

export const getTechnical = defineQuery({
  name: 'technical:get',
  version: 1,
  owner: 'gateway',
  servedBy: 'gateway',
  description: 'Whether alarms are escalated at all, as the gateway sees it that is asked.',
  input: Shape({}),
  result: alarmsSchema,
  allow: [{ roles: allow, relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/technical' },
});
