/** `gateway`: the frames of the client protocol `carillon.v1`. Those of clients are checked by these schemas. */
import { defineRoute, roles, type Lane } from './define.ts';
import { errors, type ErrorCode, type Retry } from './errors.ts';
import { receiptLevels } from './receipts.ts';
import { serverFrames } from './server-frames.ts';
import { Id, OneOf, Shape, Type, type Static, type TObject, type TSchema } from './schema.ts';

/** A command's key, in a frame and in a header alike: 1 to 128 visible ASCII characters. */
export const keyPattern = '^[!-~]{1,128}$';

const FrameId = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Grows with each frame' });
const Token = Type.String({ minLength: 1, maxLength: 8192, description: 'A JWT' });
const Text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description });
const RoomName = Text(200, 'Name of the room');
const Operation = Text(100, 'Name of a command or query, e.g. `alert:acknowledge`');

export const clientFrames = {
  connect: Shape({
    t: Type.Literal('connect'),
    id: FrameId,
    token: Type.Optional(Token),
    client: Type.Optional(
      Shape(
        { name: Text(64, 'Name of the program'), version: Type.Optional(Text(64, 'Its version')) },
        'For those who look for what is wrong',
      ),
    ),
    tab: Type.Optional(Text(64, 'Tells the tabs of a browser apart')),
  }),
  subscribe: Shape({
    t: Type.Literal('subscribe'),
    id: FrameId,
    room: RoomName,
    from: Type.Optional(Text(64, 'Resumes: the newest position that was seen')),
  }),
  unsubscribe: Shape({ t: Type.Literal('unsubscribe'), id: FrameId, room: RoomName }),
  call: Shape({
    t: Type.Literal('call'),
    id: FrameId,
    op: Operation,
    key: Type.Optional(
      Type.String({ pattern: keyPattern, description: 'Of a command: chosen by the caller, as `Idempotency-Key` is' }),
    ),
    data: Type.Optional(Type.Unknown({ description: 'The input of the operation' })),
  }),
  signal: Shape({
    t: Type.Literal('signal'),
    op: Text(100, 'Name of the signal'),
    data: Type.Optional(Type.Unknown()),
  }),
  ack: Shape({
    t: Type.Literal('ack'),
    mid: Type.Array(Text(128, 'Id of a message'), { maxItems: 500, description: 'Which messages' }),
    level: OneOf(receiptLevels, 'How far it came'),
  }),
  rx: Shape({
    t: Type.Literal('rx'),
    n: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description:
        'How many messages of bulk rooms were read on this connection, in all; from the first `rx` on, credit counts',
    }),
  }),
  reauth: Shape({ t: Type.Literal('reauth'), id: FrameId, token: Token }),
  pong: Shape({ t: Type.Literal('pong') }),
} as const satisfies Record<string, TSchema>;

export type ClientFrameType = keyof typeof clientFrames;
export type ClientFrame = { [K in ClientFrameType]: Static<(typeof clientFrames)[K]> }[ClientFrameType];

export const clientFrameSchema = (type: unknown): TSchema | undefined =>
  typeof type === 'string' && Object.hasOwn(clientFrames, type) ? clientFrames[type as ClientFrameType] : undefined;

/** What a resume could prove; see docs/protocol.md. */
export const recoveries = ['complete', 'lost', 'latest', 'fresh', 'snapshot'] as const;
export type Recovery = (typeof recoveries)[number];

/** Why a subscription ended that nobody gave up. */
export const subscriptionEnds = {
  relation_ended: 'You may no longer enter the room: a ward, care team, duty or break-glass access has ended',
  ended: 'An operator has ended the subscription',
} as const;
export type SubscriptionEnd = keyof typeof subscriptionEnds;

/**
 * How many messages of bulk rooms, and how many bytes of them, are on their way to a client that sends `rx`; what comes
 * meanwhile is kept as the newest of each key. So an alert never waits behind more than this.
 */
export const bulkWindow = { messages: 16, bytes: 4_096 } as const;

