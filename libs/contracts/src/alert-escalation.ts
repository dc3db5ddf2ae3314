/** `alert-escalation`: one open alert a condition, paged level by level until somebody answers. */
import { commandAgesMs } from './command-ages.ts';
import {
  defineCommand,
  defineConsumer,
  defineEvent,
  defineQuery,
  defineRoom,
  roles,
  staffRoles,
  type Lane,
  type Role,
} from './define.ts';
import { followDirectory } from './directory.ts';
import { conditionChanged, conditionCleared, conditionRaised, priorities } from './monitoring.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

const everybody: readonly Role[] = ['patient', 'caregiver', ...staffRoles, 'operator', 'admin'];

const Kind = Type.String({
  pattern: '^[a-zA-Z][A-Za-z0-9_-]{0,63}$',
  description: 'What it is about: `sos`, `fall`, `spo2-below`; one open alert a patient (or ward) and kind',
  examples: ['fall'],
});
const Message = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'For people',
  examples: ['Found on the floor'],
});
const Reason = Type.Optional(Type.String({ maxLength: 500, description: 'Why' }));
const AlertId = Shape({ alertId: Id('Alert') });

export const alertStates = ['open', 'acknowledged', 'resolved'] as const;
export const presences = ['on', 'ack', 'latched', 'off'] as const;
export const pageStatuses = ['paged', 'accepted', 'acknowledged', 'declined', 'withdrawn'] as const;
export const holdKinds = ['silence', 'inhibition'] as const;
/** What a person says of an alert that he closes. */
export const outcomes = ['actionable', 'notActionable'] as const;

export const pageSchema = Shape({
  person: Id('Who was paged'),
  level: Type.Integer({ minimum: 1, description: 'The level that paged him, from 1' }),
  at: Instant('When'),
  status: OneOf(pageStatuses, 'What came of it'),
  deliveredAt: Type.Optional(Instant('When it came to a device of his; facts that stop no escalation')),
  displayedAt: Type.Optional(Instant('When he had it on his screen')),
  readAt: Type.Optional(Instant('When he read it')),
});

const alertFields = {
  alertId: Id('Alert'),
  patientId: Nullable(Id('Patient')),
  wardId: Nullable(Id('Ward')),
  kind: Kind,
  priority: OneOf(priorities, 'IEC 60601-1-8'),
  message: Message,
  state: OneOf(alertStates, 'open until somebody answers'),
  presence: OneOf(presences, 'FHIR R6 DeviceAlert: condition × acknowledgement'),
  level: Type.Integer({ minimum: 0, description: 'The highest level that was started; 0 before the first' }),
  openedAt: Instant('When it was opened'),
  version: Type.Integer({ minimum: 1, description: 'Grows with each change' }),
  pages: Type.Array(pageSchema, {
    description: 'Of the current run, newest attempt of each level and person; at most 50, of a page his own first',
  }),
  pageCount: Type.Optional(Type.Integer({ minimum: 0, description: 'How many there are' })),
  answers: Type.Optional(
    Shape({
      needed: Type.Integer({ minimum: 1, description: 'How many must be coming in all' }),
      accepted: Type.Array(Id('Person'), { description: 'Who is coming, in the order in which they said so' }),
      arrived: Type.Array(Id('Person'), { description: 'Who said that he is there' }),
    }),
  ),
  acknowledgedBy: Type.Optional(Nullable(Id('Who owns it: the first who said that he comes'))),
  acknowledgedUntil: Type.Optional(Nullable(Instant('It comes back then, if its condition lasts'))),
  held: Type.Optional(
    Nullable(
      Shape({
        kind: OneOf(holdKinds, 'Why it calls nobody'),
        by: Id('Silence, or the alert that explains it'),
        until: Instant('Looked at again then'),
      }),
    ),
  ),
  policyId: Type.Optional(Id('Policy by which it runs, as it was when the alert was opened')),
  policyVersion: Type.Optional(Type.Integer({ minimum: 0, description: '0: the built-in one' })),
  outcome: Type.Optional(OneOf(outcomes, 'What whoever closed it said of it')),
};
const timelineSchema = Shape({
  at: Instant('When'),
  kind: Type.String({
    description:
      'opened, merged, level, reachLimited, accepted, acknowledged, snoozed, declined, arrived, escalated, ackExpired, held, released, relieved, handover, entered, moved, cleared, reactivated, priority, resolved; of a page delivered, displayed, read',
  }),
  actor: Type.Optional(Id('Who; absent for the engine')),
  level: Type.Optional(Type.Integer({ description: 'Level of the policy' })),
  people: Type.Optional(Type.Array(Id('Person'), { description: 'Who was paged' })),
  reason: Type.Optional(Type.String({ description: 'Why' })),
  until: Type.Optional(Instant('How long it lasts: of snoozed and held')),
});
export type TimelineEntry = Static<typeof timelineSchema>;

