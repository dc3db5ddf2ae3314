/** What connections have in common, by WebSocket or as an event stream: who is connected, and to which rooms. */
import type { Actor, StreamName } from '@carillon/contracts/define';
import { CodedError, type CloseReason } from '@carillon/contracts/errors';
import { bulkWindow, type ServerFrame } from '@carillon/contracts/gateway';
import type { Logger } from '@carillon/runtime/log';
import type { Caller } from './calls.ts';
import type { GatewayConfig } from './config.ts';
import type { Hub } from './hub.ts';
import { callsPerMinute } from './limits.ts';
import type { People } from './people.ts';
import { openRoom, type Room } from './rooms.ts';
import type { Identity } from './tokens.ts';

/** A link on which nothing came for the time between two pings and this is dead. */
export const pongWaitMs = 7_000;
export const reauthBeforeMs = 60_000;
/** A peer that does not answer the close is cut off. */
export const closeWaitMs = 2_000;

/** What all connections of a gateway share. */
export type Shared = {
  config: GatewayConfig;
  hubs: ReadonlyMap<StreamName, Hub>;
  caller: Caller;
  people: People;
  log: Logger;
  now: () => number;
  /** Checks a token within the limits of its address. @throws CodedError */
  admit(token: string, address: string): Promise<Identity>;
  /** Counts a signal or a receipt that came by HTTP. @throws CodedError `rate_limited` */
  takeSignal(identity: Identity): void;
  /** Counts a connection of a person. @throws CodedError `rate_limited`. @returns how to count it off */
  enter(identity: Identity): () => void;
  /** Since the start, over all connections. */
  frames: { in: number; out: number };
};

export type Connection = {
  transport: 'webSocket' | 'sse';
  /** Who it is, once that is known. */
  identity(): Identity | undefined;
  unreadBytes(): number;
  /** Whether it is cut off unless it reads soon. */
  isFull(): boolean;
  close(reason: CloseReason): void;
  /** It is counted no more. */
  finished: Promise<void>;
  /** What was written before its end is out, or was given up. */
  flushed: Promise<void>;
};

/** A room in which a connection is from the start. */
export type StartRoom = { name: string; isOptional?: true };

/** The rooms of a connection at its start: his own, and those he asks for. @throws CodedError `forbidden`, `rate_limited` */
export function startRooms(asked: readonly StartRoom[], who: Identity, { config, people }: Shared): Map<string, Room> {
  const rooms = new Map<string, Room>();
  for (const { name, isOptional } of [{ name: `person:${who.person}`, isOptional: undefined }, ...asked]) {
    const room = openRoom(name, who, people.relations(who.hospital));
    if (room !== undefined) rooms.set(room.name, room);
    else if (isOptional !== true) throw new CodedError('forbidden');
  }
  if (rooms.size > config.CARILLON_LIMIT_ROOMS) throw tooManyRooms(config);
  return rooms;
}
export const tooManyRooms = (config: GatewayConfig): CodedError =>
  new CodedError('rate_limited', `At most ${config.CARILLON_LIMIT_ROOMS} rooms a connection`);

export function readyFrame(who: Identity, connection: string, rooms: Iterable<string>, { config, now }: Shared) {
  return {
    t: 'ready',
    connection,
    person: who.person,
    now: new Date(now()).toISOString(),
    expiresAt: new Date(who.expiresAt).toISOString(),
    ping: { everyMs: config.CARILLON_PING_MS, waitMs: pongWaitMs },
    bulk: bulkWindow,
    limits: {
      frameBytes: config.CARILLON_LIMIT_FRAME_BYTES,
      rooms: config.CARILLON_LIMIT_ROOMS,
      callsPerMinute: callsPerMinute(who, config),
    },
    rooms: [...rooms],
  } as const satisfies ServerFrame;
}

/** @throws CodedError `forbidden` for anybody but operators and admins */
export function requireOperator({ roles }: Actor): void {
  if (!roles.includes('operator') && !roles.includes('admin')) throw new CodedError('forbidden');
}