export type ServerFrame =
  | {
      t: 'ready';
      id?: number;
      connection: string;
      person: string;
      now: string;
      expiresAt: string;
      ping: { everyMs: number; waitMs: number };
      bulk: { messages: number; bytes: number };
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
  | { t: 'subscribed'; id?: number; room: string; pos?: string; lane: Lane; recovery: Recovery; data?: unknown }
  | { t: 'reset'; room: string; reason: string }
  | { t: 'unsubscribed'; room: string; code: SubscriptionEnd }
  | { t: 'reauth'; graceMs: number }
  | { t: 'goaway'; reason: string; spreadMs: number }
  | { t: 'ping' };

/** The body of every HTTP error but FHIR's. */
export const httpErrorSchema = Shape({
  error: Shape({
    code: OneOf(Object.keys(errors), 'What a program decides by'),
    message: Type.String({ description: 'For people' }),
    issues: Type.Optional(Type.Array(Type.Unknown(), { description: 'What is wrong with the input, place by place' })),
    afterMs: Type.Optional(Type.Integer({ minimum: 0, description: 'Milliseconds to wait before the next attempt' })),
  }),
});
const eventStream = {
  200: { description: 'Server-Sent Events, until you leave', contentType: 'text/event-stream' },
} as const;
const Room = Type.String({ maxLength: 200 });
export const eventsQuerySchema = Shape({
  room: Type.Optional(Type.Union([Room, Type.Array(Room)], { description: 'A room; may repeat' })),
  lastEventId: Type.Optional(
    Type.String({ maxLength: 8192, description: 'For clients that cannot set the header `Last-Event-ID`, which wins' }),
  ),
  token: Type.Optional(
    Type.String({ maxLength: 8192, description: 'Only while CARILLON_QUERY_TOKEN=allow; the header wins' }),
  ),
});
const sse = (name: string, path: `/${string}`, description: string, params?: TObject) =>
  defineRoute({
    name,
    method: 'GET',
    path,
    description,
    access: 'bearer',
    ...(params === undefined ? {} : { params }),
    query: eventsQuerySchema,
    answers: eventStream,
  });
const ofPatient = Shape({ id: Id('Patient') });
const ofHospital = Shape({ id: Id('Hospital') });
export const eventsRoute = sse(
  'realtime:events',
  '/realtime/events',
  'Live events of the rooms that are named, as Server-Sent Events. The header `Last-Event-ID` resumes where a stream ended.',
);
export const patientEventsRoute = sse(
  'realtime:patientEvents',
  '/realtime/events/patient/:id',
  'As `/realtime/events`, with the rooms of a patient besides those that are named.',
  ofPatient,
);
export const hospitalEventsRoute = sse(
  'realtime:hospitalEvents',
  '/realtime/events/hospital/:id',
  'As `/realtime/events`, with the rooms of a hospital besides those that are named.',
  ofHospital,
);
export const deviceEventsRoute = sse(
  'realtime:deviceEvents',
  '/realtime/events/device/:type/:id',
  'As `/realtime/events`, with the room of a device besides those that are named.',
  Shape({ type: Id('Kind of device'), id: Id('Device') }),
);

const webSocket = (name: string, path: `/${string}`, description: string, params?: TObject) =>
  defineRoute({
    name,
    method: 'GET',
    path,
    description,
    access: 'none',
    ...(params === undefined ? {} : { params }),
    answers: {
      101: { description: 'WebSocket, subprotocol `carillon.v1`; the token may come with the first frame' },
      400: { description: 'No WebSocket upgrade, or no valid path', schema: httpErrorSchema },
      403: { description: 'A page of this origin may not connect', schema: httpErrorSchema },
    },
  });
export const webSocketRoute = webSocket(
  'realtime:webSocket',
  '/realtime/ws',
  'Live events, commands and queries over one WebSocket; its frames are in `/docs/asyncapi.json`.',
);
export const patientWebSocketRoute = webSocket(
  'realtime:patientWebSocket',
  '/realtime/ws/patient/:id',
  'As `/realtime/ws`, with the rooms of that patient joined from the start.',
  ofPatient,
);
export const hospitalWebSocketRoute = webSocket(
  'realtime:hospitalWebSocket',
  '/realtime/ws/hospital/:id',
  'As `/realtime/ws`, with the rooms of that hospital joined from the start.',
  ofHospital,
);

/** This endpoint answers as a connection does: errors are `err` frames. */
const errorFrames = Object.fromEntries(
  Object.values(errors).map(({ status }) => [status, { description: 'An `err` frame', schema: serverFrames.err }]),
);

export const commandRoute = defineRoute({
  name: 'realtime:command',
  method: 'POST',
  path: '/realtime/command',
  description: 'One `call`, `signal` or `ack` frame of a client that reads by Server-Sent Events.',
  access: 'bearer',
  body: { schema: Type.Union([clientFrames.call, clientFrames.signal, clientFrames.ack]) },
  answers: {
    ...errorFrames,
    200: { description: 'The answering frame', schema: serverFrames.ok },
    202: { description: 'The answering frame of a command that is stored and not done yet', schema: serverFrames.ok },
    204: { description: 'A signal or an ack was taken' },
  },
});

export const testPublishSchema = Shape({
  room: RoomName,
  event: Type.String({
    pattern: '^[a-z][A-Za-z0-9]*:[a-z][A-Za-z0-9]*$',
    maxLength: 100,
    description: '<entity>:<verb>',
  }),
  data: Type.Unknown({ description: 'What the event says' }),
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
      schema: Shape({
        mid: Type.String({ description: 'Id of the message' }),
        subject: Type.String({ description: 'Where it was published' }),
      }),
    },
  },
  developmentOnly: true,
});

