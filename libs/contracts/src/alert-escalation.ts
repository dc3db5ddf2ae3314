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
export const pageStatuses = ['paged', 'acknowledged', 'declined', 'withdrawn'] as const;

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
  pages: Type.Array(pageSchema, { description: 'Of the current run, newest attempt of each level and person' }),
};
const timelineSchema = Shape({
  at: Instant('When'),
  kind: Type.String({
    description:
      'opened, merged, level, acknowledged, declined, ackExpired, cleared, reactivated, priority, resolved; of a page delivered, displayed, read',
  }),
  actor: Type.Optional(Id('Who; absent for the engine')),
  level: Type.Optional(Type.Integer({ description: 'Level of the policy' })),
  people: Type.Optional(Type.Array(Id('Person'), { description: 'Who was paged' })),
  reason: Type.Optional(Type.String({ description: 'Why' })),
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
  description: 'Takes the alert: the next levels are not started. It comes back if the condition outlasts it.',
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
  description: 'Says that the caller cannot come. When all who were paged decline, the next level starts at once.',
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
  input: Shape({ ...AlertId.properties, reason: Reason }),
  result: alertSchema,
  maxAgeMs: commandAgesMs['alert:resolve'],
  allow: [{ roles: ['nurse', 'doctor'], relation: 'entity' }],
  http: { method: 'POST', path: '/v1/alerts/:alertId/resolve' },
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

export const targetKinds = ['bedNurse', 'wardRole', 'person', 'failsafe'] as const;
export const targetSchema = Shape({
  kind: OneOf(targetKinds, 'Who is meant'),
  role: Type.Optional(OneOf(roles, 'With wardRole: the role; with failsafe: operator where absent')),
  person: Type.Optional(Id('With person')),
});
export const policySchema = Shape({
  levels: Type.Array(
    Shape({
      afterSeconds: Type.Number({ minimum: 0, maximum: 86_400, description: 'After the alert was opened' }),
      targets: Type.Array(targetSchema, { minItems: 1, maxItems: 20 }),
    }),
    { minItems: 1, maxItems: 20 },
  ),
  repeatSeconds: Type.Number({
    minimum: 5,
    maximum: 86_400,
    description: 'The last level again, while the alert is on',
  }),
});
export type Policy = Static<typeof policySchema>;
export type Target = Static<typeof targetSchema>;

const mayWritePolicy = [{ roles: ['doctor', 'admin'] as const, relation: 'hospital' as const }];
export const getPolicy = defineQuery({
  name: 'policy:get',
  version: 1,
  owner: 'alert-escalation',
  description: 'An escalation policy.',
  input: Shape({ policyId: Id('Policy') }),
  result: policySchema,
  allow: [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/policies/:policyId' },
});
export const setPolicy = defineCommand({
  name: 'policy:set',
  version: 1,
  owner: 'alert-escalation',
  description: 'Replaces an escalation policy. Running alerts keep the one they began with.',
  lane: 'normal',
  input: Shape({ policyId: Id('Policy'), ...policySchema.properties }),
  result: policySchema,
  maxAgeMs: commandAgesMs['policy:set'],
  allow: mayWritePolicy,
  http: { method: 'PUT', path: '/v1/policies/:policyId' },
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
