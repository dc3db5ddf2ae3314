/**
 * `npm run bench:escalation`: how late pages are. Ten thousand alerts of low priority are opened at random moments of a
 * minute, and a few of high priority among them; all come to their first level two minutes later, at moments as random.
 *
 *   npm run bench:escalation -- [--alerts 10000] [--high 240] [--seconds 60] [--engines 1,2]
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { readPage } from '@carillon/bus/read-range';
import { decode, encode } from '@carillon/bus/request';
import { readHeader } from '@carillon/bus/connection';
import type { Policy } from '@carillon/contracts/escalation-policies';
import { conditionRaised, type Condition, type Priority } from '@carillon/contracts/monitoring';
import { eventHeaders, eventSubject } from '@carillon/contracts/streams';
import { printMachine, withBench } from './bench.ts';
import { watchDisk, type DiskWrite } from './disk.ts';
import { printTable, spreadOf, type Spread } from './figures.ts';
import { createHttp } from './http.ts';
import { hospitalId, patientId, wardId, wardOf } from './hospital.ts';
import type { House, Part } from './house.ts';
import { shareBetween, stolenUsage } from './processes.ts';

const { values } = parseArgs({
  options: {
    alerts: { type: 'string', default: '10000' },
    high: { type: 'string', default: '240' },
    seconds: { type: 'string', default: '60' },
    engines: { type: 'string', default: '1,2' },
  },
});
const alerts = Number(values.alerts);
const high = Number(values.high);
const windowMs = Number(values.seconds) * 1000;
const patients = 500;
/** As long again for what was opened late, so that opening and paging do not meet. */
const levelAfterMs = 2 * windowMs;
/** Nothing else becomes due while it runs. */
const never = 24 * 3600;
const settleMs = 10_000;
const openedWithinMs = 60_000;
/** What the issue of escalation asks of every page of high priority. */
const highWithinMs = 100;
/** A write of eight kilobytes that takes longer waits for the disk. */
const stallMs = 20;
const pages = 'person.*.*.*.page.new';

const policy: Policy = {
  levels: [
    { afterSeconds: levelAfterMs / 1000, targets: [{ kind: 'bedNurse' }] },
    { afterSeconds: never, targets: [{ kind: 'failsafe' }] },
  ],
  repeatSeconds: 3600,
};

type Paged = { decidedAt: number; arrivedAt: number };
type Kept = { alertId: string; openedAt: string; priority: Priority };
type Lateness = {
  /** From the deadline to the time that the engine put on the page, ms. */
  decided: Spread;
  /** From the deadline to the time that the stream put on it, ms: committed, published, and about to be delivered. */
  stored: Spread;
  /** From the deadline to its arrival at a reader of the bus, ms. */
  arrived: Spread;
  /** `arrived` without the time in which a write of the bench's own waited for the disk, too. */
  'without stalls': Spread;
};
const hops = ['decided', 'stored', 'arrived', 'without stalls'] as const satisfies readonly (keyof Lateness)[];
type Figures = {
  engines: number;
  low: Lateness;
  high: Lateness;
  /** Of high priority and later than `highWithinMs`: all, and those that no stall of the disk explains. */
  tooLate: { arrived: number; withoutStalls: number };
  /** What a durable write alone took, ms. */
  disk: Spread;
  /** From the last condition to the last alert, ms. */
  openedAfterMs: number;
  notOpened: number;
  missing: number;
  twice: number;
  pagesPerSecond: number;
  cpuPercent: Record<Part, number>;
  /** What other guests of the host took meanwhile. */
  stolenPercent: number;
};

/** Each a patient and a kind of its own, in a random order, at random moments. */
function conditions(): { atMs: number; condition: Omit<Condition, 'at'> }[] {
  return Array.from({ length: alerts + high }, (_, index) => {
    const patient = index % patients;
    const priority: Priority = index < high ? 'high' : 'low';
    return {
      atMs: Math.random() * windowMs,
      condition: {
        patientId: patientId(patient),
        wardId: wardId(wardOf(patient)),
        kind: `bench-${Math.floor(index / patients)}-${priority}`,
        priority,
        message: 'Bench',
      },
    };
  }).sort((a, b) => a.atMs - b.atMs);
}

