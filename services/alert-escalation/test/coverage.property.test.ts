/** The report looks ahead and the engine looks at now, each by code of its own: at any moment they must agree. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Role } from '@carillon/contracts/define';
import type { Policy, Target } from '@carillon/contracts/escalation-policies';
import type { Layer } from '@carillon/contracts/plans';
import type { Database } from '@carillon/database/database';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics } from '@carillon/runtime/metrics';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import fc from 'fast-check';
import { startCoverage } from '../src/coverage-gauges.ts';
import { coverageOf } from '../src/domain/coverage.ts';
import { findPolicyIssues, peopleAtLevel } from '../src/domain/levels.ts';
import { loadPlans } from '../src/handlers/coverage.ts';
import { upsertPolicy } from '../src/store-policies.ts';
import { insertOverride, upsertGroup, upsertSchedule } from '../src/store-plans.ts';
import { loadStaffings } from '../src/store-staffing.ts';
import { migrateService, openEngine } from './database.ts';

let infrastructure: Infrastructure;
let database: Database;
beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrateService(infrastructure.postgres.url);
  database = openEngine(infrastructure.postgres.url);
}, 60_000);
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

const hour = 3_600_000;
const start = Date.UTC(2026, 9, 24, 18);
const people = ['n1', 'n2', 'd1', 'r1', 'o1'];
const roleOf: Readonly<Record<string, Role>> = {
  n1: 'nurse',
  n2: 'nurse',
  d1: 'doctor',
  r1: 'responder',
  o1: 'operator',
};

const shifts = fc.array(
  fc.record({
    person: fc.constantFrom(...people),
    ward: fc.constantFrom('w1', 'w2', null),
    from: fc.integer({ min: -12, max: 30 }),
    hours: fc.option(fc.integer({ min: 1, max: 12 })),
  }),
  { maxLength: 6 },
);
const roles = fc.constantFrom<Role>('nurse', 'doctor', 'responder');
const targets: fc.Arbitrary<Target> = fc.oneof(
  roles.map((role): Target => ({ kind: 'wardRole', role })),
  roles.map((role): Target => ({ kind: 'hospitalRole', role })),
  roles.map((role): Target => ({ kind: 'nearest', role, count: 2 })),
  fc.constantFrom(...people).map((person): Target => ({ kind: 'person', person })),
  fc.constant<Target>({ kind: 'group', group: 'team' }),
  fc.constant<Target>({ kind: 'schedule', schedule: 'duty' }),
);
const policies = fc
  .array(fc.array(targets, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 })
  .map((levels): Policy => ({
    levels: [
      ...levels.map((each, index) => ({ afterSeconds: index * 20, targets: each })),
      { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
    ],
    repeatSeconds: 60,
  }));
const layers: fc.Arbitrary<Layer> = fc.record({
  people: fc.array(fc.constantFrom(...people), { minLength: 1, maxLength: 3 }),
  startsOn: fc.constantFrom('2026-10-01', '2026-10-25'),
  handOverAt: fc.constantFrom('01:30', '08:00'),
  everyDays: fc.integer({ min: 1, max: 2 }),
  hours: fc.constant([{ weekdays: [5, 6, 7], from: '20:00', until: '06:00' }]),
});
const worlds = fc.record({
  shifts,
  policy: policies,
  group: fc.record({ people: fc.uniqueArray(fc.constantFrom(...people)), isCalledOffShift: fc.boolean() }),
  layer: layers,
  override: fc.option(
    fc.record({ person: fc.constantFrom(...people), from: fc.integer({ min: 0, max: 20 }), hours: fc.nat({ max: 9 }) }),
  ),
  /** Minutes after the start; the night in which Europe puts its clocks back is among them. */
  looks: fc.array(fc.integer({ min: 0, max: 24 * 60 }), { minLength: 3, maxLength: 3 }),
});
type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

async function store(hospital: string, { shifts: planned, policy, group, layer, override }: World): Promise<void> {
  for (const person of people) {
    await database.query(
      `insert into directory_person (hospital, person_id, name, roles, wards, version) values ($1, $2, $2, $3, '{}', 1)`,
      [hospital, person, [roleOf[person]]],
    );
  }
  for (const [index, { person, ward, from, hours }] of planned.entries()) {
    const startsAt = start + from * hour;
    const endsAt = hours === null ? null : new Date(startsAt + hours * hour);
    await database.query(
      `insert into directory_shift (hospital, shift_id, person_id, ward_id, role, starts_at, ends_at, version)
       values ($1, $2, $3, $4, $5, $6, $7, 1)`,
      [hospital, `s${index}`, person, ward, roleOf[person], new Date(startsAt), endsAt],
    );
  }
  await upsertGroup(database, hospital, { groupId: 'team', name: 'Team', version: 1, ...group });
  const duty = { scheduleId: 'duty', name: 'Duty', version: 1, timeZone: 'Europe/London', layers: [layer] };
  await upsertSchedule(database, hospital, duty);
  if (override !== null) {
    const from = start + override.from * hour;
    const made = { overrideId: 'o', person: override.person, from, until: from + (override.hours + 1) * hour };
    await insertOverride(database, hospital, 'duty', { ...made, setBy: 'o1' });
  }
  await upsertPolicy(database, hospital, 'default', { body: policy, setBy: 'd1', now: start });
}

