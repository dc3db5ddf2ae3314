/**
 * `npm run bench:gateway`: what a gateway costs and how late it is, beside its peers on the same machine in the same run.
 *
 *   npm run bench:gateway -- [--quick] [--runs 3] [--scenario idle,saturation,…] [--only ours,ws,…] [--gateway main.js]
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { medianOf, printTable } from '../figures.ts';
import { startDesk, type Desk } from './desk.ts';
import { runKill, runNatsRestart } from './failures.ts';
import { fanOuts, type FanOut, type Figures, type Size } from './fan-out.ts';
import { clientCore, serverCore } from './pinned.ts';
import { startersOf } from './servers.ts';
import { runStorm } from './storm.ts';
import { runThrottled } from './throttled.ts';
import { compileWsload, type Wsload } from './wsload.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    scenario: { type: 'string' },
    only: { type: 'string' },
    gateway: { type: 'string' },
  },
});
const size: Size = values.quick ? 'quick' : 'full';
const runs = Number(values.runs ?? (values.quick ? 1 : 3));
const wanted = values.scenario?.split(',');
const only = values.only?.split(',');

type OwnScenario = { title: string; run(desk: Desk, wsload: Wsload): Promise<Figures> };
const ownScenarios: Readonly<Record<string, OwnScenario>> = {
  throttled: {
    title: 'A critical message while bulk saturates 256 kbit/s',
    run: (desk) => runThrottled(desk, size),
  },
  storm: {
    title: 'All clients resume 20 messages at once, from the memory of the gateway',
    run: (desk, wsload) => runStorm(desk, wsload, size, false),
  },
  'storm-fresh': {
    title: 'The same on a gateway that was started after the messages',
    run: (desk, wsload) => runStorm(desk, wsload, size, true),
  },
  kill: { title: 'kill -9 of a gateway: its clients on another one', run: (desk) => runKill(desk, size) },
  nats: { title: 'kill -9 and restart of nats-server', run: (desk) => runNatsRestart(desk, size) },
};

/** Of each figure by itself: a run that was slow in one way need not be slow in all. */
function medians(all: readonly Figures[]): Figures {
  const names = [...new Set(all.flatMap((figures) => Object.keys(figures)))];
  return Object.fromEntries(names.map((name) => [name, medianOf(all.flatMap((figures) => figures[name] ?? []))]));
}

type Result = Record<string, { median: Figures; runs: readonly Figures[] }>;

async function repeat(run: () => Promise<Figures>): Promise<Result[string]> {
  const all: Figures[] = [];
  for (let count = 0; count < runs; count++) all.push(await run());
  return { median: medians(all), runs: all };
}

function print(title: string, result: Result): void {
  printTable(
    `${title} (median of ${runs})`,
    Object.entries(result).map(([server, { median }]) => ({ server, ...median })),
  );
}

async function runFanOut(desk: Desk, wsload: Wsload, scenario: FanOut): Promise<Result> {
  const result: Result = {};
  for (const { name, start } of startersOf(desk)) {
    if (only !== undefined && !only.includes(name)) continue;
    result[name] = await repeat(async () => {
      const server = await start();
      try {
        return await scenario.run(wsload, server, size);
      } finally {
        await server.stop();
      }
    });
  }
  return result;
}

const names = [...Object.keys(fanOuts), ...Object.keys(ownScenarios)];
const unknown = wanted?.filter((name) => !names.includes(name)) ?? [];
if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}; there are ${names.join(', ')}`);
const isWanted = (name: string): boolean => wanted === undefined || wanted.includes(name);

const wsload = await compileWsload();
if (wsload === undefined) {
  console.log('Nothing was measured: ../shared/bench/wsload.c is not there. CARILLON_WSLOAD may name its path.');
  process.exit(0);
}
const desk = await startDesk({ nurses: 10_000, program: values.gateway });
const end = async (): Promise<void> => {
  await desk.stop();
  await wsload.remove();
};
const onSignal = (): void => void end().finally(() => process.exit(130));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
try {
  const machine = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.versions.node,
    nats: desk.bus.nc.info?.version ?? 'unknown',
  };
  console.log(
    `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB; Node ${machine.node}, nats-server ${machine.nats}; ` +
      `the server on core ${serverCore}, clients, publisher and nats-server on core ${clientCore}`,
  );
  const results: Record<string, Result> = {};
  for (const [name, scenario] of Object.entries(fanOuts)) {
    if (!isWanted(name)) continue;
    results[name] = await runFanOut(desk, wsload, scenario);
    print(scenario.title[size], results[name]);
  }
  for (const [name, scenario] of Object.entries(ownScenarios)) {
    if (!isWanted(name) || (only !== undefined && !only.includes('ours'))) continue;
    results[name] = { ours: await repeat(() => scenario.run(desk, wsload)) };
    print(scenario.title, results[name]);
  }
  console.log(JSON.stringify({ bench: 'gateway', size, runs, machine, results }));
} finally {
  await end();
}
