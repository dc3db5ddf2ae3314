/** `alert-escalation`: how quickly alarms were answered, from the record of each. */
import { defineQuery } from './define.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

export const maxResponseDays = 31;
/** Counted in about 2 s. */
export const maxResponseAlerts = 30_000;

/** From the one fact to the other: the condition was measured, became active, the alert was opened, its first page left. */
export const responseHops = [
  'measured_active',
  'active_opened',
  'measured_opened',
  'opened_paged',
  'paged_delivered',
  'paged_displayed',
  'opened_accepted',
  'opened_acknowledged',
  'opened_resolved',
] as const;

const Count = (description: string) => Type.Integer({ minimum: 0, description });
const Milliseconds = (description: string) => Type.Integer({ description });
const Share = (description: string) => Nullable(Type.Number({ minimum: 0, maximum: 1, description }));
const figures = {
  alerts: Count('Opened in that time'),
  hops: Type.Array(
    Shape({
      hop: OneOf(responseHops, 'From the one to the other, the first time of each'),
      count: Count('Alerts that came so far'),
      p50Ms: Milliseconds('Median'),
      p95Ms: Milliseconds('95th percentile'),
      p99Ms: Milliseconds('99th percentile'),
    }),
    { description: 'In the order of the way; those that no alert has passed are left out' },
  ),
  firstLevelShare: Share('Of those that were acknowledged: while no more than the first level was called'),
  escalationsPer100: Nullable(
    Type.Number({ minimum: 0, description: 'Levels beyond the first that were started, a hundred alerts' }),
  ),
  notActionableShare: Share('Of those of which somebody said whether there was anything to do'),
};
export const responseGroupSchema = Shape({
  group: Nullable(Type.String({ description: 'Ward, priority or name of the shift; null for alerts without a ward' })),
  ...figures,
});
export type ResponseGroup = Static<typeof responseGroupSchema>;

export const getResponse = defineQuery({
  name: 'response:figures',
  version: 1,
  owner: 'alert-escalation',
  description:
    `How quickly the alerts of up to ${maxResponseDays} days were answered, hop by hop. More than ` +
    `${maxResponseAlerts.toLocaleString('en')} alerts are \`too_large\`: ask for less time, or for one ward.`,
  input: Shape({
    from: Instant('From, inclusive'),
    to: Instant('To, exclusive'),
    wardId: Type.Optional(Id('Only of this ward')),
    by: OneOf(['ward', 'priority', 'shift'], 'What makes a group; a shift is that in which an alert was opened'),
  }),
  result: Shape({
    total: Shape(figures),
    groups: Type.Array(responseGroupSchema),
    pagesPerNurseHour: Nullable(
      Type.Number({ minimum: 0, description: 'Pages of nurses an hour that a nurse was on shift; null without any' }),
    ),
  }),
  allow: [{ roles: ['doctor', 'operator', 'admin'], relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/response' },
});