test('the report says of a moment that somebody would come if, and only if, the engine would call somebody', async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const hospital = `h${++count}`;
      expect(findPolicyIssues(world.policy)).toEqual([]);
      await store(hospital, world);
      const plans = await loadPlans(database, hospital, start, start + 25 * hour);
      const gaps = coverageOf(plans, ['w1'], start, start + 25 * hour);
      for (const minutes of world.looks) {
        const now = start + minutes * 60_000;
        const gap = gaps.find(({ priority, from, until }) => priority === 'high' && from <= now && now < until);
        const alert = { alertId: 'a', hospital, patientId: null, wardId: 'w1', priority: 'high' as const };
        const staffing = (await loadStaffings(database, [{ ...alert, policy: world.policy }], now)).get('a')!;
        const called = world.policy.levels.map((_, index) => peopleAtLevel(world.policy, index + 1, staffing).length);
        const isCovered = called.slice(0, -1).some((each) => each > 0);
        const reaches = isCovered ? undefined : (called.at(-1) ?? 0) > 0 ? 'failsafeOnly' : 'nobody';
        expect({ minutes, reaches: gap?.reaches }).toEqual({ minutes, reaches });
      }
    }),
    { numRuns: 150 },
  );
}, 120_000);

test('what is wrong with the plans of one hospital is told of it alone, and hides nothing of another', async () => {
  const ward = (hospital: string): Promise<unknown> =>
    database.query(
      `insert into directory_ward (hospital, ward_id, name, beds, version) values ($1, 'w1', 'Ward', 4, 1)`,
      [hospital],
    );
  for (const hospital of ['broken', 'empty', 'mars', 'well']) await ward(hospital);
  await database.query(`insert into policy (hospital, policy_id, body, version) values ('broken', 'default', '{}', 1)`);
  const zone = { timeZone: 'Mars/Base', layers: [] };
  for (const hospital of ['mars', 'well']) {
    await database.query(
      `insert into directory_shift (hospital, shift_id, person_id, ward_id, role, starts_at, version)
       values ($1, 's', 'n1', 'w1', 'nurse', $2, 1)`,
      [hospital, new Date(start)],
    );
  }
  await upsertSchedule(database, 'mars', { scheduleId: 'duty', name: 'Duty', version: 1, ...zone });
  const metrics = createMetrics('test');
  const log = createLogger('test', { level: 'silent', file: '' });
  const watch = startCoverage({ database, metrics, log, now: () => start + hour });
  const seen = await eventually(() => (watch.hospitals().length > 0 ? watch.hospitals() : undefined));
  await watch.stop();
  expect(seen).toMatchObject([
    { hospital: 'empty', uncoveredWards: 1, unreadable: [] },
    { hospital: 'mars', uncoveredWards: 0, unreadable: ['duty'] },
    { hospital: 'well', uncoveredWards: 0, unreadable: [] },
  ]);
  expect(await metrics.registry.metrics()).toMatch(/uncovered_wards\{.*priority="high".*\} 1/);
});

test('the gap hours of the next seven days are told by priority for all wards, and end when somebody is put on shift or on call', async () => {
  const hospital = 'week';
  const now = start + hour;
  await database.query('delete from directory_ward');
  for (const wardId of ['w1', 'w2']) {
    await database.query(
      'insert into directory_ward (hospital, ward_id, name, beds, version) values ($1, $2, $2, 4, 1)',
      [hospital, wardId],
    );
  }
  const shift = (person: string, wardId: string, from: number, until: number | null): Promise<unknown> =>
    database.query(
      `insert into directory_shift (hospital, shift_id, person_id, ward_id, role, starts_at, ends_at, version)
       values ($1, $2, $2, $3, 'nurse', $4, $5, 1)`,
      [hospital, person, wardId, new Date(from), until === null ? null : new Date(until)],
    );
  // What is urgent goes to who is on call, the rest to the nurses of the ward.
  const duty = { scheduleId: 'duty', name: 'Duty', version: 1, timeZone: 'Europe/London', layers: [] };
  await upsertSchedule(database, hospital, duty);
  const urgent: Policy = {
    applies: { priorities: ['high'] },
    levels: [
      { afterSeconds: 0, targets: [{ kind: 'schedule', schedule: 'duty' }] },
      { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
    ],
    repeatSeconds: 60,
  };
  await upsertPolicy(database, hospital, 'urgent', { body: urgent, setBy: 'd1', now: start });
  const gapHours = async (): Promise<unknown> => {
    const metrics = createMetrics('test');
    const log = createLogger('test', { level: 'silent', file: '' });
    const watch = startCoverage({ database, metrics, log, now: () => now });
    await eventually(() => watch.hospitals()[0]);
    await watch.stop();
    const gauge = await metrics.registry.getSingleMetric('carillon_coverage_gap_hours')?.get();
    return Object.fromEntries(gauge?.values.map(({ labels, value }) => [labels['priority'], value]) ?? []);
  };

  await shift('n1', 'w1', start, now + 48 * hour);
  const week = 7 * 24;
  const rest = week - 48 + week;
  expect(await gapHours()).toEqual({ high: 2 * week, medium: rest, low: rest });
  await shift('n2', 'w1', now + 40 * hour, now + (week - 10) * hour);
  await shift('n3', 'w2', start, null);
  expect(await gapHours()).toEqual({ high: 2 * week, medium: 10, low: 10 });
  await shift('n4', 'w1', now + 100 * hour, null);
  expect(await gapHours()).toEqual({ high: 2 * week, medium: 0, low: 0 });
  const onCall = { overrideId: 'o', person: 'd1', from: now, until: now + week * hour, setBy: 'o1' };
  await insertOverride(database, hospital, 'duty', onCall);
  expect(await gapHours()).toEqual({ high: 0, medium: 0, low: 0 });
});
