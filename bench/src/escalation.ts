/**
 * `npm run bench:escalation`: how late pages are. Ten thousand alerts of low priority are opened at random moments of a
 * minute, and a few of high priority among them; all come to their first level 75 s later, at random moments of a minute.
 *
 *   npm run bench:escalation -- [--alerts 10000] [--high 240] [--seconds 60] [--engines 1,2]
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { decode, encode } from '@carillon/bus/request';
import { readHeader } from '@carillon/bus/connection';
import type { Policy } from '@carillon/contracts/escalation-policies';
import { conditionRaised, type Condition, type Priority } from '@carillon/contracts/monitoring';
import { eventHeaders, eventSubject } from '@carillon/contracts/streams';
import { printMachine, withBench } from './bench.ts';
import { printTable, spreadOf, type Spread } from './figures.ts';
import { createHttp } from './http.ts';
import { hospitalId, patientId, wardId, wardOf } from './hospital.ts';
import type { House, Part } from './house.ts';
import { shareBetween } from './processes.ts';

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
/** After the last was opened, so that opening and paging do not meet. */
const levelAfterMs = windowMs + 15_000;
/** Nothing else becomes due while it runs. */
const never = 24 * 3600;
const settleMs = 10_000;

const policy: Policy = {
  levels: [
    { afterSeconds: levelAfterMs / 1000, targets: [{ kind: 'bedNurse' }] },
    { afterSeconds: never, targets: [{ kind: 'failsafe' }] },
  ],
  repeatSeconds: 3600,
};

type Kept = { alertId: string; openedAt: string; priority: Priority };
type Lateness = {
  /** From the deadline to the time that the engine put on the page, ms. */
  decided: Spread;
  /** From the deadline to its arrival at a reader of the bus, ms. */
  arrived: Spread;
};
type Figures = {
  engines: number;
  low: Lateness;
  high: Lateness;
  missing: number;
  twice: number;
  pagesPerSecond: number;
  cpuPercent: Record<Part, number>;
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

async function measure(house: House, bus: Bus, engines: number): Promise<Figures> {
  const opened = new Map<string, Kept>();
  const paged = new Map<string, { decidedAt: number; arrivedAt: number }>();
  let twice = 0;
  bus.nc.subscribe('care.*.*.*.*.alert.raised', {
    callback(_, message) {
      const alert = decode(message.data) as Kept;
      opened.set(alert.alertId, alert);
    },
  });
  bus.nc.subscribe('person.*.*.*.page.new', {
    callback(_, message) {
      const { alertId } = decode(message.data) as Kept;
      if (paged.has(alertId)) twice++;
      const decidedAt = Date.parse(readHeader(message, eventHeaders.at) ?? '');
      paged.set(alertId, { decidedAt, arrivedAt: Date.now() });
    },
  });
  await bus.nc.flush();
  const startedAt = performance.now();
  const published: Promise<unknown>[] = [];
  for (const { atMs, condition } of conditions()) {
    await wait(startedAt + atMs - performance.now());
    published.push(raise(bus, condition));
  }
  await Promise.all(published);
  await wait(startedAt + levelAfterMs - performance.now());
  const before = house.usage();
  const pagingFrom = performance.now();
  await wait(windowMs);
  const usage = house.usage();
  const took = (performance.now() - pagingFrom) / 1000;
  await wait(settleMs);

  const latenessOf = (priority: Priority): Lateness => {
    const decided: number[] = [];
    const arrived: number[] = [];
    for (const alert of opened.values()) {
      const page = paged.get(alert.alertId);
      if (alert.priority !== priority || page === undefined) continue;
      const dueAt = Date.parse(alert.openedAt) + levelAfterMs;
      decided.push(page.decidedAt - dueAt);
      arrived.push(page.arrivedAt - dueAt);
    }
    return { decided: spreadOf(decided), arrived: spreadOf(arrived) };
  };
  const parts = Object.keys(usage) as Part[];
  return {
    engines,
    low: latenessOf('low'),
    high: latenessOf('high'),
    missing: alerts + high - paged.size,
    twice,
    pagesPerSecond: Math.round(paged.size / took),
    cpuPercent: Object.fromEntries(
      parts.map((part) => [part, shareBetween(before[part], usage[part], took)]),
    ) as Figures['cpuPercent'],
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
      (['decided', 'arrived'] as const).map((what) => ({
        'ms late': `${priority}, ${what}`,
        ...figures[priority][what],
      })),
    );
    printTable(`${alerts} alerts of low and ${high} of high priority, ${engines} engine(s)`, rows);
    const costs = Object.entries(figures.cpuPercent).map(([part, percent]) => `${part} ${percent} %`);
    console.log(
      `${figures.pagesPerSecond} pages/s, ${figures.missing} missing, ${figures.twice} twice; of one core: ${costs.join(', ')}`,
    );
  });
}
console.log(JSON.stringify({ bench: 'escalation', results }));
