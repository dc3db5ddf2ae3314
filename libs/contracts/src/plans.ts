/** On call and coverage: groups, schedules with their overrides, and who is missing in the days to come. */
import { commandAgesMs } from './command-ages.ts';
import { defineCommand, defineQuery, roles, staffRoles } from './define.ts';
import { priorities } from './monitoring.ts';
import { Id, Instant, Nullable, OneOf, Shape, Type, type Static } from './schema.ts';

const Version = Type.Integer({ minimum: 1, description: 'Grows with each change' });
const Name = Type.String({ minLength: 1, maxLength: 100, description: 'For people' });
const LocalDate = Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', description: 'Day in the time zone' });
const WallTime = Type.String({
  pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
  description: 'Time of the clock on the wall, in the time zone',
  examples: ['07:00'],
});
const common = { version: 1, owner: 'alert-escalation' } as const;
const planners = [{ roles: ['doctor', 'operator', 'admin'], relation: 'hospital' }] as const;
const readers = [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' }] as const;
const IfVersion = Type.Optional(
  Type.Integer({
    minimum: 0,
    description: 'Refused with `conflict` if it has another version meanwhile; 0 for one that must be new',
  }),
);

const group = {
  name: Name,
  people: Type.Array(Id('Person'), { maxItems: 1_000, uniqueItems: true, description: 'Its members' }),
  isCalledOffShift: Type.Optional(
    Type.Boolean({ description: 'Whether members are called who are not on shift; no where absent' }),
  ),
};
export const groupSchema = Shape({ groupId: Id('Group'), version: Version, ...group });
export type Group = Static<typeof groupSchema>;

export const setGroup = defineCommand({
  ...common,
  name: 'group:set',
  description: 'Replaces a group that policies may call, such as the code team. At most 200 a hospital.',
  lane: 'normal',
  input: Shape({ groupId: Id('Group'), ifVersion: IfVersion, ...group }),
  result: groupSchema,
  maxAgeMs: commandAgesMs['group:set'],
  allow: [{ roles: ['admin'], relation: 'hospital' }],
  http: { method: 'PUT', path: '/v1/groups/:groupId' },
});
export const listGroups = defineQuery({
  ...common,
  name: 'group:list',
  description: 'The groups of the hospital by id.',
  input: Shape({ cursor: Type.Optional(Id('`next` of the page before')) }),
  result: Shape({
    items: Type.Array(groupSchema),
    next: Type.Optional(Id('Give it as `cursor` for the next page; absent on the last')),
  }),
  allow: readers,
  http: { method: 'GET', path: '/v1/groups' },
});
export const removeGroup = defineCommand({
  ...common,
  name: 'group:remove',
  description: 'Removes a group; refused with `conflict` while a policy names it.',
  lane: 'normal',
  input: Shape({ groupId: Id('Group'), ifVersion: IfVersion }),
  result: Shape({ groupId: Id('Group') }),
  maxAgeMs: commandAgesMs['group:remove'],
  allow: [{ roles: ['admin'], relation: 'hospital' }],
  http: { method: 'DELETE', path: '/v1/groups/:groupId' },
});
export const callablePersonSchema = Shape({
  personId: Id('Person'),
  name: Type.String({ description: 'Name, for people' }),
  roles: Type.Array(OneOf(roles, 'Role')),
});
export const listCallable = defineQuery({
  ...common,
  name: 'person:callable',
  description:
    'People whom policies, groups and schedules may name, by name: the first 50; or all whom a group, schedule or policy names.',
  input: Shape({
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'Part of the name, or the whole id' }),
    ),
    group: Type.Optional(Id('Members of this group')),
    schedule: Type.Optional(Id('Who takes turns in this schedule, or steps in')),
    policy: Type.Optional(Id('Whom this policy names')),
  }),
  result: Shape({
    items: Type.Array(callablePersonSchema),
    hasMore: Type.Boolean({ description: 'Whether there are more than these' }),
  }),
  allow: readers,
  http: { method: 'GET', path: '/v1/callable-people' },
});

