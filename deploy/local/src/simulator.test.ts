import { expect, test } from '@jest/globals';
import { isPossible, vitalSigns, type NumericVital } from '@carillon/contracts/vital-signs';
import { alarmHistory } from '@carillon/monitoring/domain/alarm-engine';
import { defaultSets } from '@carillon/monitoring/domain/default-sets';
import { limitKind } from '@carillon/monitoring/domain/limit';
import { createSimulator, defaultSeed, type DemoItem } from './simulator.ts';

const start = Date.UTC(2026, 10, 21, 8);
const patients = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8'];
const minute = 60;
const defaultLimits = defaultSets.find(({ setId }) => setId === 'adult')?.limits ?? [];

function play(seconds: number, seed = defaultSeed): DemoItem[] {
  const simulator = createSimulator({ seed, patients });
  return Array.from({ length: seconds }, (_, second) => simulator.next(start + second * 1000)).flat();
}
const secondOf = (item: DemoItem): number => (Date.parse(item.measuredAt) - start) / 1000;

/** Alarms of the default limits, in seconds from the start. */
function alarmsOf(items: readonly DemoItem[]) {
  const byVital = new Map<string, DemoItem[]>();
  for (const item of items) {
    const key = `${item.patientId} ${item.vital}`;
    byVital.set(key, byVital.get(key) ?? []);
    byVital.get(key)?.push(item);
  }
  return patients.flatMap((patientId) =>
    defaultLimits.flatMap((limit) => {
      const own = byVital.get(`${patientId} ${limit.vital}`) ?? [];
      const samples = own.map((item) => ({ atMs: secondOf(item) * 1000, value: Number(item.value) }));
      return alarmHistory(limit, samples).map(({ raisedAtMs, endedAtMs }) => ({
        patientId,
        kind: limitKind(limit),
        raisedAt: raisedAtMs / 1000,
        endedAt: (endedAtMs ?? samples.at(-1)?.atMs ?? 0) / 1000,
      }));
    }),
  );
}

test('equal seeds give equal wards, others others', () => {
  expect(play(300)).toEqual(play(300));
  expect(play(10, 1)).not.toEqual(play(10, 2));
});

test('all that a score needs is there in the first second, and every second what monitors measure', () => {
  const items = play(2).filter(({ patientId }) => patientId === 'p1');
  const vitalsAt = (second: number) => items.filter((item) => secondOf(item) === second).map(({ vital }) => vital);
  expect(vitalsAt(0).toSorted()).toEqual([
    'consciousness',
    'diastolic',
    'heartRate',
    'meanPressure',
    'oxygenFlow',
    'pulse',
    'respirationRate',
    'spo2',
    'systolic',
    'temperature',
  ]);
  expect(vitalsAt(1).toSorted()).toEqual(['heartRate', 'pulse', 'respirationRate', 'spo2']);
});

test('an item is one that POST /v1/vitals takes, and its value is possible', () => {
  for (const item of play(30 * minute)) {
    if (item.vital === 'consciousness') continue;
    const vital: NumericVital = item.vital;
    if (item.unit !== vitalSigns[vital].unit || !isPossible(vital, item.value as number)) {
      throw new Error(JSON.stringify(item));
    }
  }
});

test.each([defaultSeed, 1, 2, 3, 4, 5, 6, 7])(
  'seed %d: someone of the first nurse desaturates within 3 minutes',
  (seed) => {
    const first = alarmsOf(play(5 * minute, seed)).find(({ kind }) => kind === 'spo2-below');
    expect(first?.raisedAt).toBeGreaterThan(30);
    expect(first?.raisedAt).toBeLessThan(3 * minute);
    expect(['p1', 'p2', 'p3']).toContain(first?.patientId);
  },
);

test('the ward is calm most of the time: at most two patients are in alarm at once, and everyone recovers', () => {
  for (const seed of [defaultSeed, 1]) {
    const seconds = 90 * minute;
    const alarms = alarmsOf(play(seconds, seed));
    const inAlarm = Array.from({ length: seconds }, () => new Set<string>());
    for (const { patientId, raisedAt, endedAt } of alarms) {
      for (let second = raisedAt; second < endedAt; second += 1) inAlarm[second]?.add(patientId);
      expect(endedAt - raisedAt).toBeLessThan(8 * minute);
    }
    expect(Math.max(...inAlarm.map((ids) => ids.size))).toBeLessThanOrEqual(2);
    const calmShare = inAlarm.filter((ids) => ids.size === 0).length / seconds;
    expect(calmShare).toBeGreaterThan(0.6);
    expect(alarms.length).toBeGreaterThan(3);
  }
});

test('sensors fail: artefacts and dropouts happen, and both are short', () => {
  const items = play(60 * minute).filter(({ patientId, vital }) => patientId === 'p4' && vital === 'pulse');
  const gaps = items.map((item, i) => secondOf(item) - secondOf(items[i - 1] ?? item));
  expect(Math.max(...gaps)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...gaps)).toBeLessThan(60);
  const ward = play(60 * minute);
  expect(ward.some(({ vital, value }) => vital === 'pulse' && value === 0)).toBe(true);
});