/** As events and lists carry it. */
export const alertSummarySchema = Shape(alertFields);
/** As a single read answers it. */
export const alertSchema = Shape({
  ...alertFields,
  timeline: Type.Array(timelineSchema, { description: 'What happened, oldest first' }),
});
export type AlertSummary = Static<typeof alertSummarySchema>;
export type Alert = Static<typeof alertSchema>;

/** Staff of the ward, and who was paged: only the alert tells. */
const answer = [{ roles: [...staffRoles, 'operator', 'admin'] as const, relation: 'entity' as const }];

export const raiseAlert = defineCommand({
  name: 'alert:raise',
  version: 1,
  owner: 'alert-escalation',
  description: 'Opens an alert, or joins the open one of the same patient (or ward) and kind.',
  lane: 'critical',
  input: Shape({
    patientId: Type.Optional(Id('Patient; for a patient himself where absent')),
    wardId: Type.Optional(Id('Ward; the patient’s where absent')),
    kind: Kind,
    priority: OneOf(priorities, 'IEC 60601-1-8'),
    message: Message,
  }),
  result: alertSchema,
  maxAgeMs: commandAgesMs['alert:raise'],
  allow: [{ roles: ['patient', 'caregiver', ...staffRoles], relation: 'entity' }],
  http: { method: 'POST', path: '/v1/alerts', status: 201 },
});

export const acknowledgeAlert = defineCommand({
  name: 'alert:acknowledge',
  version: 1,
  owner: 'alert-escalation',
  description:
    'Says that the caller comes. When as many as its level needs have said so, the alert is taken: the next levels are not started. It comes back if the condition outlasts it.',
  lane: 'critical',
  input: AlertId,
  result: alertSchema,
  maxAgeMs: commandAgesMs['alert:acknowledge'],
  allow: answer,
  http: { method: 'POST', path: '/v1/alerts/:alertId/acknowledge' },
});

export const declineAlert = defineCommand({
  name: 'alert:decline',
  version: 1,
  owner: 'alert-escalation',
  description:
    'Says that the caller cannot come. When too few are left who may, the next level starts at once. `conflict` for who is not called.',
  lane: 'critical',
  input: Shape({ ...AlertId.properties, reason: Reason }),
  result: alertSchema,
  maxAgeMs: commandAgesMs['alert:decline'],
  allow: answer,
  http: { method: 'POST', path: '/v1/alerts/:alertId/decline' },
});

export const resolveAlert = defineCommand({
  name: 'alert:resolve',
  version: 1,
  owner: 'alert-escalation',
  description:
    'Closes the alert. If its condition is still active after the time of an acknowledgement, one opens anew.',
  lane: 'critical',
  input: Shape({
    ...AlertId.properties,
    reason: Reason,
    outcome: Type.Optional(OneOf(outcomes, 'Whether there was anything to do')),
  }),
  result: alertSchema,
  maxAgeMs: commandAgesMs['alert:resolve'],
  allow: [{ roles: ['nurse', 'doctor'], relation: 'entity' }],
  http: { method: 'POST', path: '/v1/alerts/:alertId/resolve' },
});

