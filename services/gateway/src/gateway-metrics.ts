/** What the gateway tells Prometheus besides what every service does. Labels are names from contracts, never ids. */
import { roles, type StreamName } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import { operations } from '@carillon/contracts/surface';
import { latencyBuckets } from '@carillon/runtime/metrics';
import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Caller } from './calls.ts';
import type { Hub } from './hub.ts';
import type { Presence } from './presence/presence.ts';
import type { Connection } from './session.ts';

type Held = {
  connections: ReadonlySet<Connection>;
  hubs: ReadonlyMap<StreamName, Hub>;
  presence: Pick<Presence, 'counts'>;
};

/** Whoever has several roles is counted under the first of the contracts' list; before the token is checked, `none`. */
const roleOf = (connection: Connection): string => {
  const his = connection.identity?.roles ?? [];
  return roles.find((role) => his.includes(role)) ?? 'none';
};

/** What the gateway holds at this moment. */
export function measureHeld(registry: Registry, { connections, hubs, presence }: Held): void {
  const registers = [registry];
  void new Gauge({
    name: 'carillon_connections',
    help: 'Open connections',
    labelNames: ['transport', 'role'],
    registers,
    collect() {
      this.reset();
      for (const connection of connections) this.inc({ transport: connection.transport, role: roleOf(connection) });
    },
  });
  void new Gauge({
    name: 'carillon_send_queue_bytes',
    help: 'What connections have not read yet, by transport',
    labelNames: ['transport'],
    registers,
    collect() {
      this.reset();
      for (const connection of connections) {
        this.inc({ transport: connection.transport }, connection.unreadBytes());
      }
    },
  });
  void new Gauge({
    name: 'carillon_subscriptions',
    help: 'Who is in a room, counted over the rooms of a stream',
    labelNames: ['stream'],
    registers,
    collect() {
      for (const [stream, hub] of hubs) this.set({ stream }, hub.counts().members);
    },
  });
  void new Gauge({
    name: 'carillon_rooms',
    help: 'Rooms of a stream in which somebody is',
    labelNames: ['stream'],
    registers,
    collect() {
      for (const [stream, hub] of hubs) this.set({ stream }, hub.counts().rooms);
    },
  });
  void new Gauge({
    name: 'carillon_presence_people',
    help: 'People who are there, as this gateway sees it over all gateways',
    registers,
    collect() {
      this.set(presence.counts().people);
    },
  });
  void new Gauge({
    name: 'carillon_presence_pending',
    help: 'What this gateway still has to tell the others of its people',
    registers,
    collect() {
      this.set(presence.counts().pending);
    },
  });
  void new Counter({
    name: 'carillon_stream_reads_total',
    help: 'Readers made for what clients missed and memory no longer held',
    labelNames: ['stream'],
    registers,
    collect() {
      this.reset();
      for (const [stream, hub] of hubs) this.inc({ stream }, hub.counts().reads);
    },
  });
}

/** Connections that stay are no requests: their time would say how long people look, not how quick we are. */
const isLasting = (route: string): boolean => /^\/realtime\/(ws|events)/.test(route);

/** By the template of the route, never by the path, which holds ids. */
export function measureHttp(registry: Registry, app: FastifyInstance): void {
  const seconds = new Histogram({
    name: 'carillon_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer',
    labelNames: ['route', 'method', 'status'],
    buckets: latencyBuckets,
    registers: [registry],
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    if (!isLasting(route)) {
      const status = `${Math.floor(reply.statusCode / 100)}xx`;
      seconds.observe({ route, method: request.method, status }, reply.elapsedTime / 1_000);
    }
    done();
  });
}

/** Times every call, however it came. The outcome is `ok`, `accepted` or the code of the error. */
export function measureCalls(registry: Registry, caller: Caller): Caller {
  const seconds = new Histogram({
    name: 'carillon_call_seconds',
    help: 'Time from a call to its answer, by frame and by HTTP',
    labelNames: ['operation', 'outcome'],
    buckets: latencyBuckets,
    registers: [registry],
  });
  return {
    ...caller,
    async call(call) {
      const endTimer = seconds.startTimer({ operation: operations.has(call.operation) ? call.operation : 'unknown' });
      try {
        const answer = await caller.call(call);
        endTimer({ outcome: 'accepted' in answer ? 'accepted' : 'ok' });
        return answer;
      } catch (error) {
        endTimer({ outcome: error instanceof CodedError ? error.code : 'internal' });
        throw error;
      }
    },
  };
}

/** @returns what is told of each message that was handed to members of its rooms, with the time that it bears */
export function measureDelivery(registry: Registry): (stream: StreamName, at: string) => void {
  const seconds = new Histogram({
    name: 'carillon_delivery_seconds',
    help: 'Time from an event to its frames, handed to all who are in its rooms',
    labelNames: ['stream'],
    buckets: latencyBuckets,
    registers: [registry],
  });
  const ofStream = new Map<StreamName, { observe(value: number): void }>();
  return (stream, at) => {
    const tookMs = Date.now() - Date.parse(at);
    // An event without a time tells nothing; one from the future took no time.
    if (!Number.isFinite(tookMs)) return;
    // With every message of every stream: to look the labels up each time would be felt.
    const own = ofStream.get(stream) ?? seconds.labels({ stream });
    ofStream.set(stream, own);
    own.observe(Math.max(0, tookMs) / 1_000);
  };
}
