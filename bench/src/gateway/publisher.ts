/**
 * What wsload starts when all are connected, and ends: publishes a plan into JetStream for ours, or hands it to a peer,
 * which publishes it in its own process. Told by the environment, since arguments are for all to read.
 */
import { createConnection } from 'node:net';
import { connectBus } from '@carillon/bus/connection';
import { emitAlert } from './rooms.ts';
import { runSchedule, type Plan } from './schedule.ts';

export type Publishing = { plan: Plan } & ({ natsUrl: string } | { controlPort: number });

const publishing = JSON.parse(process.env['BENCH_PUBLISHING'] ?? '{}') as Publishing;
if ('natsUrl' in publishing) {
  const bus = await connectBus({ url: publishing.natsUrl, name: 'bench-publisher' });
  runSchedule(publishing.plan, (room, payload) => emitAlert(bus, room, payload));
} else {
  createConnection(publishing.controlPort, '127.0.0.1').write(JSON.stringify(publishing.plan));
}
