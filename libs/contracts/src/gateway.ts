/** `gateway`: the frames of the client protocol `carillon.v1`. Those of clients are checked by these schemas. */
import type { Lane } from './define.ts';
import type { ErrorCode, Retry } from './errors.ts';
import { OneOf, Shape, Type, type Static, type TSchema } from './schema.ts';

/** A command's key, in a frame and in a header alike: 1 to 128 visible ASCII characters. */
export const keyPattern = '^[!-~]{1,128}$';

const FrameId = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Grows with each frame' });
const Token = Type.String({ minLength: 1, maxLength: 8192 });
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

const clientFrames = {
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
