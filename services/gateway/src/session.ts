/** What connections have in common, by WebSocket or as an event stream: who is connected, and to which rooms. */
import type { Actor, StreamName } from '@carillon/contracts/define';
import { CodedError, type CloseReason } from '@carillon/contracts/errors';
import { bulkWindow, type ClientFrame, type ServerFrame, type SubscriptionEnd } from '@carillon/contracts/gateway';
import type { Logger } from '@carillon/runtime/log';
import type { Caller } from './calls.ts';
import type { GatewayConfig } from './config.ts';
import type { DeadlineWheel } from './deadlines.ts';
import type { Hub } from './hub.ts';
import { callsPerMinute } from './limits.ts';
import type { People } from './people.ts';
import type { Registry } from './registry.ts';
import type { Presence } from './presence/presence.ts';
import { openRoom, type Room } from './rooms.ts';
import type { StateRoom } from './state-rooms.ts';
import type { Identity } from './tokens.ts';

/** A link on which nothing came for the time between two pings and this is dead. */
export const pongWaitMs = 7_000;
export const reauthBeforeMs = 60_000;
/** A peer that does not answer the close is cut off. */
export const closeWaitMs = 2_000;

export type ReceiptLevel = (ClientFrame & { t: 'ack' })['level'];

/** What all connections of a gateway share. */
export type Shared = {
  config: GatewayConfig;
  hubs: ReadonlyMap<StreamName, Hub>;
  caller: Caller;
  people: People;
  registry: Registry;
  presence: Pick<Presence, 'arrive' | 'leave' | 'counts'>;
  /** @returns the room that shows a state, if there is such a room and he may enter it */
  openStateRoom(name: string, who: Actor): StateRoom | undefined;
  wheel: DeadlineWheel;
  receipts: { take(who: Identity, mids: readonly string[], level: ReceiptLevel): void };
  log: Logger;
  now: () => number;
  /** Before anything is done for a new connection. @throws CodedError `unavailable` with `afterMs` */
  checkAdmission(open: number): void;
  /** Checks a token within the limits of its address. @throws CodedError */
  admit(token: string, address: string): Promise<Identity>;
  /** Counts a signal or a receipt that came by HTTP. @throws CodedError `rate_limited` */
  takeSignal(identity: Identity): void;
  /**
   * Before a connection of a person is put into the registry.
   * @param makeRoom tried at his limit; whether one of his connections was ended
   * @throws CodedError `rate_limited`
   */
  checkPlace(identity: Identity, makeRoom?: () => boolean): void;
  /** Since the start, over all connections. */
  frames: { in: number; out: number };
};

export type Connection = {
  readonly transport: 'webSocket' | 'sse';
  /** Who it is, once that is known. */
  readonly identity: Identity | undefined;
  /** Names the page or program that it is of, where it said so. */
  readonly tab?: string | undefined;
  /** ms since the epoch. */
  readonly startedAt: number;
  unreadBytes(): number;
  /** Whether it is cut off unless it reads soon. */
  isFull(): boolean;
  /** Whether calls are under way. */
  isBusy(): boolean;
  /** Looks again at every right on which its rooms rest. */
  recheckAll(): void;
  /** Ends one subscription, if there is one of this name. */
  endRoom(name: string, code: SubscriptionEnd): void;
  /** The gateway is being stopped: another one is to be used. */
  goAway(reason: string, spreadMs: number): void;
  close(reason: CloseReason): void;
  /** At once, and without a word. */
  terminate(): void;
  /** What was written before its end is out, or was given up. */
  flushed(): Promise<void>;
};

/** A room in which a connection is from the start. */
export type StartRoom = { name: string; isOptional?: true };

/** The rooms of a connection at its start: his own, and those he asks for. @throws CodedError `forbidden`, `rate_limited` */
export function startRooms(asked: readonly StartRoom[], who: Identity, shared: Shared): StartRooms {
  const { config, people } = shared;
  const rooms = new Map<string, Room>();
  const stateRooms = new Map<string, StateRoom>();
  for (const { name, isOptional } of [{ name: `person:${who.person}`, isOptional: undefined }, ...asked]) {
    const room = openRoom(name, who, people.relations(who.hospital));
    const state = room === undefined ? shared.openStateRoom(name, who) : undefined;
    if (room !== undefined) rooms.set(room.name, room);
    else if (state !== undefined) stateRooms.set(state.name, state);
    else if (isOptional !== true) throw new CodedError('forbidden');
  }
  if (rooms.size + stateRooms.size > config.CARILLON_LIMIT_ROOMS) throw tooManyRooms(config);
  return { rooms, stateRooms };
}
type StartRooms = { rooms: Map<string, Room>; stateRooms: Map<string, StateRoom> };
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
