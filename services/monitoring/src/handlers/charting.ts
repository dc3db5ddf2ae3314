/** What people observe at the bedside, as readings of no device. */
import { chartVitals as chartContract } from '@carillon/contracts/scores';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { badInput } from '@carillon/contracts/errors';
import { parseInstant, type Issue } from '@carillon/contracts/schema';
import { isPlausible, vitalSigns, type NumericVital } from '@carillon/contracts/vital-signs';
import type { CommandWork } from '@carillon/runtime/commands';
import { assertPermitted } from '@carillon/runtime/directory-projection';
import { isAhead, observedAtMs } from '../domain/observed-at.ts';
import { insertReadings, type StoredReading } from '../store.ts';
import { runMonitors } from './patients.ts';
import { statusOf } from './reads.ts';

type Chart = InputOf<typeof chartContract>;

const oldestMs = 12 * 3_600_000;
const numbers = ['systolic', 'diastolic', 'temperature', 'respirationRate', 'spo2', 'pulse'] as const;

function issuesOf(chart: Chart, statedAtMs: number, now: number): Issue[] {
  const { onOxygen, oxygenFlow, systolic, diastolic } = chart;
  const issues: Issue[] = [];
  if (isAhead(statedAtMs, now)) issues.push({ path: 'measuredAt', message: 'Must not be ahead' });
  if (statedAtMs < now - oldestMs) issues.push({ path: 'measuredAt', message: 'At most 12 hours ago' });
  if (onOxygen === true && (oxygenFlow ?? 0) === 0) issues.push({ path: 'oxygenFlow', message: 'How much?' });
  if (onOxygen === false && (oxygenFlow ?? 0) > 0) issues.push({ path: 'oxygenFlow', message: 'On air there is none' });
  if (systolic !== undefined && diastolic !== undefined && diastolic >= systolic) {
    issues.push({ path: 'diastolic', message: 'Must be lower than systolic' });
  }
  return issues;
}

function valuesOf(chart: Chart): [vital: NumericVital, value: number][] {
  const values = numbers.flatMap((vital): [NumericVital, number][] => {
    const value = chart[vital];
    return value === undefined ? [] : [[vital, value]];
  });
  // Air is a flow of nothing.
  const flow = chart.onOxygen === false ? 0 : chart.oxygenFlow;
  return flow === undefined ? values : [...values, ['oxygenFlow', flow]];
}

export async function chartVitals(work: CommandWork, chart: Chart): Promise<ResultOf<typeof chartContract>> {
  const { tx, actor, now } = work;
  await assertPermitted(tx, chartContract.allow, { actor, now }, chart);
  const { patientId, consciousness } = chart;
  const { hospital } = actor;
  const statedAtMs = chart.measuredAt === undefined ? now : (parseInstant(chart.measuredAt) ?? now);
  const issues = issuesOf(chart, statedAtMs, now);
  const measured = valuesOf(chart);
  if (measured.length === 0 && consciousness === undefined) issues.push({ path: '', message: 'Nothing is charted' });
  if (issues.length > 0) throw badInput(issues);
  // Readings are of whole milliseconds; the corrected clock is finer.
  const receivedAt = Math.floor(now);
  const common = {
    hospital,
    patientId,
    by: actor.person,
    deviceId: null,
    measuredAt: observedAtMs(statedAtMs, now),
    receivedAt,
    statedAt: null,
  };
  const readings: StoredReading[] = measured.map(([vital, value]) => ({
    ...common,
    vital,
    value,
    receivedValue: value,
    receivedUnit: vitalSigns[vital].unit,
    quality: isPlausible(vital, value) ? 'good' : 'suspect',
  }));
  if (consciousness !== undefined) {
    const value = consciousness;
    readings.push({
      ...common,
      vital: 'consciousness',
      value,
      receivedValue: value,
      receivedUnit: null,
      quality: 'good',
    });
  }
  // The same time charted again is the same observation; a correction is charted with its own time.
  const isNew = await insertReadings(tx, readings, now);
  await runMonitors(work, hospital, new Map([[patientId, isNew]]));
  const [status] = await statusOf(tx, { hospital, now }, [patientId]);
  if (status === undefined) throw new Error('A patient without a status');
  return status;
}
