/** Rooms as Server-Sent Events: one request, one set of rooms, the same messages as over WebSocket. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { RouteDefinition, StreamName } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { eventsQuerySchema, type ServerFrame, type SubscriptionEnd } from '@carillon/contracts/gateway';
import { validate } from '@carillon/contracts/schema';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { advance, eventBytes, eventId, parseEventId, pingBytes, retryBytes } from './event-stream.ts';
import { encodeFrame, parsePosition, positionText, type RoomFrame } from './frames.ts';
import { allowOrigin, bearerOf, checkOrigin, queryTokenOf, registerPreflight } from './handshake.ts';
import type { Joined } from './hub.ts';
import type { Member } from './member.ts';
import { openRoom, type Room } from './rooms.ts';
import type { StateRoom, StateSubscription } from './state-rooms.ts';
import {
  closeWaitMs,
  readyFrame,
  reauthBeforeMs,
  startRooms,
  type Connection,
  type Shared,
  type StartRoom,
} from './session.ts';
import type { Identity } from './tokens.ts';
import { watchUnread } from './unread.ts';

type Opening = {
  who: Identity;
  /** Those it is still in. */
  rooms: Map<string, Room>;
  stateRooms: Map<string, StateRoom>;
  lastEventId: string | undefined;
  headers: OutgoingHttpHeaders;
};

/** After which a browser comes again; no two clients of a gateway that ended come at the same time. */
const retryMs = (): number => 1_000 + Math.random() * 2_000;
/** A peer that vanished is found by the kernel: pings into the void fill its buffer for long. */
const keepAliveMs = 15_000;

function serveEventStream(response: ServerResponse, opening: Opening, shared: Shared): Connection {
  const { who, rooms, stateRooms, lastEventId } = opening;
  const { config, hubs, log, now, people, registry } = shared;
  const id = `c-${randomUUID().slice(0, 13)}`;
  const byStream = new Map<StreamName, Room[]>();
  for (const room of rooms.values()) {
    const { stream } = room.definition;
    byStream.set(stream, [...(byStream.get(stream) ?? []), room]);
  }
  const keys = new Set([...rooms.values()].map((room) => room.key));
  const streams = [...byStream.keys()];
  const positions = lastEventId === undefined ? new Map() : parseEventId(lastEventId, streams);
  const resumed = new Map([...positions].map(([stream, at]) => [stream, positionText(at)]));
  const timers = new Set<NodeJS.Timeout>();
  let isClosed = false;
  let tellFlushed: () => void = () => {};
  const flushed = new Promise<void>((resolve) => (tellFlushed = resolve));

  const states = new Map<string, StateSubscription>();
  const leaveRoom = (room: Room): void => hubs.get(room.definition.stream)?.leave(room, member);
  const end = (): void => {
    if (isClosed) return;
    isClosed = true;
    for (const timer of timers) clearTimeout(timer);
    unread.stop();
    for (const room of rooms.values()) leaveRoom(room);
    rooms.clear();
    for (const subscription of states.values()) subscription.leave();
    states.clear();
    registry.remove(connection);
    shared.presence.leave(who, id);
  };
  const after = (delayMs: number, action: () => void): void => {
    if (!isClosed) timers.add(setTimeout(action, Math.min(Math.max(0, delayMs), 2 ** 31 - 1)));
  };
  /**
   * The end of an event stream says nothing: the client comes again with its last id, or with another token. What waits
   * for it is sent all the same, so that one whose replay was too much at once comes further each time.
   */
  const close = (): void => {
    if (isClosed) return;
    end();
    response.end();
    setTimeout(() => response.destroy(), closeWaitMs).unref();
  };
  const cutOff = (): void => {
    if (isClosed) return;
    end();
    response.destroy();
  };

  const unread = watchUnread(
    () => response.writableLength,
    () => {
      log.warn({ connection: id }, 'slow consumer');
      close();
    },
  );
  const write = (bytes: Buffer): void => {
    if (!isClosed && unread.mayWrite()) response.write(bytes);
  };
  const sendFrame = (event: string, frame: Buffer): void => {
    if (isClosed) return;
    shared.frames.out++;
    write(eventBytes(event, eventId(positions), frame));
  };
  const send = (frame: ServerFrame): void => sendFrame(frame.t, encodeFrame(frame));

  const deliver = ({ text, message, room }: RoomFrame): void => {
    if (rooms.has(room.name)) {
      const { stream } = room.definition;
      const epoch = positions.get(stream)?.epoch;
      // Until the last of its copies is out, a client that breaks off is still to get the others.
      const isLastCopy = message.rooms.findLast((key) => keys.has(key)) === room.key;
      const upTo = isLastCopy ? {} : { upToRoom: room.name };
      if (epoch !== undefined) advance(positions, stream, { epoch, sequence: message.sequence, ...upTo });
      sendFrame(message.event, text);
    }
  };
  const member: Member = {
    // The position is one a stream.
    isInStreamOrder: true,
    deliver: ({ frames }) => frames.forEach(deliver),
    recheck(room) {
      if (openRoom(room.name, who, people.relations(who.hospital)) === undefined) endRoom(room.name, 'relation_ended');
    },
    reset(his, reason, at) {
      for (const room of his) {
        // Who breaks off before he heard it of all his rooms is to hear it again.
        if (room === his.at(-1)) setPosition(room.definition.stream, at);
        send({ t: 'reset', room: room.name, reason });
      }
    },
  };
  const endRoom = (name: string, code: SubscriptionEnd): void => {
    const room = rooms.get(name);
    const state = states.get(name);
    if (room === undefined && state === undefined) return;
    if (room !== undefined) {
      rooms.delete(name);
      keys.delete(room.key);
      leaveRoom(room);
    }
    states.delete(name);
    state?.leave();
    send({ t: 'unsubscribed', room: name, code });
  };
  const recheckState = (name: string): void => {
    if (shared.openStateRoom(name, who) === undefined) endRoom(name, 'relation_ended');
  };
  const showState = (state: StateRoom): void => {
    const subscription = state.join({
      // Each names its event itself.
      deliver: (frames) => frames.forEach(({ text, event }) => sendFrame(event, text)),
      recheck: () => recheckState(state.name),
    });
    states.set(state.name, subscription);
    const { snapshot: data } = subscription;
    send({ t: 'subscribed', room: state.name, lane: state.lane, recovery: 'snapshot', data });
  };
  const setPosition = (stream: StreamName, at: string): void => {
    const parsed = parsePosition(at);
    if (parsed !== undefined) positions.set(stream, parsed);
  };

  const join = async (stream: StreamName, his: readonly Room[]): Promise<void> => {
    const onJoined = (room: Room, { position: at, recovery, resumeAt }: Joined): void => {
      if (room === his.at(-1)) setPosition(stream, resumeAt);
      if (!rooms.has(room.name)) return;
      send({ t: 'subscribed', room: room.name, pos: at, lane: room.definition.lane, recovery });
    };
    const isWanted = (): boolean => {
      // A patient may have moved while it was read: who is not in the room yet is not told.
      for (const room of his) member.recheck?.(room);
      return !isClosed;
    };
    await hubs.get(stream)?.join(his, member, resumed.get(stream), onJoined, isWanted);
    for (const room of his) if (!rooms.has(room.name)) leaveRoom(room);
  };

  // A response that waits behind another one on its connection has no socket yet, and never hears that it closed.
  const { socket } = response.req;
  const gone = (): void => {
    socket.off('close', gone);
    end();
    tellFlushed();
  };
  response.on('close', gone);
  socket.on('close', gone);
  response.on('error', cutOff);
  socket.setKeepAlive(true, keepAliveMs);
  const connection: Connection = {
    transport: 'sse',
    identity: who,
    startedAt: now(),
    unreadBytes: unread.bytes,
    isFull: unread.isFull,
    isBusy: () => false,
    recheckAll() {
      for (const room of rooms.values()) member.recheck?.(room);
      for (const name of states.keys()) recheckState(name);
    },
    endRoom,
    goAway: (reason, spreadMs) => send({ t: 'goaway', reason, spreadMs }),
    close,
    terminate: () => response.destroy(),
    flushed: () => flushed,
  };
  registry.open(connection);
  registry.add(connection, who);
  shared.presence.arrive(who, { id });
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    ...opening.headers,
  });
  write(retryBytes(retryMs()));
  send(readyFrame(who, id, [...rooms.keys(), ...stateRooms.keys()], shared));
  timers.add(setInterval(() => write(pingBytes), config.CARILLON_PING_MS));
  after(who.expiresAt - now() - reauthBeforeMs, () => {
    send({ t: 'reauth', graceMs: Math.max(0, Math.round(who.expiresAt - now())) });
    after(who.expiresAt - now(), close);
  });
  for (const state of stateRooms.values()) showState(state);
  for (const [stream, his] of byStream) {
    join(stream, his).catch((error: unknown) => {
      log.error({ err: error, connection: id }, 'joining failed');
      cutOff();
    });
  }
  // It may have gone while its token was checked.
  if (response.destroyed || socket.destroyed) gone();
  return connection;
}

