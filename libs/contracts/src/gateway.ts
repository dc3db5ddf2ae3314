/** `gateway`: the frames of the client protocol `carillon.v1`. Those of clients are checked by these schemas. */
import { defineRoute, type Lane } from './define.ts';
import type { ErrorCode, Retry } from './errors.ts';
import { OneOf, Shape, Type, type Static, type TSchema } from './schema.ts';

/** A command's key, in a frame and in a header alike: 1 to 128 visible ASCII characters. */
export const keyPattern = '^[!-~]{1,128}$';

const FrameId = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Grows with each frame' });
const Token = Type.String({ minLength: 1, maxLength: 8192 });
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

export const clientFrames = {
  connect: Shape({
    t: Type.Literal('connect'),
    id: FrameId,
    token: Type.Optional(Token),
    client: Type.Optional(Shape({ name: Text(64), version: Type.Optional(Text(64)) })),
    tab: Type.Optional(Text(64)),
  }),
  subscribe: Shape({
    t: Type.Literal('subscribe'),
    id: FrameId,
    room: Text(200),
    from: Type.Optional(Text(64)),
  }),
  unsubscribe: Shape({ t: Type.Literal('unsubscribe'), id: FrameId, room: Text(200) }),
  call: Shape({
    t: Type.Literal('call'),
    id: FrameId,
    op: Text(100),
    key: Type.Optional(Type.String({ pattern: keyPattern, description: 'Chosen by the caller' })),
    data: Type.Optional(Type.Unknown()),
  }),
  signal: Shape({ t: Type.Literal('signal'), op: Text(100), data: Type.Optional(Type.Unknown()) }),
  ack: Shape({
    t: Type.Literal('ack'),
    mid: Type.Array(Text(128), { maxItems: 500 }),
    level: OneOf(['delivered', 'displayed', 'read'], 'How far it came'),
  }),
  rx: Shape({ t: Type.Literal('rx'), n: Type.Integer({ minimum: 0 }) }),
  reauth: Shape({ t: Type.Literal('reauth'), id: FrameId, token: Token }),
  pong: Shape({ t: Type.Literal('pong') }),
} as const satisfies Record<string, TSchema>;

export type ClientFrameType = keyof typeof clientFrames;
export type ClientFrame = { [K in ClientFrameType]: Static<(typeof clientFrames)[K]> }[ClientFrameType];

export const clientFrameSchema = (type: unknown): TSchema | undefined =>
  typeof type === 'string' && Object.hasOwn(clientFrames, type) ? clientFrames[type as ClientFrameType] : undefined;

/** What a resume could prove; see docs/protocol.md. */
export type Recovery = 'complete' | 'lost' | 'latest' | 'fresh';

export type ServerFrame =
  | {
      t: 'ready';
      id?: number;
      connection: string;
      person: string;
      now: string;
      expiresAt: string;
      ping: { everyMs: number; waitMs: number };
      limits: { frameBytes: number; rooms: number; callsPerMinute: number };
      rooms: readonly string[];
    }
  | { t: 'ok'; id: number; data?: unknown; accepted?: true; key?: string }
  | {
      t: 'err';
      id?: number;
      code: ErrorCode;
      message: string;
      retry: Retry;
      afterMs?: number;
      issues?: readonly unknown[];
    }
  | { t: 'subscribed'; id: number; room: string; pos: string; lane: Lane; recovery: Recovery }
  | { t: 'reset'; room: string; reason: string }
  | { t: 'unsubscribed'; room: string; code: string }
  | { t: 'reauth'; graceMs: number }
  | { t: 'ping' };

/** The body of every HTTP error but FHIR's. */
export const httpErrorSchema = Shape({
  error: Shape({
    code: Type.String({ description: 'Of the error table' }),
    message: Type.String({ description: 'For people' }),
    issues: Type.Optional(Type.Array(Type.Unknown())),
    afterMs: Type.Optional(Type.Integer({ description: 'Try again after this' })),
  }),
});
const eventStream = {
  200: { description: 'Server-Sent Events, until you leave', contentType: 'text/event-stream' },
} as const;
const roomQuery = Shape({
  room: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())], { description: 'A room; may repeat' })),
});
const sse = (name: string, path: `/${string}`, description: string) =>
  defineRoute({ name, method: 'GET', path, description, access: 'bearer', query: roomQuery, answers: eventStream });