export const devTokenRequestSchema = Shape({
  person: Id('Person of the directory'),
  mfa: Type.Optional(Type.Boolean({ description: 'As if a second factor had been given just now' })),
});
export const devTokenRoute = defineRoute({
  name: 'dev:token',
  method: 'POST',
  path: '/v1/dev/token',
  description: 'A token for any person of the directory, given to anybody: for demos and tests.',
  access: 'none',
  body: { schema: devTokenRequestSchema },
  answers: {
    200: { description: 'Good for 12 hours', schema: Shape({ token: Type.String({ description: 'A JWT' }) }) },
  },
  developmentOnly: true,
});
export const devPeopleRoute = defineRoute({
  name: 'dev:people',
  method: 'GET',
  path: '/v1/dev/people',
  description: 'Whom a development token can be had for.',
  access: 'none',
  answers: {
    200: {
      description: 'All people of the directory',
      schema: Shape({
        items: Type.Array(
          Shape({
            person: Id('Person'),
            name: Type.String(),
            roles: Type.Array(OneOf(roles, 'Role')),
            wards: Type.Array(Id('Ward')),
            hospital: Id('Hospital'),
          }),
        ),
      }),
    },
  },
  developmentOnly: true,
});

const documentRoute = (name: string, path: `/docs${string}`, description: string, contentType: string) =>
  defineRoute({
    name: `docs:${name}`,
    method: 'GET',
    path,
    description,
    access: 'none',
    answers: {
      200: {
        description,
        contentType,
        ...(contentType === 'application/json' ? { schema: Type.Object({}, { description }) } : {}),
      },
    },
  });
export const docsRoute = documentRoute('page', '/docs', 'This interface as a page to read and to try.', 'text/html');
export const docsAssetRoute = defineRoute({
  name: 'docs:asset',
  method: 'GET',
  path: '/docs/assets/:file',
  description: 'Scripts and styles of the page.',
  access: 'none',
  params: Shape({ file: Type.String({ description: 'Name of the file', examples: ['page.js'] }) }),
  answers: {
    200: { description: 'The file', contentType: 'text/*' },
    404: { description: 'There is no such file', schema: httpErrorSchema },
  },
});
export const openApiRoute = documentRoute(
  'openApi',
  '/docs/openapi.json',
  'The HTTP interface as OpenAPI 3.1.',
  'application/json',
);
export const asyncApiRoute = documentRoute(
  'asyncApi',
  '/docs/asyncapi.json',
  'WebSocket frames, rooms and NATS subjects as AsyncAPI 3.0.',
  'application/json',
);
export const protocolPageRoute = documentRoute(
  'protocol',
  '/docs/protocol.md',
  'The client protocol `carillon.v1` in words.',
  'text/plain',
);
export const errorsPageRoute = documentRoute(
  'errors',
  '/docs/errors.md',
  'Every error code, its meaning and what to do.',
  'text/plain',
);
