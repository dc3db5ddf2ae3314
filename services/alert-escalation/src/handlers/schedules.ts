/** On-call schedules and their overrides. */
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type {
  endOverride as endOverrideContract,
  getSchedule as getScheduleContract,
  listOnCall as listOnCallContract,
  listTurns as listTurnsContract,
  Override,
  overrideSchedule as overrideContract,
  previewTurns as previewContract,
  removeSchedule as removeScheduleContract,
  Schedule,
  setSchedule as setScheduleContract,
} from '@carillon/contracts/plans';
import type { Sql } from '@carillon/database/database';
import type { CommandWork } from '@carillon/runtime/commands';
import type { QueryWork } from '@carillon/runtime/queries';
import { findScheduleIssues, turnAt, turnsBetween, type Turn } from '../domain/schedule.ts';
import { findPolicies } from '../store-policies.ts';
import {
  countOverrides,
  deleteOverride,
  deleteSchedule,
  findNames,
  findSchedules,
  getScheduleVersion,
  insertOverride,
  lockPlans,
  upsertSchedule,
  type KnownOverride,
  type KnownSchedule,
} from '../store-plans.ts';
import { findUnknown } from './groups.ts';
import { assertVersion } from './policies.ts';

const dayMs = 86_400_000;
const text = (at: number): string => new Date(at).toISOString();
const noSchedule = (): CodedError => new CodedError('not_found', 'No such schedule');

const maxSchedules = 200;

export async function setSchedule(
  { tx, actor }: CommandWork,
  { ifVersion, ...schedule }: InputOf<typeof setScheduleContract>,
): Promise<Schedule> {
  const { hospital } = actor;
  const named = schedule.layers.flatMap(({ people }, layer) =>
    people.map((person, index) => ({ path: `layers.${layer}.people.${index}`, person })),
  );
  const issues = [...findScheduleIssues(schedule), ...(await findUnknown(tx, hospital, named))];
  if (issues.length > 0) throw badInput(issues);
  await lockPlans(tx, hospital);
  const { version, others } = await getScheduleVersion(tx, hospital, schedule.scheduleId);
  assertVersion(version, ifVersion);
  if (others >= maxSchedules) throw new CodedError('conflict', `A hospital has at most ${maxSchedules} schedules`);
  const stored = { ...schedule, version: version + 1 };
  await upsertSchedule(tx, hospital, stored);
  return stored;
}

export async function removeSchedule(
  { tx, actor }: CommandWork,
  { scheduleId, ifVersion }: InputOf<typeof removeScheduleContract>,
): Promise<ResultOf<typeof removeScheduleContract>> {
  await lockPlans(tx, actor.hospital);
  const { version } = await getScheduleVersion(tx, actor.hospital, scheduleId);
  if (version === 0) throw noSchedule();
  assertVersion(version, ifVersion);
  const naming = (await findPolicies(tx, actor.hospital)).find(({ levels }) =>
    levels.some(({ targets }) => targets.some(({ schedule }) => schedule === scheduleId)),
  );
  if (naming !== undefined) throw new CodedError('conflict', `The policy ${naming.policyId} names it`);
  await deleteSchedule(tx, actor.hospital, scheduleId);
  return { scheduleId };
}

const shown = ({ overrideId, person, from, until }: KnownOverride): Override => ({
  overrideId,
  person,
  from: text(from),
  until: text(until),
});

async function findSchedule(sql: Sql, hospital: string, scheduleId: string, since: number): Promise<KnownSchedule> {
  const [found] = await findSchedules(sql, hospital, { since, only: [scheduleId] });
  if (found === undefined) throw noSchedule();
  return found;
}

export async function getSchedule(
  { sql, actor, now }: QueryWork,
  { scheduleId }: InputOf<typeof getScheduleContract>,
): Promise<ResultOf<typeof getScheduleContract>> {
  const schedule = await findSchedule(sql, actor.hospital, scheduleId, now);
  return { ...schedule, overrides: schedule.overrides.map(shown) };
}

const longestOverrideMs = 31 * dayMs;
const farthestMs = 366 * dayMs;
const maxOverrides = 200;

