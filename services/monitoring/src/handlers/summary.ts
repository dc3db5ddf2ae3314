import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { maxSummaryDays, summariseVitals as contract, type VitalSummary } from '@carillon/contracts/history';
import { assertPermitted } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import { readRange } from '../domain/range.ts';
import { summariseReadings, type SummaryRow } from '../store-summary.ts';

const usualPoints = 400;
/** About 350,000 readings at one a second. */
const statementMs = 4 * 86_400_000;

export async function summariseVitals(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof contract>,
): Promise<ResultOf<typeof contract>> {
  await assertPermitted(sql, contract.allow, { actor, now }, input);
  const { patientId, vital, points = usualPoints } = input;
  const range = readRange(input, maxSummaryDays);
  const everySeconds = Math.ceil((range.to - range.from) / 1_000 / points);
  const rows: SummaryRow[] = [];
  const of = { hospital: actor.hospital, patientId, vital };
  // Whole parts at a time, so that no statement reads more than it may take on a busy database.
  const stepMs = Math.ceil(statementMs / 1_000 / everySeconds) * everySeconds * 1_000;
  for (let from = range.from; from < range.to; from += stepMs) {
    rows.push(...(await summariseReadings(sql, of, { from, to: Math.min(from + stepMs, range.to), everySeconds })));
  }
  return { everySeconds, items: rows.map(toSummary) };
}

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
