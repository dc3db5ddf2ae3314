/** All clients come back at once, each with messages to catch up with. */
import { flushed, untilStored } from './stream.ts';
import { openClient } from './client.ts';
import type { Desk } from './desk.ts';
import type { Figures, Size } from './fan-out.ts';
import { alertRoom, emitAlert } from './rooms.ts';
import { makePayload } from './schedule.ts';
import { clientOfOurs, frame } from './servers.ts';
import { flags, type Wsload } from './wsload.ts';

const missed = 20;
/** What the first delay of the protocol leaves to chance. */
const spreadSeconds = 0.5;
const sizes = { full: { clients: 5_000, rooms: 500 }, quick: { clients: 500, rooms: 50 } } as const;

/** Requests to JetStream that read: consumers made, and messages asked for. */
function countReads(desk: Desk): { counts: { consumers: number; requests: number }; stop(): void } {
  const counts = { consumers: 0, requests: 0 };
  const tap = desk.bus.nc.subscribe('$JS.API.>', {
    callback(_, { subject }) {
      if (subject.includes('.CONSUMER.CREATE.')) counts.consumers++;
      else if (subject.includes('.MSG.NEXT.') || subject.includes('.MSG.GET.') || subject.includes('.DIRECT.GET.'))
        counts.requests++;
    },
  });
  return { counts, stop: () => tap.unsubscribe() };
}

/** @param isFresh the gateway was started after the messages, so that it has none of them in memory */
export async function runStorm(desk: Desk, wsload: Wsload, size: Size, isFresh: boolean): Promise<Figures> {
  const { clients, rooms } = sizes[size];
  let gateway = await desk.startGateway();
  const scout = await openClient({
    port: gateway.port,
    token: desk.tokens[0] ?? '',
    rooms: [alertRoom(0)],
    onMessage: () => {},
  });
  const from = scout.positions.get(alertRoom(0));
  if (from === undefined) throw new Error('a subscription without a position');
  scout.terminate();
  for (let count = 1; count <= missed; count++) {
    for (let room = 0; room < rooms; room++) emitAlert(desk.bus, room, makePayload(count));
  }
  await untilStored(desk, 'CARE', from, missed * rooms);
  if (isFresh) {
    await gateway.stop();
    gateway = await desk.startGateway();
  }
  const reads = countReads(desk);
  await flushed(desk);
  const room = alertRoom(`{i%${rooms}}`);
  const load = await wsload.run([
    ...flags({
      '-n': clients,
      '-r': clients / spreadSeconds,
      '--inflight': clients,
      '--timeout': 60,
      '-d': 0,
      '--stats-pid': gateway.pid,
    }),
    ...clientOfOurs(desk, gateway.port),
    '--send',
    frame({ t: 'subscribe', id: 1, room, from }),
    // All of them, up to the last, or a client is not live.
    '--wait',
    `"n":${missed},`,
  ]);
  await flushed(desk);
  reads.stop();
  await gateway.stop();
  return {
    'all live after ms': Math.round(load.ramp_s * 1_000),
    'median client ms': Math.round(load.ready_us.p50 / 1_000),
    'p99 client ms': Math.round(load.ready_us.p99 / 1_000),
    'consumers made': reads.counts.consumers,
    'read requests': reads.counts.requests,
    ...(load.ready === clients ? {} : { lost: clients - load.ready }),
  };
}
