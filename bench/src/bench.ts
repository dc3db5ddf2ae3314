/** What both benches do around their runs: a house with a hospital in it, and how it is left. */
import { connectBus, type Bus } from '@carillon/bus/connection';
import { openDatabase, type Database } from '@carillon/database/database';
import type { ServiceName } from '@carillon/contracts/define';
import { machineOf, printTable, type Machine } from './figures.ts';
import { createHttp } from './http.ts';
import { importHospital, setQuickLimits } from './hospital.ts';
import { startHouse, type House } from './house.ts';
import type { Run } from './run.ts';
import { versionOfPostgres } from './stored.ts';

export type Bench = { house: House; bus: Bus; sql: Database; machine: Machine; alarming: readonly number[] };

/** Patients who may have alarms: enough that none has a second one before the first is over. */
const maxAlarming = 200;

export type BenchOptions = {
  patients: number;
  isOneProcess: boolean;
  /** Services that run once more. */
  more?: readonly ServiceName[];
};

export async function withBench(
  { patients, isOneProcess, more = [] }: BenchOptions,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const house = await startHouse(isOneProcess, more);
  const onSignal = (): void => void house.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  try {
    const bus = await connectBus({ url: house.natsUrl, name: 'bench' });
    const sql = openDatabase({ url: house.databaseUrl, service: 'public', onIdleError: () => {} });
    const machine = machineOf(bus.nc.info?.version ?? 'unknown', await versionOfPostgres(sql));
    const http = createHttp(house.httpPort, 4);
    const admin = await house.signer.sign('admin', 'admin');
    await importHospital(http, admin, patients);
    const step = Math.max(1, Math.floor(patients / maxAlarming));
    const alarming = Array.from({ length: Math.min(patients, maxAlarming) }, (_, index) => index * step);
    await setQuickLimits(http, admin, alarming);
    http.close();
    await body({ house, bus, sql, machine, alarming });
    await bus.close();
    await sql.close();
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
    await house.stop();
  }
}

export function printMachine(machine: Machine): void {
  const { cores, cpu, memoryGiB, node, nats, postgres } = machine;
  console.log(
    `${cores} cores of ${cpu}, ${memoryGiB} GiB; Node ${node}, nats-server ${nats}, PostgreSQL ${postgres}; ` +
      'load, boards, all services, NATS and PostgreSQL on this one machine',
  );
}

export function printRun(title: string, run: Run): void {
  printTable(
    title,
    Object.entries(run.hops).map(([hop, { count, p50, p95, p99, max }]) => ({
      'ms from measurement': hop,
      count,
      p50,
      p95,
      p99,
      max,
    })),
  );
  const costs = Object.entries(run.cpuPercent).map(([part, percent]) => `${part} ${percent} %`);
  console.log(
    `offered ${run.offeredPerSecond}/s, accepted ${run.acceptedPerSecond}/s, stored ${run.storedPerSecond}/s, ` +
      `behind at the end ${run.behindMs} ms; of one core: ${costs.join(', ')}`,
  );
  for (const [what, count] of Object.entries(run.failures)) console.log(`FAILED ${count} times: ${what}`);
}