export const snoozeAlert = defineCommand({
  name: 'alert:snooze',
  version: 1,
  owner: 'alert-escalation',
  description:
    'Puts the alert off: for at most 2 min at high priority, 15 at medium, 60 at low, and once, twice, three times. It then calls from its first level.',
  lane: 'critical',
  input: Shape({
    ...AlertId.properties,
    seconds: Type.Integer({ minimum: 10, maximum: 3_600, description: 'How long' }),
    reason: Reason,
  }),
  result: alertSchema,
  maxAgeMs: commandAgesMs['alert:snooze'],
  allow: answer,
  http: { method: 'POST', path: '/v1/alerts/:alertId/snooze' },
});

export const escalateAlert = defineCommand({
  name: 'alert:escalate',
  version: 1,
  owner: 'alert-escalation',
  description:
    'Starts the next level now, or all up to `level`; the last one again when all were started. `conflict` if the alert is not any more as the caller saw it.',
  lane: 'critical',
  input: Shape({
    ...AlertId.properties,
    seenVersion: Type.Integer({ minimum: 1, description: '`version` of the alert that the caller saw' }),
    level: Type.Optional(Type.Integer({ minimum: 1, maximum: 20, description: 'Up to this one; the next if absent' })),
    reason: Reason,
  }),
  result: alertSchema,
  maxAgeMs: commandAgesMs['alert:escalate'],
  allow: answer,
  http: { method: 'POST', path: '/v1/alerts/:alertId/escalate' },
});

export const arriveAtAlert = defineCommand({
  name: 'alert:arrive',
  version: 1,
  owner: 'alert-escalation',
  description: 'Says that the caller is there: a fact that stops nothing by itself.',
  lane: 'critical',
  input: AlertId,
  result: alertSchema,
  maxAgeMs: commandAgesMs['alert:arrive'],
  allow: answer,
  http: { method: 'POST', path: '/v1/alerts/:alertId/arrive' },
});

export const listAlerts = defineQuery({
  name: 'alert:list',
  version: 1,
  owner: 'alert-escalation',
  description: 'Alerts that the caller may see, newest first, without timelines.',
  input: Shape({
    wardId: Type.Optional(Id('Ward')),
    patientId: Type.Optional(Id('Patient')),
    state: Type.Optional(OneOf(alertStates, 'State')),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: 'At most; 100 where absent' })),
    cursor: Type.Optional(Type.String({ maxLength: 100, description: '`next` of the page before' })),
  }),
  result: Shape({
    items: Type.Array(alertSummarySchema),
    next: Type.Optional(Type.String({ description: 'Give it as `cursor` for the next page; absent on the last' })),
  }),
  allow: [{ roles: everybody, relation: 'entity' }],
  http: { method: 'GET', path: '/v1/alerts' },
});

export const getAlert = defineQuery({
  name: 'alert:get',
  version: 1,
  owner: 'alert-escalation',
  description: 'One alert with its timeline.',
  input: AlertId,
  result: alertSchema,
  allow: [{ roles: everybody, relation: 'entity' }],
  http: { method: 'GET', path: '/v1/alerts/:alertId' },
});

const alertEvent = <const V extends string>(verb: V, description: string) =>
  defineEvent({
    name: `alert:${verb}`,
    version: 1,
    owner: 'alert-escalation',
    description,
    stream: 'CARE',
    subject: `care.<hospital>.<ward>.<patient>.<lane>.alert.${verb}`,
    data: alertSummarySchema,
  });
export const alertRaised = alertEvent('raised', 'An alert was opened, or came back.');
export const alertEscalated = alertEvent('escalated', 'The next level of an alert was started.');
export const alertAcknowledged = alertEvent('acknowledged', 'Somebody took the alert.');
export const alertDeclined = alertEvent('declined', 'Somebody who was paged cannot come.');
export const alertCleared = alertEvent('cleared', 'The condition behind an alert ended.');
export const alertResolved = alertEvent('resolved', 'An alert was closed.');
export const alertAccepted = alertEvent('accepted', 'Somebody comes, and more are needed.');
export const alertArrived = alertEvent('arrived', 'Somebody says that he is there.');
export const alertReleased = alertEvent('released', 'What held an alert is over: it calls now.');
export const alertEntered = alertEvent('entered', 'The patient came to this ward, and the alert with him.');
export const alertLeft = defineEvent({
  name: 'alert:left',
  version: 1,
  owner: 'alert-escalation',
  description: 'The patient left this ward: the alert is not of this ward any more, from this version on.',
  stream: 'CARE',
  subject: 'care.<hospital>.<ward>.<patient>.<lane>.alert.left',
  data: Shape({
    alertId: alertFields.alertId,
    patientId: alertFields.patientId,
    wardId: Nullable(Id('The ward that was left')),
    version: alertFields.version,
  }),
});

