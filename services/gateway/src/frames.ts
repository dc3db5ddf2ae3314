/** Frames of `carillon.v1`: what clients send, as schemas; what they are sent, as bytes. */
import type { Lane } from '@carillon/contracts/define';
import { errors, type CodedError } from '@carillon/contracts/errors';
import { OneOf, Shape, Type, type Static, type TSchema } from '@carillon/contracts/schema';
import type { Message } from './ring.ts';
import type { Room } from './rooms.ts';

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
      code: string;
      message: string;
      retry: string;
      afterMs?: number;
      issues?: readonly unknown[];
    }
  | { t: 'subscribed'; id: number; room: string; pos: string; lane: Lane; recovery: Recovery }
  | { t: 'reset'; room: string; reason: string }
  | { t: 'unsubscribed'; room: string; code: string }
  | { t: 'reauth'; graceMs: number }
  | { t: 'ping' };

export const encodeFrame = (frame: ServerFrame): Buffer => Buffer.from(JSON.stringify(frame));

export function errorFrame(error: CodedError, id?: number): ServerFrame {
  return {
    t: 'err',
    ...(id === undefined ? {} : { id }),
    code: error.code,
    message: error.message,
    retry: error.afterMs === undefined ? errors[error.code].retry : 'after',
    ...(error.afterMs === undefined ? {} : { afterMs: error.afterMs }),
    ...(error.issues === undefined ? {} : { issues: error.issues }),
  };
}

export const position = (epoch: string, sequence: number): string => `${epoch}-${sequence}`;

export function parsePosition(text: string): { epoch: string; sequence: number } | undefined {
  const match = /^([0-9a-z]{1,20})-(\d{1,15})$/.exec(text);
  return match?.[1] === undefined ? undefined : { epoch: match[1], sequence: Number(match[2]) };
}

/**
 * A message as the room's members get it: built once, from headers and the body's bytes. In bulk rooms there is no
 * `prev`: the newest counts, and a hole is no loss.
 */
export function messageFrame(room: Room, message: Message, epoch: string, previous: number): Buffer {
  const isBulk = room.definition.recovery === 'latest';
  const head =
    `{"t":"msg","room":${JSON.stringify(room.name)},"ev":${JSON.stringify(message.event)},` +
    `"mid":${JSON.stringify(message.id)},"pos":"${position(epoch, message.sequence)}",` +
    (isBulk ? '' : `"prev":"${position(epoch, previous)}",`) +
    `"at":${JSON.stringify(message.at)},"version":${Number(message.version) || 0},` +
    (message.isAckWanted ? '"ack":true,' : '') +
    '"data":';
  return Buffer.concat([Buffer.from(head), message.body, closing]);
}
const closing = Buffer.from('}');
