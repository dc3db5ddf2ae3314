/**
 * `npm run bench:scale`: how cost grows with patients. Each has five vital signs every five seconds.
 *
 *   npm run bench:scale -- [--seconds 30] [--patients 100,1000,5000] [--one-process]
 */
import { parseArgs } from 'node:util';
import { printMachine, printRun, withBench } from './bench.ts';
import { vitalsAPatient } from './devices.ts';
import { printTable } from './figures.ts';
import { runLoad, type Run } from './run.ts';
import { countStored, databaseBytes } from './stored.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    patients: { type: 'string', default: '100,1000,5000' },
    'one-process': { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const everySeconds = 5;
const daySeconds = 86_400;
const MiB = 1024 ** 2;

type Cost = { run: Run; cpuSecondsAPatientDay: number; databaseMiBAPatientDay: number; residentMiB: number };

const costs: Cost[] = [];
for (const patients of values.patients.split(',').map(Number)) {
  await withBench({ patients, isOneProcess: values['one-process'] }, async ({ house, bus, sql, machine, alarming }) => {
    if (costs.length === 0) printMachine(machine);
    const vitalsASecond = (patients * vitalsAPatient) / everySeconds;
    const options = { house, bus, sql, patients, shape: 'bedside', vitalsASecond, alarming, alarmsASecond: 2 } as const;
    // The engines of all patients are made by their first readings, which is no cost of a patient-day.
    await runLoad({ ...options, seconds: everySeconds });
    const before = { bytes: await databaseBytes(sql), rows: await countStored(sql) };
    const run = await runLoad({ ...options, seconds });
    printRun(`${patients.toLocaleString('en')} patients, ${vitalsASecond.toLocaleString('en')} vitals a second`, run);
    const bytesARow = ((await databaseBytes(sql)) - before.bytes) / ((await countStored(sql)) - before.rows);
    const { services, PostgreSQL, 'nats-server': nats } = run.cpuPercent;
    costs.push({
      run,
      cpuSecondsAPatientDay: ((services + PostgreSQL + nats) / 100 / patients) * daySeconds,
      databaseMiBAPatientDay: (bytesARow * (daySeconds / everySeconds) * vitalsAPatient) / MiB,
      residentMiB: run.residentMiB.services,
    });
  });
}
printTable(
  'How cost grows',
  costs.map(({ run, cpuSecondsAPatientDay, databaseMiBAPatientDay, residentMiB }) => ({
    patients: run.patients,
    'vitals/s': run.storedPerSecond,
    'shown p99 ms': run.hops.shown.p99,
    'alert p99 ms': run.hops.alert.p99,
    'services MiB': residentMiB,
    'services %': run.cpuPercent.services,
    'NATS %': run.cpuPercent['nats-server'],
    'PostgreSQL %': run.cpuPercent.PostgreSQL,
    'CPU s a patient-day': Math.round(cpuSecondsAPatientDay * 10) / 10,
    'database MiB a patient-day': Math.round(databaseMiBAPatientDay * 10) / 10,
  })),
);
console.log(JSON.stringify({ bench: 'scale', costs }));
