import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { maxSummaryDays, summariseVitals as contract, type VitalSummary } from '@carillon/contracts/history';
import { assertPermitted } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import { readRange } from '../domain/range.ts';
import { planSummary } from '../domain/summary-plan.ts';
import { dayMs } from '../store-history.ts';
import { summarise, type SummaryRow } from '../store-summary.ts';

const usualPoints = 400;
/** 11,520 minutes; right after an upgrade, while no minutes are made yet, about 700,000 readings at one a second. */
const statementMs = 8 * dayMs;

/** @param keepDays how long single readings are kept */
export const summariseVitals =
  (keepDays: number) =>
  async ({ sql, actor, now }: QueryWork, input: InputOf<typeof contract>): Promise<ResultOf<typeof contract>> => {
    await assertPermitted(sql, contract.allow, { actor, now }, input);
    const { patientId, vital, points = usualPoints } = input;
    const asked = readRange(input, maxSummaryDays);
    const plan = planSummary(asked, { points, readingsFrom: now - keepDays * dayMs });
    const { resolution, everySeconds } = plan;
    const rows: SummaryRow[] = [];
    const of = { hospital: actor.hospital, patientId, vital };
    // Whole parts at a time, so that no statement reads more than it may take on a busy database.
    const stepMs = Math.ceil(statementMs / 1_000 / everySeconds) * everySeconds * 1_000;
    for (let from = plan.from; from < plan.to; from += stepMs) {
      rows.push(...(await summarise(sql, of, { ...plan, from, to: Math.min(from + stepMs, plan.to) })));
    }
    return { resolution, everySeconds, items: rows.map(toSummary) };
  };

const extreme = (value: number | null, at: Date | null): VitalSummary['lowest'] =>
  value === null || at === null ? null : { value, at: at.toISOString() };

const toSummary = (row: SummaryRow): VitalSummary => ({
  at: row.at.toISOString(),
  count: row.count,
  suspect: row.suspect,
  mean: row.mean === null ? null : Number(row.mean.toFixed(3)),
  lowest: extreme(row.lowest, row.lowestAt),
  highest: extreme(row.highest, row.highestAt),
});
