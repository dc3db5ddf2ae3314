/** What every server can be asked: memory, deliveries, their cost and their latency. One run of one server each. */
import { programOf, serverCore } from './pinned.ts';
import type { Plan } from './schedule.ts';
import type { Server } from './servers.ts';
import { flags, type Load, type Wsload } from './wsload.ts';

export type Size = 'full' | 'quick';
export type Figures = Readonly<Record<string, number>>;
export type FanOut = {
  title: Readonly<Record<Size, string>>;
  run(wsload: Wsload, server: Server, size: Size): Promise<Figures>;
};

const sizes = {
  full: { many: 10_000, rooms: 1_000, some: 1_000, seconds: 10, rampSeconds: 36 },
  quick: { many: 1_000, rooms: 100, some: 100, seconds: 3, rampSeconds: 12 },
} as const satisfies Record<Size, unknown>;

const warmupSeconds = 2;
const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits;
const ms = (micros: number | undefined): number => round((micros ?? Number.NaN) / 1_000);
/** Who else worked on the server's core: near 0, or the machine was not ours and the figures are not either. */
const others = ({ cores, server }: Load): Figures => ({
  'others on its core %': round((cores?.busy_pct ?? Number.NaN) - server.cpu_pct, 0),
});
/** Figures of clients that were sent away are of another scenario. */
const lost = ({ connections, ready, dropped }: Load): Figures =>
  ready - dropped === connections ? {} : { lost: connections - ready + dropped };

type Publication = { wsload: Wsload; server: Server; plan: Plan; onReady?: () => void };

function publishTo({ wsload, server, plan, onReady = () => {} }: Publication, args: readonly string[]): Promise<Load> {
  const options = flags({
    '-r': 2_000,
    '--stats-pid': server.pid,
    '--stats-cpu': serverCore,
    '--match': '"ts":',
    '--ts-key': 'ts',
    '--on-ready': `exec '${process.execPath}' '${programOf('publisher')}'`,
  });
  return wsload.run([...options, '--monotonic', ...args], {
    environment: { BENCH_PUBLISHING: JSON.stringify(server.publishing(plan)) },
    onReady,
  });
}

const idle: FanOut = {
  title: {
    full: 'Idle memory: 10,000 connections in 1,000 rooms',
    quick: 'Idle memory: 1,000 connections in 100 rooms',
  },
  async run(wsload, server, size) {
    const { many, rooms } = sizes[size];
    const load = await wsload.run([
      ...flags({ '-n': many, '-r': 2_000, '--settle': 5, '-d': 0, '--stats-pid': server.pid }),
      ...server.connect(rooms, true),
    ]);
    return {
      'kB a connection': round(load.server.rss_per_connection / 1_000),
      'connections/s': round(load.ready / load.ramp_s, 0),
      ...lost(load),
    };
  },
};

const stepSeconds = 2;
/** The first step is below what any of them can do, the last one above. */
const ramp = { rate: 50, factor: 1.3 };
const boundMs = 100;

const saturation: FanOut = {
  title: {
    full: '1,000 clients in one room, the rate raised until saturation',
    quick: '100 clients in one room, the rate raised until saturation',
  },
  async run(wsload, server, size) {
    const { some, rampSeconds } = sizes[size];
    const plan = { rooms: 1, everySeconds: stepSeconds, ...ramp, rate: (ramp.rate * 1_000) / some };
    const load = await publishTo({ wsload, server, plan }, [
      // A cheaper client: near saturation it would be the one that is full. Adds up to 5 ms to each latency.
      ...flags({ '-n': some, '--poll-every': 5, '--report': stepSeconds, '-d': rampSeconds }),
      ...server.connect(1),
    ]);
    const steps = load.intervals ?? [];
    const highest = (fits: (step: (typeof steps)[number]) => boolean): number =>
      Math.max(0, ...steps.filter(fits).map((step) => step.msgs_per_s));
    const top = steps.find((step) => step.msgs_per_s === highest(() => true));
    return {
      'deliveries/s': round(
        highest(() => true),
        0,
      ),
      'p99 ms there': ms(top?.p99_us),
      [`deliveries/s with p99 < ${boundMs} ms`]: round(
        highest(({ p99_us }) => p99_us < boundMs * 1_000),
        0,
      ),
      'server CPU %': top?.server_cpu_pct ?? Number.NaN,
      'others on its core %': round((top?.core_pct ?? Number.NaN) - (top?.server_cpu_pct ?? Number.NaN), 0),
      'client CPU %': round(load.client.cpu_pct, 0),
      ...lost(load),
    };
  },
};

const manyRooms: FanOut = {
  title: {
    full: '10,000 clients in 1,000 rooms, 1,000 messages a second in all',
    quick: '1,000 clients in 100 rooms, 100 messages a second in all',
  },
  async run(wsload, server, size) {
    const { many, rooms, seconds } = sizes[size];
    const load = await publishTo({ wsload, server, plan: { rooms, rate: rooms, factor: 1, everySeconds: 1 } }, [
      ...flags({ '-n': many, '--warmup': warmupSeconds, '-d': seconds }),
      ...server.connect(rooms),
    ]);
    return {
      'CPU µs a delivery': round(load.server.cpu_us_per_msg ?? Number.NaN),
      'p50 ms': ms(load.latency_us?.p50),
      'p99 ms': ms(load.latency_us?.p99),
      'deliveries/s': round(load.msgs_per_s, 0),
      ...others(load),
      ...lost(load),
    };
  },
};

const oneRoom: FanOut = {
  title: {
    full: '10,000 clients in one room, one message a second',
    quick: '1,000 clients in one room, one message a second',
  },
  async run(wsload, server, size) {
    const { many, seconds } = sizes[size];
    let longestTurn: Promise<number> | undefined;
    // Not while clients come and go, nor at the first message, which is compiled.
    const onReady = (): void => {
      setTimeout(() => server.watchTurns(), warmupSeconds * 1_000);
      setTimeout(() => (longestTurn = server.longestTurn()), (warmupSeconds + seconds - 1) * 1_000);
    };
    const plan = { rooms: 1, rate: 1, factor: 1, everySeconds: 1 };
    const load = await publishTo({ wsload, server, plan, onReady }, [
      ...flags({ '-n': many, '--warmup': warmupSeconds, '-d': seconds }),
      '--by-message',
      ...server.connect(1),
    ]);
    return {
      'last delivery p50 ms': ms(load.last_delivery_us?.p50),
      'max ms': ms(load.last_delivery_us?.max),
      'longest turn ms': round((await longestTurn) ?? Number.NaN),
      'CPU µs a delivery': round(load.server.cpu_us_per_msg ?? Number.NaN),
      ...others(load),
      ...lost(load),
    };
  },
};

export const fanOuts = { idle, saturation, rooms: manyRooms, 'one-room': oneRoom } as const;
