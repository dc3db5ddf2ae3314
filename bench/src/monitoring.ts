/**
 * `npm run bench:monitoring`: how many patients at one sample a second one process of `monitoring` holds, with limits and
 * scores.
 *
 *   npm run bench:monitoring -- [--patients 1000,2500,5000,7500] [--vitals 1] [--seconds 60] [--batch 10]
 *
 * Readings go straight to INTAKE, and the other services end before the load begins: what is measured is the one process
 * with NATS and PostgreSQL, on the machine of the load (`bench:scale` is the whole house). Each patient has the default
 * limits; half have charted values, so that their scores are whole. Open loop: a slow house is seen as lateness.
 */
import { parseArgs } from 'node:util';
import { readHeader, type Bus } from '@carillon/bus/connection';
import { createBatchPublisher, publish, type Publication } from '@carillon/bus/publish';
import { decode, encode } from '@carillon/bus/request';
import type { Condition, Reading } from '@carillon/contracts/monitoring';
import {
  eventHeaders,
  intakeDurable,
  intakeSubject,
  partitionCount,
  partitionName,
  partitionOf,
} from '@carillon/contracts/streams';
import type { Sql } from '@carillon/database/database';
import { printMachine, withBench, type Bench } from './bench.ts';
import { printTable, spreadOf, type Spread } from './figures.ts';
import { hospitalId, patientId } from './hospital.ts';
import type { Part } from './house.ts';
import { shareBetween, stolenUsage } from './processes.ts';
import { storedBetween } from './stored.ts';

const { values } = parseArgs({
  options: {
    patients: { type: 'string', default: '1000,2500,5000,7500' },
    vitals: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    batch: { type: 'string', default: '10' },
  },
});
const vitalsAPatient = Number(values.vitals);
const seconds = Number(values.seconds);
const batch = Number(values.batch);
const knownWithinMs = 600_000;
/** Monitors are switched on one after another, in this time; what follows until the measurement is a steady load. */
const rampMs = 20_000;
const warmUpMs = rampMs + 10_000;
const settleMs = 10_000;
const tickMs = 20;
const alarmsASecond = 10;
/** A low SpO2 is followed by a good one in the next second; the next alarm of the same patient must be another. */
const alarmAgainMs = 5_000;
/** More than this are counted as lost: memory must not grow with a house that stands still. */
const maxWaiting = 2_000;

type Vital = Reading['vital'];
const measured: readonly (readonly [Vital, number])[] = [
  ['spo2', 97],
  ['heartRate', 72],
  ['respirationRate', 15],
  ['pulse', 72],
];
const charted: readonly (readonly [Vital, number | string])[] = [
  ['temperature', 37],
  ['systolic', 121],
  ['oxygenFlow', 0],
  ['consciousness', 'A'],
];