export const eventsRoute = sse('realtime:events', '/realtime/events', 'Rooms as Server-Sent Events.');
export const patientEventsRoute = sse(
  'realtime:patientEvents',
  '/realtime/events/patient/:id',
  'The rooms of a patient as Server-Sent Events.',
);
export const hospitalEventsRoute = sse(
  'realtime:hospitalEvents',
  '/realtime/events/hospital/:id',
  'The rooms of a hospital as Server-Sent Events.',
);
export const deviceEventsRoute = sse(
  'realtime:deviceEvents',
  '/realtime/events/device/:type/:id',
  'The room of a device as Server-Sent Events.',
);

const webSocket = (name: string, path: `/${string}`, description: string) =>
  defineRoute({
    name,
    method: 'GET',
    path,
    description,
    access: 'none',
    answers: { 101: { description: 'WebSocket, subprotocol carillon.v1; the token may come with the first frame' } },
  });
export const webSocketRoute = webSocket('realtime:webSocket', '/realtime/ws', 'The WebSocket endpoint.');
export const patientWebSocketRoute = webSocket(
  'realtime:patientWebSocket',
  '/realtime/ws/patient/:id',
  'The same, with that patient’s rooms from the start.',
);
export const hospitalWebSocketRoute = webSocket(
  'realtime:hospitalWebSocket',
  '/realtime/ws/hospital/:id',
  'The same, with that hospital’s rooms from the start.',
);

export const commandRoute = defineRoute({
  name: 'realtime:command',
  method: 'POST',
  path: '/realtime/command',
  description: 'One `call`, `signal` or `ack` frame of a client that reads by Server-Sent Events.',
  access: 'bearer',
  body: { schema: Type.Union([clientFrames.call, clientFrames.signal, clientFrames.ack]) },
  answers: {
    200: { description: 'The answering frame', schema: Type.Unknown() },
    202: { description: 'The `ok` frame of a command that is stored and not done yet', schema: Type.Unknown() },
    204: { description: 'A signal or an ack was taken' },
  },
});

export const testPublishSchema = Shape({
  room: Text(200),
  event: Type.String({ pattern: '^[a-z][A-Za-z0-9]*:[a-z][A-Za-z0-9]*$', description: '<entity>:<verb>' }),
  data: Type.Unknown(),
});
export const testPublishRoute = defineRoute({
  name: 'realtime:testPublish',
  method: 'POST',
  path: '/realtime/test/publish',
  description: 'Publishes a test event into a room. Operators only; no service acts on it.',
  access: 'bearer',
  body: { schema: testPublishSchema },
  answers: {
    202: {
      description: 'It is stored',
      schema: Shape({ mid: Type.String({ description: 'Of the message' }), subject: Type.String() }),
    },
  },
  developmentOnly: true,
});

const Count = (description: string) => Type.Integer({ minimum: 0, description });
export const realtimeStatsSchema = Shape({
  connections: Shape({
    total: Count('Open now'),
    byTransport: Shape({ webSocket: Count('By WebSocket'), sse: Count('By Server-Sent Events') }),
    byRole: Type.Record(Type.String(), Count('Who has several roles counts in each')),
  }),
  streams: Type.Record(
    Type.String(),
    Shape({
      rooms: Count('In which somebody is'),
      subscriptions: Count('Who is in them'),
      ringMessages: Count('Kept in memory'),
      received: Count('Messages read since the start'),
      delivered: Count('Frames given to members since the start'),
    }),
  ),
  queues: Shape({
    bytes: Count('Waiting for clients, over all connections'),
    largestBytes: Count('Of the client who reads slowest'),
    full: Count('Connections that are closed unless they read soon'),
  }),
  messages: Shape({
    framesIn: Count('Frames of clients since the start'),
    framesOut: Count('Frames to clients since the start'),
  }),
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