type EventStreamRoute = {
  route: RouteDefinition;
  /** What the path names. */
  roomsOf: (request: FastifyRequest) => StartRoom[];
  shared: Shared;
  /** Told of each that was opened. */
  greet: (connection: Connection) => void;
};

export function registerEventStream(app: FastifyInstance, { route, roomsOf, shared, greet }: EventStreamRoute): void {
  const { config } = shared;
  const identities = new WeakMap<FastifyRequest, Identity>();
  registerPreflight(app, route, config);
  app.route({
    method: 'GET',
    url: route.path,
    exposeHeadRoute: false,
    async onRequest(request, reply) {
      shared.checkAdmission(shared.registry.all.size);
      await checkOrigin(request, config);
      // Before anything is refused: a page that may not read the answer takes it for a broken link, and asks for ever.
      void reply.headers(allowOrigin(request, config));
      const token = bearerOf(request) ?? queryTokenOf(request, config);
      if (token === undefined) throw new CodedError('unauthorised');
      identities.set(request, await shared.admit(token, request.ip));
    },
    handler(request, reply) {
      const who = identities.get(request);
      if (who === undefined) throw new CodedError('unauthorised');
      const query = validate(eventsQuerySchema, request.query);
      if (!query.ok) throw badInput(query.issues);
      const { room = [], lastEventId } = query.value;
      const asked = [room].flat().map((name): StartRoom => ({ name }));
      const header = request.headers['last-event-id'];
      // Counted before the rooms are looked at: who guesses rooms is stopped as well.
      shared.checkPlace(who);
      const rooms = startRooms([...roomsOf(request), ...asked], who, shared);
      const headers = reply.getHeaders() as OutgoingHttpHeaders;
      reply.hijack();
      const opening = { who, ...rooms, lastEventId: (header as string | undefined) || lastEventId || undefined };
      greet(serveEventStream(reply.raw, { ...opening, headers }, shared));
    },
  });
}