const layerSchema = Shape({
  people: Type.Array(Id('Person'), { minItems: 1, maxItems: 100, description: 'Who takes turns, in this order' }),
  startsOn: LocalDate,
  handOverAt: WallTime,
  everyDays: Type.Integer({
    minimum: 1,
    maximum: 366,
    description: 'Length of a turn in days of the calendar; 7 for weeks',
  }),
  hours: Type.Optional(
    Type.Array(
      Shape({
        weekdays: Type.Array(Type.Integer({ minimum: 1, maximum: 7, description: '1 is Monday' }), {
          minItems: 1,
          maxItems: 7,
          uniqueItems: true,
        }),
        from: WallTime,
        until: WallTime,
      }),
      {
        minItems: 1,
        maxItems: 14,
        description:
          'Only then; an end that is not after its beginning is of the next day. Round the clock where absent',
      },
    ),
  ),
});
const schedule = {
  name: Name,
  timeZone: Type.String({
    pattern: '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$',
    maxLength: 64,
    description: 'IANA time zone, by which hand-overs keep their time on the wall through daylight saving',
    examples: ['Europe/London'],
  }),
  layers: Type.Array(layerSchema, { minItems: 1, maxItems: 10, description: 'A later one wins where it has somebody' }),
};
export const overrideSchema = Shape({
  overrideId: Id('Override'),
  person: Id('Who is on call instead'),
  from: Instant('Start'),
  until: Instant('End'),
});
export const scheduleSchema = Shape({ scheduleId: Id('Schedule'), version: Version, ...schedule });
export type Layer = Static<typeof layerSchema>;
export type Schedule = Static<typeof scheduleSchema>;
export type Override = Static<typeof overrideSchema>;

