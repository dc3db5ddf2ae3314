import { setImmediate } from 'node:timers/promises';
import { roles as allRoles, type InputOf, type ResultOf } from '@carillon/contracts/define';
import type { reportCoverage as reportContract } from '@carillon/contracts/plans';
import type { Sql } from '@carillon/database/database';
import type { QueryWork } from '@carillon/runtime/queries';
import { coverageOf, indexShifts, type Gap, type Plans } from '../domain/coverage.ts';
import { beyondTheWard, defaultPolicy } from '../domain/levels.ts';
import { turnsBetween, type Turn } from '../domain/schedule.ts';
import { findPeopleOf, findShifts, listWards } from '../store-coverage.ts';
import { findGroups, findSchedules } from '../store-plans.ts';
import { findPolicies } from '../store-policies.ts';
import { readWindow } from './schedules.ts';

/** What is planned for the time, of the whole hospital. */
export async function loadPlans(sql: Sql, hospital: string, from: number, until: number): Promise<Plans> {
  const policies = await findPolicies(sql, hospital);
  const wide = new Set([defaultPolicy, ...policies].flatMap((policy) => beyondTheWard(policy).roles));
  const turns: Record<string, readonly Turn[]> = {};
  for (const schedule of await findSchedules(sql, hospital, { since: from })) {
    // An alarm that came meanwhile goes first; so below.
    await setImmediate();
    turns[schedule.scheduleId] = turnsBetween(schedule, schedule.overrides, from, until);
  }
  return {
    policies,
    shifts: indexShifts(await findShifts(sql, hospital, from, until)),
    turns,
    groups: await findGroups(sql, hospital),
    anybody: await findPeopleOf(
      sql,
      hospital,
      allRoles.filter((role) => wide.has(role)),
    ),
  };
}

const wardsOfAPage = 50;
/** An answer has at most 512 kB. */
const gapsOfAPage = 2_000;

export async function reportCoverage(
  { sql, actor, now }: QueryWork,
  { wardId, cursor, ...given }: InputOf<typeof reportContract>,
): Promise<ResultOf<typeof reportContract>> {
  const { from, until } = readWindow(given, now);
  const found = await listWards(sql, actor.hospital, { after: cursor ?? '', only: wardId, limit: wardsOfAPage + 1 });
  const plans = await loadPlans(sql, actor.hospital, from, until);
  const wards: { wardId: string; name: string }[] = [];
  const gaps: Gap[] = [];
  for (const ward of found.slice(0, wardsOfAPage)) {
    await setImmediate();
    const ofWard = coverageOf(plans, [ward.wardId], from, until);
    // At least one, or nobody would ever come past it.
    if (wards.length > 0 && gaps.length + ofWard.length > gapsOfAPage) break;
    wards.push(ward);
    gaps.push(...ofWard);
  }
  const last = wards.at(-1);
  return {
    from: new Date(from).toISOString(),
    until: new Date(until).toISOString(),
    wards,
    gaps: gaps.map((gap) => ({
      ...gap,
      from: new Date(gap.from).toISOString(),
      until: new Date(gap.until).toISOString(),
    })),
    ...(found.length > wards.length && last !== undefined ? { next: last.wardId } : {}),
  };
}
