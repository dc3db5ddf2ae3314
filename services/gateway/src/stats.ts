/** `GET /realtime/stats`: what this gateway holds and did, for operators. */
import { statsRoute, type CanaryStats, type RealtimeStats } from '@carillon/contracts/gateway-stats';
import type { FastifyInstance } from 'fastify';
import type { Authentication } from './authentication.ts';
import { requireOperator, type Connection, type Shared } from './session.ts';

export function realtimeStats(
  connections: Iterable<Connection>,
  { hubs, frames, presence }: Pick<Shared, 'hubs' | 'frames' | 'presence'>,
  uptimeSeconds: number,
  canary?: CanaryStats,
): RealtimeStats {
  const all = [...connections];
  const of = (transport: Connection['transport']): number => all.filter((each) => each.transport === transport).length;
  const byRole: Record<string, number> = {};
  for (const connection of all) {
    for (const role of new Set(connection.identity?.roles)) byRole[role] = (byRole[role] ?? 0) + 1;
  }
  const counts = new Map([...hubs].map(([stream, hub]) => [stream, hub.counts()]));
  const sumOf = (count: 'rooms' | 'members'): number =>
    [...counts.values()].reduce((sum, each) => sum + each[count], 0);
  const unread = all.map((connection) => connection.unreadBytes());
  return {
    connections: {
      total: all.length,
      byTransport: { webSocket: of('webSocket'), sse: of('sse') },
      byRole,
    },
    rooms: sumOf('rooms'),
    subscriptions: sumOf('members'),
    streams: Object.fromEntries(
      [...counts].map(([stream, { members, ...others }]) => [stream, { ...others, subscriptions: members }]),
    ),
    queues: {
      bytes: unread.reduce((sum, bytes) => sum + bytes, 0),
      largestBytes: unread.reduce((most, bytes) => Math.max(most, bytes), 0),
      full: all.filter((connection) => connection.isFull()).length,
    },
    presence: presence.counts(),
    messages: { framesIn: frames.in, framesOut: frames.out },
    ...(canary === undefined ? {} : { canary }),
    uptimeSeconds,
  };
}

export function registerStats(
  app: FastifyInstance,
  shared: Shared,
  { authentication, canary }: { authentication: Authentication; canary: () => CanaryStats | undefined },
): void {
  const startedAt = performance.now();
  app.route({
    method: statsRoute.method,
    url: statsRoute.path,
    onRequest: authentication.authenticate,
    handler(request, reply) {
      const actor = authentication.identityOf(request);
      requireOperator(actor);
      shared.caller.count(actor);
      const uptimeSeconds = Math.round(performance.now() - startedAt) / 1_000;
      const stats = realtimeStats(shared.registry.all, shared, uptimeSeconds, canary());
      void reply.header('cache-control', 'no-store').send(stats);
    },
  });
}