const raise = (bus: Bus, condition: Omit<Condition, 'at'>): Promise<unknown> => {
  const at = new Date().toISOString();
  const lane = condition.priority === 'high' ? 'critical' : 'normal';
  const tokens = { hospital: hospitalId, ward: condition.wardId, patient: condition.patientId, lane };
  return publish(bus, {
    subject: eventSubject(conditionRaised, tokens),
    body: encode({ ...condition, at }),
    headers: {
      [eventHeaders.id]: randomUUID(),
      [eventHeaders.event]: conditionRaised.name,
      [eventHeaders.at]: at,
      [eventHeaders.version]: String(Date.now()),
    },
  });
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

async function setPolicy(house: House): Promise<void> {
  const http = createHttp(house.httpPort, 1);
  const token = await house.signer.sign('admin', 'admin');
  const answer = await http('PUT', '/v1/policies/default', { token, body: policy, key: 'bench-policy' });
  http.close();
  if (answer.status !== 200) throw new Error(`policy: ${answer.status} ${answer.text}`);
}

/** When the stream took each page, by alert. */
async function readStored(bus: Bus): Promise<Map<string, number>> {
  const stored = new Map<string, number>();
  for (let afterSequence = 0; ;) {
    const page = await readPage(bus, { stream: 'PERSON', filter: pages, afterSequence, limit: 1_000 });
    for (const { body, storedAt } of page.messages) stored.set((decode(body) as Kept).alertId, storedAt);
    afterSequence = page.messages.at(-1)?.sequence ?? afterSequence;
    if (!page.hasMore) return stored;
  }
}

/** Alerts and pages as they come, whatever opens or calls. */
function follow(bus: Bus): { opened: Map<string, Kept>; paged: Map<string, Paged>; twice: () => number } {
  const opened = new Map<string, Kept>();
  const paged = new Map<string, Paged>();
  let twice = 0;
  bus.nc.subscribe('care.*.*.*.*.alert.raised', {
    callback(_, message) {
      const alert = decode(message.data) as Kept;
      opened.set(alert.alertId, alert);
    },
  });
  bus.nc.subscribe(pages, {
    callback(_, message) {
      const { alertId } = decode(message.data) as Kept;
      if (paged.has(alertId)) twice++;
      const decidedAt = Date.parse(readHeader(message, eventHeaders.at) ?? '');
      paged.set(alertId, { decidedAt, arrivedAt: Date.now() });
    },
  });
  return { opened, paged, twice: () => twice };
}

/** How much of a time the disk was stalled, by the bench's own writes in it. */
const stalledMs = (disk: readonly DiskWrite[], from: number, to: number): number =>
  disk
    .filter(({ ms }) => ms > stallMs)
    .reduce((sum, { at, ms }) => sum + Math.max(0, Math.min(to, at + ms) - Math.max(from, at)), 0);

type Page = { priority: Priority; dueAt: number; decidedAt: number; storedAt: number; arrivedAt: number };

function latenessOf(all: readonly Page[], disk: readonly DiskWrite[]): Lateness {
  return {
    decided: spreadOf(all.map(({ dueAt, decidedAt }) => decidedAt - dueAt)),
    stored: spreadOf(all.map(({ dueAt, storedAt }) => storedAt - dueAt)),
    arrived: spreadOf(all.map(({ dueAt, arrivedAt }) => arrivedAt - dueAt)),
    'without stalls': spreadOf(all.map((page) => withoutStalls(page, disk))),
  };
}

const withoutStalls = ({ dueAt, arrivedAt }: Page, disk: readonly DiskWrite[]): number =>
  arrivedAt - dueAt - stalledMs(disk, dueAt, arrivedAt);

async function measure(house: House, bus: Bus, engines: number): Promise<Figures> {
  const { opened, paged, twice } = follow(bus);
  await bus.nc.flush();
  const startedAt = performance.now();
  const published: Promise<unknown>[] = [];
  for (const { atMs, condition } of conditions()) {
    await wait(startedAt + atMs - performance.now());
    published.push(raise(bus, condition));
  }
  await Promise.all(published);
  const raisedAt = performance.now();
  while (opened.size < alerts + high && performance.now() < raisedAt + openedWithinMs) await wait(20);
  const openedAfterMs = Math.round(performance.now() - raisedAt);

  await wait(startedAt + levelAfterMs - performance.now());
  const disk: DiskWrite[] = [];
  const stopDisk = await watchDisk(disk);
  const before = house.usage();
  const stolenBefore = stolenUsage();
  const pagingFrom = performance.now();
  await wait(windowMs);
  const usage = house.usage();
  const stolen = stolenUsage();
  const took = (performance.now() - pagingFrom) / 1000;
  const pagesPerSecond = Math.round(paged.size / took);
  // What was opened late is due later.
  const lastDueAt = Math.max(...[...opened.values()].map(({ openedAt }) => Date.parse(openedAt))) + levelAfterMs;
  await wait(lastDueAt + settleMs - Date.now());
  await stopDisk();

  const stored = await readStored(bus);
  const found = [...opened.values()].flatMap(({ alertId, priority, openedAt }): Page[] => {
    const page = paged.get(alertId);
    const storedAt = stored.get(alertId);
    if (page === undefined || storedAt === undefined) return [];
    return [{ priority, dueAt: Date.parse(openedAt) + levelAfterMs, storedAt, ...page }];
  });
  const ofHigh = found.filter(({ priority }) => priority === 'high');
  const parts = Object.keys(usage) as Part[];
  return {
    engines,
    high: latenessOf(ofHigh, disk),
    low: latenessOf(
      found.filter(({ priority }) => priority === 'low'),
      disk,
    ),
    tooLate: {
      arrived: ofHigh.filter(({ dueAt, arrivedAt }) => arrivedAt - dueAt > highWithinMs).length,
      withoutStalls: ofHigh.filter((page) => withoutStalls(page, disk) > highWithinMs).length,
    },
    disk: spreadOf(disk.map(({ ms }) => ms)),
    openedAfterMs,
    notOpened: alerts + high - opened.size,
    missing: opened.size - found.length,
    twice: twice(),
    pagesPerSecond,
    cpuPercent: Object.fromEntries(
      parts.map((part) => [part, shareBetween(before[part], usage[part], took)]),
    ) as Figures['cpuPercent'],
    stolenPercent: shareBetween(stolenBefore, stolen, took),
  };
}

const results: Figures[] = [];
for (const engines of values.engines.split(',').map(Number)) {
  const more = Array.from({ length: engines - 1 }, () => 'alert-escalation' as const);
  await withBench({ patients, isOneProcess: false, more }, async ({ house, bus, machine }) => {
    if (results.length === 0) printMachine(machine);
    await setPolicy(house);
    const figures = await measure(house, bus, engines);
    results.push(figures);
    const rows = (['high', 'low'] as const).flatMap((priority) =>
      hops.map((hop) => ({ 'ms late': `${priority}, ${hop}`, ...figures[priority][hop] })),
    );
    printTable(`${alerts} alerts of low and ${high} of high priority, ${engines} engine(s)`, [
      ...rows,
      { 'ms late': 'a durable write alone', ...figures.disk },
    ]);
    const { tooLate, openedAfterMs, notOpened, missing, twice, pagesPerSecond, cpuPercent, stolenPercent } = figures;
    const costs = Object.entries(cpuPercent).map(([part, percent]) => `${part} ${percent} %`);
    console.log(
      `${tooLate.arrived} of high priority arrived more than ${highWithinMs} ms late, ${tooLate.withoutStalls} without stalls of the disk; ` +
        `${pagesPerSecond} pages/s, ${missing} missing, ${twice} twice; ` +
        `the last opened ${openedAfterMs} ms after it was raised, ${notOpened} not; of one core: ${costs.join(', ')}, other guests of the host ${stolenPercent} %`,
    );
  });
}
console.log(JSON.stringify({ bench: 'escalation', results }));
