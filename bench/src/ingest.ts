/**
 * `npm run bench:ingest`: vital signs in over HTTP to durable, stored, shown, and to an alert on a WebSocket.
 *
 *   npm run bench:ingest -- [--seconds 20] [--repeat 3] [--rates 5000,8000,…] [--one-process]
 */
import { parseArgs } from 'node:util';
import { printMachine, printRun, withBench } from './bench.ts';
import { jetStreamCeiling, postgresCeiling } from './ceilings.ts';
import type { Shape } from './devices.ts';
import { medianOf, printTable } from './figures.ts';
import { isSustained, runLoad, type Run } from './run.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    repeat: { type: 'string', default: '3' },
    'one-process': { type: 'boolean', default: false },
    rates: { type: 'string', default: '3000,5000,7000,9000,12000,16000,20000' },
  },
});
const seconds = Number(values.seconds);
const repeat = Number(values.repeat);
const rates = values.rates.split(',').map(Number);
const patients = 1_000;
const alarmsASecond = 10;

await withBench({ patients, isOneProcess: values['one-process'] }, async ({ house, bus, sql, machine, alarming }) => {
  printMachine(machine);
  const ceilings = {
    jetStreamPublishesPerSecond: await jetStreamCeiling(bus),
    rowsPerSecond: await postgresCeiling(sql),
  };
  const run = (shape: Shape, vitalsASecond: number): Promise<Run> =>
    runLoad({ house, bus, sql, patients, shape, vitalsASecond, seconds, alarming, alarmsASecond });

  const atThousand: Run[] = [];
  for (let index = 1; index <= repeat; index++) {
    const one = await run('bedside', 1_000);
    printRun(`1,000 vitals a second from ${patients} bedside monitors, run ${index} of ${repeat}`, one);
    atThousand.push(one);
  }

  const highest: Partial<Record<Shape, Run>> = {};
  for (const shape of ['bedside', 'station'] as const) {
    for (const rate of rates) {
      const one = await run(shape, rate);
      printRun(
        `${rate.toLocaleString('en')} vitals a second, ${shape}${isSustained(one) ? '' : ': NOT SUSTAINED'}`,
        one,
      );
      if (!isSustained(one)) break;
      highest[shape] = one;
    }
  }

  const p99 = medianOf(atThousand.map(({ hops }) => hops.alert.p99));
  printTable('In one view', [
    {
      what: 'JetStream alone, publishes of 1.1 kB a second, 64 in flight',
      figure: ceilings.jetStreamPublishesPerSecond,
    },
    { what: 'PostgreSQL alone, rows a second in batches of 500', figure: ceilings.rowsPerSecond },
    { what: 'vitals a second sustained, a post each monitor', figure: highest.bedside?.storedPerSecond ?? 0 },
    { what: 'vitals a second sustained, a post each ward', figure: highest.station?.storedPerSecond ?? 0 },
    { what: 'measurement → alert on a socket at 1,000/s, p99 ms, median of runs', figure: p99 },
  ]);
  console.log(JSON.stringify({ bench: 'ingest', machine, ceilings, atThousand, highest }));
});