/**
 * Facts about people beside the state of the alert, whose version they leave as it is: whoever hears of one adds it to
 * that page, and keeps it whatever summary comes later.
 */
const receiptEvent = (verb: 'delivered' | 'displayed', description: string) =>
  defineEvent({
    name: `alert:${verb}`,
    version: 1,
    owner: 'alert-escalation',
    description: `${description} A fact beside the state: the version is the alert’s, and does not grow.`,
    stream: 'CARE',
    subject: `care.<hospital>.<ward>.<patient>.<lane>.alert.${verb}`,
    data: Shape({
      alertId: alertFields.alertId,
      patientId: alertFields.patientId,
      wardId: alertFields.wardId,
      pages: Type.Array(
        Shape({
          person: Id('Who was paged'),
          level: Type.Integer({ minimum: 1, description: 'The level that paged him' }),
          pagedAt: Instant('When he was: tells the attempts of a level apart'),
          at: Instant('When the gateway heard of it'),
        }),
      ),
    }),
  });
export const alertDelivered = receiptEvent('delivered', 'A page came to a device of the person who is called.');
export const alertDisplayed = receiptEvent('displayed', 'Somebody who is called had the page on his screen.');

const pageEvent = <const V extends string, E extends { ack?: true }>(verb: V, description: string, more: E) =>
  defineEvent({
    name: `page:${verb}`,
    version: 1,
    owner: 'alert-escalation',
    description,
    stream: 'PERSON',
    subject: `person.<hospital>.<person>.<lane>.page.${verb}`,
    data: Shape({
      alertId: Id('Alert'),
      level: Type.Integer({ minimum: 1, description: 'The level that pages' }),
      alert: alertSummarySchema,
    }),
    ...more,
  });
export const pageNew = pageEvent('new', 'This person is called to an alert.', { ack: true });
/** Nobody keeps who heard of it: no receipts. */
export const pageWithdrawn = pageEvent('withdrawn', 'The call is over: somebody took it, or it was closed.', {});

export const personRoom = defineRoom({
  name: 'person:<id>',
  version: 1,
  description: 'What is addressed to this person: pages, calls, notifications, reminders. Joined at connect.',
  stream: 'PERSON',
  filter: 'person.<hospital>.<id>.>',
  lane: 'critical',
  recovery: 'complete',
  allow: [{ roles, relation: 'self', field: 'id' }],
});
export const wardAlertsRoom = defineRoom({
  name: 'ward:<id>:alerts',
  version: 1,
  description: 'Alerts of a ward.',
  stream: 'CARE',
  filter: 'care.<hospital>.<id>.*.*.alert.*',
  lane: 'critical',
  recovery: 'complete',
  allow: [{ roles: staffRoles, relation: 'ward', field: 'id' }],
});
export const hospitalAlertsRoom = defineRoom({
  name: 'hospital:<id>:alerts',
  version: 1,
  description: 'Alerts of the whole hospital.',
  stream: 'CARE',
  filter: 'care.<id>.*.*.*.alert.*',
  lane: 'critical',
  recovery: 'complete',
  allow: [{ roles: ['operator', 'admin'], relation: 'hospital', field: 'id' }],
});

const conditionsOfLane = (lane: Lane) =>
  defineConsumer({
    name: `alert-escalation-conditions-${lane}`,
    service: 'alert-escalation',
    stream: 'CARE',
    filter: `care.*.*.*.${lane}.condition.*`,
    ackWaitMs: 4_000,
    events: [conditionRaised, conditionChanged, conditionCleared],
  });
/** PH has a durable of its own, so that it never waits behind PL. */
export const criticalConditions = conditionsOfLane('critical');
export const normalConditions = conditionsOfLane('normal');
export const directoryOfAlertEscalation = followDirectory('alert-escalation');
