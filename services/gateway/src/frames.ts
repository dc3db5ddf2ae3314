/** Frames of `carillon.v1` as bytes; their shapes are in contracts. */
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
