/** What ends without warning: a gateway, and nats-server. */
import { spreadOf } from '../figures.ts';
import { openClient, type Client, type Frame } from './client.ts';
import type { Desk } from './desk.ts';
import type { Figures, Size } from './fan-out.ts';
import { alertRoom, emitAlert } from './rooms.ts';
import { monotonicNow, runSchedule } from './schedule.ts';

const sizes = { full: { clients: 1_000, rooms: 100 }, quick: { clients: 100, rooms: 10 } } as const;
/** Each room has one a second. */
const planOf = (rooms: number) => ({ rooms, rate: rooms, factor: 1, everySeconds: 1 });
const within = 60_000;

/** The first delay of the protocol: half a second, and up to half a second more by chance. */
const firstDelayMs = (): number => 500 + Math.random() * 500;
const later = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));
const inTime = <T>(promise: Promise<T>, what: string): Promise<T> =>
  Promise.race([promise, later(within).then(() => Promise.reject(new Error(`${what}: not within ${within} ms`)))]);

/** Looks at what comes: numbers of a room grow by one, whatever happens between. */
function createWitness(): { onMessage(frame: Frame): void; faults: { holes: number; doubles: number } } {
  const faults = { holes: 0, doubles: 0 };
  let last: number | undefined;
  return {
    faults,
    onMessage({ data }) {
      const count = data?.n ?? 0;
      if (last !== undefined && count <= last) faults.doubles++;
      if (last !== undefined && count > last + 1) faults.holes++;
      last = count;
    },
  };
}

/** From the kill to the moment when each client is in its room again, on another gateway, with what it missed. */
export async function runKill(desk: Desk, size: Size): Promise<Figures> {
  const { clients, rooms } = sizes[size];
  const [first, second] = [await desk.startGateway(), await desk.startGateway()];
  const witnesses = Array.from({ length: clients }, createWitness);
  const open = (index: number, port: number, from?: ReadonlyMap<string, string>): Promise<Client> =>
    openClient({
      port,
      token: desk.tokens[index] ?? '',
      rooms: [alertRoom(index % rooms)],
      ...(from === undefined ? {} : { from }),
      onMessage: witnesses[index]?.onMessage ?? (() => {}),
    });
  const before = await Promise.all(witnesses.map((_, index) => open(index, first.port)));
  const stopPublishing = runSchedule(planOf(rooms), (room, payload) => emitAlert(desk.bus, room, payload));
  // A client that has read nothing yet has nothing to miss.
  await later(2_000);
  const killedAt = performance.now();
  const resumedAfter: number[] = [];
  const comeBack = async (client: Client, index: number): Promise<Client> => {
    await client.closed;
    await later(firstDelayMs());
    const again = await open(index, second.port, client.positions);
    resumedAfter.push(performance.now() - killedAt);
    return again;
  };
  const returning = Promise.all(before.map(comeBack));
  first.kill();
  const after = await inTime(returning, 'all clients on the other gateway');
  await later(2_000);
  stopPublishing();
  for (const client of after) client.terminate();
  await second.stop();
  const { p50, max } = spreadOf(resumedAfter);
  const sum = (fault: 'holes' | 'doubles'): number => witnesses.reduce((total, { faults }) => total + faults[fault], 0);
  return {
    clients,
    'median resumed after ms': p50,
    'all resumed after ms': max,
    'recovered completely': after.filter(({ recoveries }) => [...recoveries.values()][0] === 'complete').length,
    holes: sum('holes'),
    doubles: sum('doubles'),
  };
}

/** From the moment when nats-server answers again to the moment when each client has a message published since. */
export async function runNatsRestart(desk: Desk, size: Size): Promise<Figures> {
  const { clients, rooms } = sizes[size];
  const gateway = await desk.startGateway();
  let answersAt = Infinity;
  let isLive = (): void => {};
  const live = new Set<number>();
  const allLive = new Promise<void>((resolve) => (isLive = resolve));
  const open = await Promise.all(
    Array.from({ length: clients }, (_, index) =>
      openClient({
        port: gateway.port,
        token: desk.tokens[index] ?? '',
        rooms: [alertRoom(index % rooms)],
        onMessage({ data }) {
          if ((data?.ts ?? 0) > answersAt && live.add(index).size === clients) isLive();
        },
      }),
    ),
  );
  let ended = 0;
  for (const { closed } of open) void closed.then(() => ended++);
  // Ten a second and room, so that what is seen is not the time between two of them.
  const stopPublishing = runSchedule({ ...planOf(rooms), rate: rooms * 10 }, (room, payload) => {
    if (desk.bus.isConnected()) emitAlert(desk.bus, room, payload);
  });
  await later(1_000);
  const killedAt = monotonicNow();
  await desk.killNats();
  await desk.restartNats();
  answersAt = monotonicNow();
  await inTime(allLive, 'all clients live');
  const liveAt = monotonicNow();
  stopPublishing();
  const endedBefore = ended;
  for (const client of open) client.terminate();
  await gateway.stop();
  return {
    clients,
    'NATS was away ms': Math.round((answersAt - killedAt) / 1_000),
    'all live after ms': Math.round((liveAt - answersAt) / 1_000),
    'connections lost': endedBefore,
  };
}