type Held = {
  patients: number;
  storedPerSecond: number;
  behindMs: number;
  pendingAtEnd: number;
  lost: number;
  stored: Pick<Spread, 'p50' | 'p99'>;
  condition: Spread;
  cpuPercent: Record<Part, number>;
  /** What other guests of the host took, of one core. */
  stolenPercent: number;
  stateBytes: number;
  isHeld: boolean;
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

const reading = (patient: number, vital: Vital, value: number | string, measuredAt: number): Reading => ({
  patientId: patientId(patient),
  vital,
  value,
  receivedValue: value,
  receivedUnit: null,
  measuredAt,
  statedAt: null,
  quality: 'good',
  deviceId: `d${patient}`,
});

const toPost = (partition: string, readings: readonly Reading[]): Publication => ({
  subject: intakeSubject(hospitalId, partition, 'bench'),
  headers: {},
  body: encode({ hospital: hospitalId, by: 'bench', receivedAt: Date.now(), readings }),
});

/** Patients of one partition post together, as those of one station or interface engine do. */
function groupsOf(patients: number): { partition: string; members: number[] }[] {
  const byPartition = new Map<string, number[]>();
  for (let patient = 0; patient < patients; patient++) {
    const partition = partitionOf(patientId(patient));
    byPartition.set(partition, [...(byPartition.get(partition) ?? []), patient]);
  }
  return [...byPartition].flatMap(([partition, members]) =>
    Array.from({ length: Math.ceil(members.length / batch) }, (_, index) => ({
      partition,
      members: members.slice(index * batch, (index + 1) * batch),
    })),
  );
}

async function chart(bus: Bus, patients: number): Promise<void> {
  for (const { partition, members } of groupsOf(patients)) {
    const now = Date.now();
    const half = members.filter((patient) => patient % 2 === 0);
    const readings = half.flatMap((patient) => charted.map(([vital, value]) => reading(patient, vital, value, now)));
    if (readings.length > 0) await publish(bus, toPost(partition, readings));
  }
  // Nurses chart over hours: what they charted is no backlog of the load.
  while ((await pendingOf(bus)) > 0) await wait(200);
}

async function pendingOf(bus: Bus): Promise<number> {
  let pending = 0;
  for (let index = 0; index < partitionCount; index++) {
    const { num_pending, num_ack_pending } = await bus.jsm.consumers.info(
      'INTAKE',
      intakeDurable(partitionName(index)),
    );
    pending += num_pending + num_ack_pending;
  }
  return pending;
}

/** Offers the load until `untilMs` of the monotonic clock. @returns how many posts were lost */
async function offer(bus: Bus, patients: number, alarming: readonly number[], untilMs: number): Promise<number> {
  const startedAt = performance.now();
  const groups = groupsOf(patients).map((group, index, all) => ({
    ...group,
    dueAt: startedAt + (rampMs * index) / all.length,
  }));
  const alarmAgainAt = new Map(alarming.map((patient) => [patient, 0]));
  let credit = 0;
  let waiting = 0;
  let lost = 0;
  const valueOf = (patient: number, vital: Vital, value: number, now: number): number => {
    if (vital !== 'spo2' || credit < 1 || (alarmAgainAt.get(patient) ?? Infinity) > now) return value;
    credit--;
    alarmAgainAt.set(patient, now + alarmAgainMs);
    return 80;
  };
  const publisher = createBatchPublisher(bus);
  while (performance.now() < untilMs) {
    const now = performance.now();
    credit = Math.min(credit + (alarmsASecond * tickMs) / 1_000, 2);
    const due = groups.filter(({ dueAt }) => dueAt <= now);
    for (const group of due) group.dueAt += 1_000;
    const sent = due.slice(0, maxWaiting - waiting);
    lost += due.length - sent.length;
    const posts = sent.map(({ partition, members }) => {
      const at = Date.now();
      const readings = members.flatMap((patient) =>
        measured
          .slice(0, vitalsAPatient)
          .map(([vital, value]) => reading(patient, vital, valueOf(patient, vital, value, at), at)),
      );
      return toPost(partition, readings);
    });
    waiting += posts.length;
    void publisher.publishAll(posts).then((stored) => {
      waiting -= posts.length;
      lost += stored.filter((isStored) => !isStored).length;
    });
    await wait(tickMs);
  }
  while (waiting > 0) await wait(tickMs);
  publisher.stop();
  return lost;
}

/** The first import of a hospital takes a while to reach all; who is not known yet is waited for, and would be measured. */
async function untilAllKnow(sql: Sql, patients: number): Promise<void> {
  const giveUpAt = performance.now() + knownWithinMs;
  for (;;) {
    const { rows } = await sql.query<{ known: number }>(
      // A person is told after all that concerns him.
      `select least((select count(*) from monitoring.directory_person where 'patient' = any(roles)),
         (select count(*) from alert_escalation.directory_person where 'patient' = any(roles))) as known`,
    );
    if ((rows[0]?.known ?? 0) >= patients) return;
    if (performance.now() > giveUpAt) throw new Error('the services do not come to know all patients');
    await wait(500);
  }
}

async function measure({ house, bus, sql, alarming }: Bench, patients: number): Promise<Held> {
  await untilAllKnow(sql, patients);
  const latencies: number[] = [];
  let countsFrom = Number.POSITIVE_INFINITY;
  const conditions = bus.nc.subscribe('care.*.*.*.*.condition.raised', {
    callback(_, message) {
      if (readHeader(message, eventHeaders.event) === undefined) return;
      const measuredAt = Date.parse((decode(message.data) as Condition).at);
      if (measuredAt >= countsFrom) latencies.push(Date.now() - measuredAt);
    },
  });
  await chart(bus, patients);
  await house.keepOnly('monitoring');
  const until = performance.now() + warmUpMs + seconds * 1_000;
  const offering = offer(bus, patients, alarming, until);
  await wait(warmUpMs);
  const from = Date.now();
  countsFrom = from;
  const before = house.usage();
  const stolenBefore = stolenUsage();
  const lost = await offering;
  const to = Date.now();
  const after = house.usage();
  const stolenPercent = shareBetween(stolenBefore, stolenUsage(), (to - from) / 1_000);
  const pendingAtEnd = await pendingOf(bus);
  await wait(settleMs);
  conditions.unsubscribe();
  const stored = await storedBetween(sql, from, to);
  const { rows } = await sql.query<{ bytes: number }>(
    'select coalesce(avg(pg_column_size(state)), 0)::int as bytes from monitoring.patient_monitor',
  );
  const took = (to - from) / 1_000;
  const condition = spreadOf(latencies);
  const behindMs = Math.round(stored.lastAt - to);
  const parts = Object.keys(after) as Part[];
  return {
    patients,
    storedPerSecond: Math.round(stored.count / took),
    behindMs,
    pendingAtEnd,
    lost,
    stored: { p50: stored.p50, p99: stored.p99 },
    condition,
    cpuPercent: Object.fromEntries(
      parts.map((part) => [part, shareBetween(before[part], after[part], took)]),
    ) as Held['cpuPercent'],
    stolenPercent,
    stateBytes: rows[0]?.bytes ?? 0,
    isHeld: lost === 0 && behindMs < 2_000 && pendingAtEnd < patients / batch && condition.p99 < 1_000,
  };
}

const results: Held[] = [];
for (const patients of values.patients.split(',').map(Number)) {
  await withBench({ patients, isOneProcess: false }, async (bench) => {
    if (results.length === 0) printMachine(bench.machine);
    const held = await measure(bench, patients);
    results.push(held);
    const { condition, stored, cpuPercent } = held;
    printTable(
      `${patients.toLocaleString('en')} patients, ${vitalsAPatient} vital sign(s) a second each${held.isHeld ? '' : ': NOT HELD'}`,
      [
        { 'ms from measurement': 'stored', p50: stored.p50, p99: stored.p99 },
        { 'ms from measurement': 'condition', p50: condition.p50, p99: condition.p99, count: condition.count },
      ],
    );
    const costs = Object.entries(cpuPercent).map(([part, percent]) => `${part} ${percent} %`);
    console.log(
      `stored ${held.storedPerSecond}/s, behind at the end ${held.behindMs} ms, waiting ${held.pendingAtEnd} posts, ` +
        `lost ${held.lost}; state ${held.stateBytes} bytes; of one core (services: monitoring alone): ${costs.join(', ')}, other guests ${held.stolenPercent} %`,
    );
  });
}
console.log(JSON.stringify({ bench: 'monitoring', vitalsAPatient, batch, results }));