const WithOverrides = Shape({
  ...scheduleSchema.properties,
  overrides: Type.Array(overrideSchema, { description: 'Those that are not over, the later made one last: it wins' }),
});
export const setSchedule = defineCommand({
  ...common,
  name: 'schedule:set',
  description: 'Replaces an on-call schedule. Its overrides stay. At most 200 a hospital.',
  lane: 'normal',
  input: Shape({ scheduleId: Id('Schedule'), ifVersion: IfVersion, ...schedule }),
  result: scheduleSchema,
  maxAgeMs: commandAgesMs['schedule:set'],
  allow: planners,
  http: { method: 'PUT', path: '/v1/schedules/:scheduleId' },
});
export const removeSchedule = defineCommand({
  ...common,
  name: 'schedule:remove',
  description: 'Removes a schedule; refused with `conflict` while a policy names it.',
  lane: 'normal',
  input: Shape({ scheduleId: Id('Schedule'), ifVersion: IfVersion }),
  result: Shape({ scheduleId: Id('Schedule') }),
  maxAgeMs: commandAgesMs['schedule:remove'],
  allow: planners,
  http: { method: 'DELETE', path: '/v1/schedules/:scheduleId' },
});
export const getSchedule = defineQuery({
  ...common,
  name: 'schedule:get',
  description: 'An on-call schedule with its overrides.',
  input: Shape({ scheduleId: Id('Schedule') }),
  result: WithOverrides,
  allow: readers,
  http: { method: 'GET', path: '/v1/schedules/:scheduleId' },
});
export const overrideSchedule = defineCommand({
  ...common,
  name: 'schedule:override',
  description:
    'Puts somebody on call instead for a time of at most 31 days; of two that overlap the later made one wins.',
  lane: 'normal',
  input: Shape({
    scheduleId: Id('Schedule'),
    person: Id('Who is on call instead'),
    from: Instant('Start'),
    until: Instant('End; at most 366 days ahead'),
  }),
  result: overrideSchema,
  maxAgeMs: commandAgesMs['schedule:override'],
  allow: planners,
  http: { method: 'POST', path: '/v1/schedules/:scheduleId/overrides', status: 201 },
});
export const endOverride = defineCommand({
  ...common,
  name: 'schedule:endOverride',
  description: 'Takes an override back.',
  lane: 'normal',
  input: Shape({ scheduleId: Id('Schedule'), overrideId: Id('Override') }),
  result: Shape({ overrideId: Id('Override') }),
  maxAgeMs: commandAgesMs['schedule:endOverride'],
  allow: planners,
  http: { method: 'DELETE', path: '/v1/schedules/:scheduleId/overrides/:overrideId' },
});
export const turnSchema = Shape({
  from: Instant('Start'),
  until: Instant('End'),
  person: Nullable(Id('Who is on call; null for nobody')),
});
export const listTurns = defineQuery({
  ...common,
  name: 'schedule:turns',
  description: 'Who is on call when, without gaps; seven days from now where nothing is given, at most 31 days.',
  input: Shape({
    scheduleId: Id('Schedule'),
    from: Type.Optional(Instant('Start')),
    until: Type.Optional(Instant('End')),
  }),
  result: Shape({ items: Type.Array(turnSchema) }),
  allow: readers,
  http: { method: 'GET', path: '/v1/schedules/:scheduleId/turns' },
});
export const previewTurns = defineQuery({
  ...common,
  name: 'schedule:preview',
  description:
    'Who would be on call in the next 14 days by layers that are not saved; with the overrides of the schedule, where it is given.',
  input: Shape({
    scheduleId: Type.Optional(Id('Schedule of which the layers are meant')),
    timeZone: schedule.timeZone,
    layers: schedule.layers,
  }),
  result: Shape({ items: Type.Array(turnSchema) }),
  allow: planners,
});
export const listOnCall = defineQuery({
  ...common,
  name: 'schedule:onCall',
  description: 'Who is on call now and until when, by schedule.',
  input: Shape({}),
  result: Shape({
    items: Type.Array(
      Shape({
        scheduleId: Id('Schedule'),
        name: Name,
        person: Nullable(Id('Who is on call; null for nobody')),
        personName: Nullable(Type.String({ description: 'His name' })),
        until: Instant('Until then; looked at for the next 31 days'),
      }),
    ),
  }),
  allow: readers,
  http: { method: 'GET', path: '/v1/on-call' },
});

export const gapSchema = Shape({
  wardId: Id('Ward'),
  priority: OneOf(priorities, 'Of the alerts that would call too few'),
  policyId: Id('Policy by which they would run'),
  from: Instant('Start'),
  until: Instant('End'),
  reaches: OneOf(
    ['failsafeOnly', 'nobody'],
    'Only the failsafe would be called, or not even that: then every level is empty',
  ),
});
export type Gap = Static<typeof gapSchema>;
export const reportCoverage = defineQuery({
  ...common,
  name: 'coverage:report',
  description:
    'When in the time given (seven days from now; at most 31 days) an alert of a ward would call nobody but the failsafe, by shifts, schedules and groups as they are planned. Nothing is said of those whom no plan names: the patient’s own nurse stands for any nurse of the ward, the nearest for the role.',
  input: Shape({
    from: Type.Optional(Instant('Start; now where absent')),
    until: Type.Optional(Instant('End')),
    wardId: Type.Optional(Id('Of this ward only')),
    cursor: Type.Optional(Id('`next` of the page before')),
  }),
  result: Shape({
    from: Instant('Start'),
    until: Instant('End'),
    wards: Type.Array(Shape({ wardId: Id('Ward'), name: Name }), { description: 'Those that were looked at' }),
    gaps: Type.Array(gapSchema, { description: 'By ward, priority, policy and time' }),
    next: Type.Optional(Id('Give it as `cursor` for the wards that are left; absent when there are none')),
  }),
  allow: [{ roles: [...staffRoles, 'operator', 'admin'], relation: 'hospital' }],
  http: { method: 'GET', path: '/v1/coverage' },
});
