/** `gateway`: what an operator sees of one gateway: connections, rooms, queues, the canary alarm. */
import { defineRoute } from './define.ts';
import { Instant, Nullable, Shape, Type, type Static } from './schema.ts';

const Count = (description: string) => Type.Integer({ minimum: 0, description });
const Milliseconds = (description: string) => Nullable(Type.Integer({ minimum: 0, description }));
const canaryStatsSchema = Shape({
  lastAt: Nullable(Instant('When its page was last seen; null before the first')),
  wholeMs: Milliseconds('From the reading to the page, the last time that this gateway sent it'),
  p99Ms: Milliseconds('The 99th percentile of the last 100'),
  failed: Count('Alarms that this gateway sent and that did not come through, since the start'),
});
export type CanaryStats = Static<typeof canaryStatsSchema>;
export const realtimeStatsSchema = Shape({
  connections: Shape({
    total: Count('Open now'),
    byTransport: Shape({ webSocket: Count('By WebSocket'), sse: Count('By Server-Sent Events') }),
    byRole: Type.Record(Type.String(), Count('Who has several roles counts in each')),
  }),
  rooms: Count('In which somebody is, over all streams'),
  subscriptions: Count('Who is in them; who is in several rooms counts in each'),
  streams: Type.Record(
    Type.String(),
    Shape({
      rooms: Count('In which somebody is'),
      subscriptions: Count('Who is in them'),
      ringMessages: Count('Kept in memory'),
      received: Count('Messages read since the start'),
      delivered: Count('Frames given to members since the start'),
      reads: Count('Readers of the stream for what is older than memory, since the start'),
    }),
  ),
  queues: Shape({
    bytes: Count('Waiting for clients, over all connections'),
    largestBytes: Count('Of the client who reads slowest'),
    full: Count('Connections that are closed unless they read soon'),
  }),
  presence: Shape({
    people: Count('Who is there, over all gateways'),
    gateways: Count('Other gateways that live'),
    rooms: Count('Presence rooms in which somebody is'),
    members: Count('Who is in them'),
    pending: Count('Entries that other gateways are still to be told'),
  }),
  messages: Shape({
    framesIn: Count('Frames of clients since the start'),
    framesOut: Count('Frames to clients since the start'),
  }),
  canary: Type.Optional(canaryStatsSchema),
  uptimeSeconds: Type.Number({ minimum: 0 }),
});
export type RealtimeStats = Static<typeof realtimeStatsSchema>;
export const statsRoute = defineRoute({
  name: 'realtime:stats',
  method: 'GET',
  path: '/realtime/stats',
  description: 'Connections, rooms, subscriptions, queues and message counts of this gateway. Operators only.',
  access: 'bearer',
  answers: { 200: { description: 'Now', schema: realtimeStatsSchema } },
});
