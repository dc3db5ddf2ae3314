/** What is true beside an alert when something is decided about it. */
import type { Priority } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';
import type { ChosenPolicy, Facts } from '../domain/alert.ts';
import { choosePolicy } from '../domain/choose-policy.ts';
import { findPolicies } from '../store-policies.ts';
import { loadStaffings, type Staffed } from '../store-staffing.ts';
import { loadHolds, type Holdable } from './holds.ts';

/**
 * So often it is looked at who holds the posts of an unanswered alert of high priority. The ends of shifts are met to the
 * moment; this is for what nobody knew before: a roster that was changed, a nurse who took over a bed.
 */
const lookAgainMs = 10_000;

/** @returns by alert */
export async function loadFacts(
  tx: Sql,
  alerts: readonly (Staffed & Holdable)[],
  now: number,
): Promise<ReadonlyMap<string, Facts>> {
  const staffings = await loadStaffings(tx, alerts, now);
  const holds = await loadHolds(tx, alerts, now);
  return new Map(
    [...staffings].map(([alertId, staffing]) => {
      const changesAt = Math.min(staffing.changesAt ?? Infinity, now + lookAgainMs);
      return [alertId, { staffing: { ...staffing, changesAt }, hold: holds.get(alertId) }];
    }),
  );
}

export function factsOf(facts: ReadonlyMap<string, Facts>, alertId: string): Facts {
  const found = facts.get(alertId);
  if (found === undefined) throw new Error(`nothing was loaded for alert ${alertId}`);
  return found;
}

export const loadFactsOf = async (tx: Sql, alert: Staffed & Holdable, now: number): Promise<Facts> =>
  factsOf(await loadFacts(tx, [alert], now), alert.alertId);

/** The policy by which an alert of this kind would run if it were opened now. */
export const choosePolicyFor = async (
  tx: Sql,
  { hospital, ...alert }: { hospital: string; wardId: string | null; kind: string; priority: Priority },
): Promise<ChosenPolicy> => choosePolicy(await findPolicies(tx, hospital), alert);
