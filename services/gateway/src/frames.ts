/** Frames of `carillon.v1` as bytes; their shapes are in contracts. */
import type { Lane } from '@carillon/contracts/define';
import { errors, type CodedError } from '@carillon/contracts/errors';
import type { ServerFrame } from '@carillon/contracts/gateway';
import type { Message } from './ring.ts';
import type { Room } from './rooms.ts';

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

export type Position = {
  epoch: string;
  sequence: number;
  /**
   * Of the message at `sequence` only the copies up to this room were given. They go out in the order of the rooms' names,
   * so that this says which are still to come.
   */
  upToRoom?: string;
};

export const positionText = ({ epoch, sequence, upToRoom }: Position): string =>
  position(epoch, sequence) + (upToRoom === undefined ? '' : `!${upToRoom}`);

export function parsePosition(text: string): Position | undefined {
  const match = /^([0-9a-z]{1,20})-(\d{1,15})(?:!([A-Za-z0-9_:-]{1,200}))?$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  return {
    epoch: match[1],
    sequence: Number(match[2]),
    ...(match[3] === undefined ? {} : { upToRoom: match[3] }),
  };
}

/** A message as the members of a room get it: built once, from headers and the body's bytes. */
export type RoomFrame = {
  room: Room;
  message: Message;
  lane: Lane;
  /** A whole WebSocket frame, header and text, as it is written to sockets. */
  wire: Buffer;
  /** Its text alone: one line of JSON. */
  text: Buffer;
  /** Where `"data"` begins in the text, and one more field may be put in. */
  dataAt: number;
  /** How many older ones of its key it stands for already: its wire says so, its text does not. */
  skipped: number;
};

/** The event's own lane, or the room's usual one. Where only the newest counts, everything is bulk. */
function laneOf(room: Room, message: Message): Lane {
  if (room.definition.recovery === 'latest') return 'bulk';
  const lane = message.lane ?? room.definition.lane;
  // A room without loss has nothing that may be left out.
  return lane === 'bulk' ? 'normal' : lane;
}

/** In bulk rooms there is no `prev`: the newest counts, and a hole is no loss. */
export function roomFrame(room: Room, message: Message, epoch: string, previous: number): RoomFrame {
  const lane = laneOf(room, message);
  const head =
    `{"t":"msg","room":${JSON.stringify(room.name)},"ev":${JSON.stringify(message.event)},` +
    `"mid":${JSON.stringify(message.id)},"pos":"${position(epoch, message.sequence)}",` +
    (lane === 'bulk' ? '' : `"prev":"${position(epoch, previous)}",`) +
    `"at":${JSON.stringify(message.at)},"version":${Number(message.version) || 0},` +
    (message.isAckWanted ? '"ack":true,' : '');
  const dataAt = Buffer.byteLength(head);
  const length = dataAt + dataName.length + message.body.length + 1;
  const headerLength = headerLengthOf(length);
  // Never from the pool of small buffers: a client who does not read would keep whole slabs of it.
  const wire = Buffer.allocUnsafeSlow(headerLength + length);
  writeHeader(wire, length);
  wire.write(head, headerLength);
  wire.write(dataName, headerLength + dataAt);
  wire.set(message.body, headerLength + dataAt + dataName.length);
  wire[wire.length - 1] = closingBrace;
  return { room, message, lane, wire, text: wire.subarray(headerLength), dataAt, skipped: 0 };
}
const dataName = '"data":';
const closingBrace = '}'.charCodeAt(0);

/** The newest of its key, in place of so many older ones that were never sent. */
export function withSkipped({ text, dataAt, skipped: before }: RoomFrame, skipped: number): Buffer {
  const field = Buffer.from(`"skipped":${before + skipped},`);
  return webSocketFrame(Buffer.concat([text.subarray(0, dataAt), field, text.subarray(dataAt)]));
}

/** Of frames of one bulk room the newest of each key, in the order in which the keys came. */
export function newestOfEach(frames: readonly RoomFrame[]): RoomFrame[] {
  const newest = new Map<string, { frame: RoomFrame; skipped: number }>();
  for (const frame of frames) {
    const key = conflationKey(frame.message);
    const before = newest.get(key);
    const skipped = before === undefined ? 0 : before.skipped + before.frame.skipped + 1;
    newest.delete(key);
    newest.set(key, { frame, skipped });
  }
  return [...newest.values()].map(({ frame, skipped }) =>
    skipped === 0 ? frame : { ...frame, wire: withSkipped(frame, skipped), skipped: frame.skipped + skipped },
  );
}

/** What of a bulk room counts as the same, so that only the newest is needed. */
export const conflationKey = ({ event, key }: Message): string => `${event} ${key}`;

/** A text frame of a server: not masked, in one piece (RFC 6455, 5.2). */
export function webSocketFrame(text: Buffer): Buffer {
  const headerLength = headerLengthOf(text.length);
  const wire = Buffer.allocUnsafeSlow(headerLength + text.length);
  writeHeader(wire, text.length);
  wire.set(text, headerLength);
  return wire;
}

const lastTextFrame = 0x81;
const headerLengthOf = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10);
function writeHeader(wire: Buffer, length: number): void {
  wire[0] = lastTextFrame;
  if (length < 126) wire[1] = length;
  else if (length < 65_536) {
    wire[1] = 126;
    wire.writeUInt16BE(length, 2);
  } else {
    wire[1] = 127;
    wire.writeBigUInt64BE(BigInt(length), 2);
  }
}
