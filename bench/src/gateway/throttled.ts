/** A critical message while bulk saturates a thin line: what lanes and credit are for. */
import { startFaultProxy } from '@carillon/testkit/fault-proxy';
import { spreadOf } from '../figures.ts';
import { openClient } from './client.ts';
import type { Desk } from './desk.ts';
import type { Figures, Size } from './fan-out.ts';
import { alertRoom, emitAlert, emitVital, vitalsRoom } from './rooms.ts';
import { monotonicNow, runSchedule } from './schedule.ts';

/** 256 kbit/s. */
const bytesPerSecond = 32_000;
/** A frame of ours is some 400 bytes, so this is about five times what the line carries. */
const bulkASecond = 400;
/** Vital signs of as many patients, whose newest values are what a slow client is shown. */
const keys = 50;
const criticalASecond = 5;
const seconds: Readonly<Record<Size, number>> = { full: 30, quick: 8 };

const lateWithinMs = 30_000;

export async function runThrottled(desk: Desk, size: Size): Promise<Figures> {
  const gateway = await desk.startGateway();
  const proxy = await startFaultProxy({ port: gateway.port });
  proxy.inject('toClient', { bytesPerSecond });
  const latencies: number[] = [];
  const arrived = { bulk: 0, skipped: 0 };
  const client = await openClient({
    port: proxy.port,
    token: desk.tokens[0] ?? '',
    rooms: [alertRoom(0), vitalsRoom(0)],
    hasCredit: true,
    onMessage({ ev, skipped = 0, data }) {
      if (ev === 'alert:raised') latencies.push((monotonicNow() - (data?.ts ?? 0)) / 1_000);
      else {
        arrived.bulk++;
        arrived.skipped += skipped;
      }
    },
  });
  let published = 0;
  const constant = { rooms: 1, factor: 1, everySeconds: 1 };
  const stopBulk = runSchedule({ ...constant, rate: bulkASecond }, (_, payload) =>
    emitVital(desk.bus, { room: 0, key: `p${published++ % keys}` }, payload),
  );
  let critical = 0;
  const stopCritical = runSchedule({ ...constant, rate: criticalASecond }, (room, payload) => {
    critical++;
    emitAlert(desk.bus, room, payload);
  });
  const over = (afterMs: number): Promise<'over'> => new Promise((resolve) => setTimeout(resolve, afterMs, 'over'));
  const closedWith = await Promise.race([client.closed, over(seconds[size] * 1_000)]);
  stopCritical();
  const { bulk, skipped } = arrived;
  // Bulk goes on until the last critical message is there: those that wait longest count too.
  const giveUpAt = performance.now() + lateWithinMs;
  while (closedWith === 'over' && latencies.length < critical && performance.now() < giveUpAt) await over(50);
  stopBulk();
  client.terminate();
  await proxy.close();
  await gateway.stop();
  const { p50, p99, max } = spreadOf(latencies);
  return {
    'critical p50 ms': p50,
    'p99 ms': p99,
    'max ms': max,
    'critical arrived %': Math.round((latencies.length / critical) * 100),
    'bulk arrived/s': Math.round(bulk / seconds[size]),
    'bulk skipped/s': Math.round(skipped / seconds[size]),
    ...(closedWith === 'over' ? {} : { 'closed with': closedWith }),
  };
}