export async function overrideSchedule(
  { tx, actor, now }: CommandWork,
  { scheduleId, person, ...times }: InputOf<typeof overrideContract>,
): Promise<Override> {
  const { hospital } = actor;
  const from = Date.parse(times.from);
  const until = Date.parse(times.until);
  const issues = await findUnknown(tx, hospital, [{ path: 'person', person }]);
  if (until <= Math.max(from, now))
    issues.push({ path: 'until', message: 'Must be later than its start, and than now' });
  if (until - from > longestOverrideMs) issues.push({ path: 'until', message: 'At most 31 days' });
  if (until - now > farthestMs) issues.push({ path: 'until', message: 'At most 366 days ahead' });
  if (issues.length > 0) throw badInput(issues);
  await lockPlans(tx, hospital);
  if ((await getScheduleVersion(tx, hospital, scheduleId)).version === 0) throw noSchedule();
  if ((await countOverrides(tx, hospital, scheduleId, now)) >= maxOverrides) {
    throw new CodedError('conflict', `A schedule has at most ${maxOverrides} overrides`);
  }
  const made = { overrideId: randomUUID(), person, from, until };
  await insertOverride(tx, hospital, scheduleId, { ...made, setBy: actor.person });
  return shown(made);
}

export async function endOverride(
  { tx, actor }: CommandWork,
  { scheduleId, overrideId }: InputOf<typeof endOverrideContract>,
): Promise<ResultOf<typeof endOverrideContract>> {
  if (!(await deleteOverride(tx, actor.hospital, scheduleId, overrideId))) {
    throw new CodedError('not_found', 'No such override');
  }
  return { overrideId };
}

/** What is looked at where nothing is given, and how much at once. */
const weekMs = 7 * dayMs;
export const longestWindowMs = 31 * dayMs;

/** @returns ms since the epoch. @throws CodedError `bad_input` for an end that is not after the start, or too far from it */
export function readWindow(given: { from?: string; until?: string }, now: number): { from: number; until: number } {
  const from = given.from === undefined ? now : Date.parse(given.from);
  const until = given.until === undefined ? from + weekMs : Date.parse(given.until);
  if (until <= from) throw badInput([{ path: 'until', message: 'Must be later than the start' }]);
  if (until - from > longestWindowMs) throw badInput([{ path: 'until', message: 'At most 31 days after the start' }]);
  return { from, until };
}

const shownTurn = ({ from, until, person }: Turn): ResultOf<typeof listTurnsContract>['items'][number] => ({
  from: text(from),
  until: text(until),
  person,
});

export async function listTurns(
  { sql, actor, now }: QueryWork,
  { scheduleId, ...given }: InputOf<typeof listTurnsContract>,
): Promise<ResultOf<typeof listTurnsContract>> {
  const { from, until } = readWindow(given, now);
  const schedule = await findSchedule(sql, actor.hospital, scheduleId, from);
  const turns = turnsBetween(schedule, schedule.overrides, from, until);
  return { items: turns.map(shownTurn) };
}

const previewMs = 14 * dayMs;

export async function previewTurns(
  { sql, actor, now }: QueryWork,
  { scheduleId, ...plan }: InputOf<typeof previewContract>,
): Promise<ResultOf<typeof previewContract>> {
  const issues = findScheduleIssues(plan);
  if (issues.length > 0) throw badInput(issues);
  const only = scheduleId === undefined ? [] : [scheduleId];
  const [stored] = await findSchedules(sql, actor.hospital, { since: now, only });
  return { items: turnsBetween(plan, stored?.overrides ?? [], now, now + previewMs).map(shownTurn) };
}

export async function listOnCall({ sql, actor, now }: QueryWork): Promise<ResultOf<typeof listOnCallContract>> {
  const schedules = await findSchedules(sql, actor.hospital, { since: now });
  const turns: (KnownSchedule & { turn: Turn })[] = [];
  for (const schedule of schedules) {
    // An alarm that came meanwhile goes first.
    await setImmediate();
    turns.push({ ...schedule, turn: turnAt(schedule, schedule.overrides, now, longestWindowMs) });
  }
  const names = await findNames(
    sql,
    actor.hospital,
    turns.flatMap(({ turn }) => turn.person ?? []),
  );
  return {
    items: turns.map(({ scheduleId, name, turn: { person, until } }) => ({
      scheduleId,
      name,
      person,
      personName: person === null ? null : (names.get(person) ?? null),
      until: text(until),
    })),
  };
}
