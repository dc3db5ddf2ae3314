/** One WebSocket connection: who it is, its rooms, its calls, its pings, its end. The protocol's rules in one place. */
import { randomUUID } from 'node:crypto';
import { CodedError, badInput, closeCodes, type CloseReason } from '@carillon/contracts/errors';
import { clientFrameSchema, type ClientFrame, type ServerFrame } from '@carillon/contracts/gateway';
import { validate } from '@carillon/contracts/schema';
import { childTrace } from '@carillon/runtime/trace';
import type { WebSocket } from 'ws';
import { encodeFrame, errorFrame } from './frames.ts';
import type { Member } from './hub.ts';
import { openRoom, parseRoom, type Room } from './rooms.ts';
import {
  closeWaitMs,
  pongWaitMs,
  readyFrame,
  reauthBeforeMs,
  startRooms,
  tooManyRooms,
  type Connection,
  type Shared,
  type StartRoom,
} from './session.ts';
import { TokenError, type Identity } from './tokens.ts';
import { watchUnread } from './unread.ts';

const connectWithinMs = 5_000;
const reauthGraceMs = 25_000;
/** Frames that wait for the one before them; a client that floods is not served faster for it. */
const maxWaitingFrames = 256;

export type Handshake = { address: string; token: string | undefined; rooms: readonly StartRoom[] };

export function serveConnection(
  socket: WebSocket,
  { address, token: handshakeToken, rooms: asked }: Handshake,
  shared: Shared,
): Connection {
  const { config, hubs, caller, people, log, now } = shared;
  const id = `c-${randomUUID().slice(0, 13)}`;
  const rooms = new Map<string, Room>();
  let identity: Identity | undefined;
  let leave: () => void = () => {};
  let lastFrameId = -1;
  let isClosed = false;
  let waiting = 0;
  const timers = new Map<string, NodeJS.Timeout>();
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));

  const stopTimer = (name: string): void => {
    clearTimeout(timers.get(name));
    timers.delete(name);
  };
  const timer = (name: string, delayMs: number, action: () => void): void => {
    stopTimer(name);
    if (isClosed) return;
    timers.set(name, setTimeout(action, Math.min(delayMs, 2 ** 31 - 1)));
  };

  const close = (reason: CloseReason): void => {
    if (isClosed) return;
    end();
    socket.close(closeCodes[reason], reason);
    setTimeout(() => socket.terminate(), closeWaitMs).unref();
  };

  const end = (): void => {
    if (isClosed) return;
    isClosed = true;
    for (const each of timers.values()) clearTimeout(each);
    unread.stop();
    for (const room of rooms.values()) hubs.get(room.definition.stream)?.leave(room, member);
    rooms.clear();
    leave();
    finish();
  };

  const closeSlow = (): void => {
    log.warn({ connection: id }, 'slow consumer');
    close('slowConsumer');
  };
  const unread = watchUnread(() => socket.bufferedAmount, closeSlow);
  const sendBytes = (frame: Buffer): void => {
    if (isClosed || !unread.mayWrite()) return;
    shared.frames.out++;
    socket.send(frame, { binary: false, compress: false });
  };
  const send = (frame: ServerFrame): void => sendBytes(encodeFrame(frame));

  const member: Member = {
    send: sendBytes,
    reset: (his, reason) => his.forEach((room) => send({ t: 'reset', room: room.name, reason })),
  };

  const schedulePing = (): void =>
    timer('ping', config.CARILLON_PING_MS, () => {
      send({ t: 'ping' });
      timer('pong', pongWaitMs, () => close('noPong'));
    });

  const scheduleExpiry = (expiresAt: number): void => {
    stopTimer('expiry');
    timer('reauth', Math.max(0, expiresAt - now() - reauthBeforeMs), () => {
      send({ t: 'reauth', graceMs: reauthGraceMs });
      timer('expiry', Math.max(reauthGraceMs, expiresAt - now()), () => close('tokenExpired'));
    });
  };

  const ready = (who: Identity, frameId: number | undefined): void =>
    send({ ...readyFrame(who, id, rooms.keys(), shared), ...(frameId === undefined ? {} : { id: frameId }) });

  /** @throws CodedError */
  const authenticate = async (token: string, frameId: number | undefined): Promise<void> => {
    const who = await shared.admit(token, address);
    if (isClosed) return;
    leave = shared.enter(who);
    const his = startRooms(asked, who, shared);
    identity = who;
    stopTimer('connect');
    scheduleExpiry(who.expiresAt);
    schedulePing();
    for (const [name, room] of his) rooms.set(name, room);
    ready(who, frameId);
    for (const room of his.values()) {
      await hubs.get(room.definition.stream)?.join([room], member, undefined, () => {});
    }
  };

  const refuse = (error: CodedError, frameId: number | undefined): void => {
    send(errorFrame(error, frameId));
    if (error instanceof TokenError) close(error.isExpired ? 'tokenExpired' : 'unauthorised');
    else if (error.code === 'rate_limited') close('rateLimited');
    else if (error.code === 'forbidden') close('forbidden');
    else close(error.code === 'internal' ? 'internal' : 'unauthorised');
  };

  /**
   * What is asked about one room is done in the order in which it was asked: a replay may take a while, and must not
   * end after what came behind it.
   */
  const turns = new Map<string, Promise<void>>();
  const inTurn = (room: string, work: () => Promise<void> | void): Promise<void> => {
    const mine = (turns.get(room) ?? Promise.resolve()).then(() => (isClosed ? undefined : work()));
    const settled = mine
      .catch(() => {})
      .then(() => {
        if (turns.get(room) === settled) turns.delete(room);
      });
    turns.set(room, settled);
    return mine;
  };

  /** A room may have two names, and is one room. */
  const nameOf = (name: string, who: Identity): string => parseRoom(name, who.hospital)?.name ?? name;

  const subscribe = async (who: Identity, frame: ClientFrame & { t: 'subscribe' }): Promise<void> => {
    const room = openRoom(frame.room, who, people.relations(who.hospital));
    if (room === undefined) throw new CodedError('forbidden');
    const hub = hubs.get(room.definition.stream);
    if (hub === undefined) throw new CodedError('unavailable');
    if (!rooms.has(room.name) && rooms.size >= config.CARILLON_LIMIT_ROOMS) {
      throw tooManyRooms(config);
    }
    // Subscribed again: the new subscription takes the place of the old one, before its replay.
    const old = rooms.get(room.name);
    if (old !== undefined) hub.leave(old, member);
    rooms.set(room.name, room);
    await hub.join([room], member, frame.from, (_, { position, recovery }) =>
      send({ t: 'subscribed', id: frame.id, room: room.name, pos: position, lane: room.definition.lane, recovery }),
    );
    // It may have gone while the replay was read.
    if (isClosed) hub.leave(room, member);
  };

  const unsubscribe = (name: string, frame: ClientFrame & { t: 'unsubscribe' }): void => {
    const room = rooms.get(name);
    if (room !== undefined) {
      rooms.delete(name);
      hubs.get(room.definition.stream)?.leave(room, member);
    }
    send({ t: 'ok', id: frame.id });
  };

  const call = async (who: Identity, frame: ClientFrame & { t: 'call' }): Promise<void> => {
    const answer = await caller.call({
      actor: who,
      operation: frame.op,
      data: frame.data === undefined ? {} : frame.data,
      key: frame.key,
      traceparent: childTrace(undefined),
    });
    send({ t: 'ok', id: frame.id, ...answer });
  };

  const handle = async (who: Identity, frame: ClientFrame): Promise<void> => {
    switch (frame.t) {
      case 'connect':
        return ready(who, frame.id);
      case 'subscribe':
        return inTurn(nameOf(frame.room, who), () => subscribe(who, frame));
      case 'unsubscribe': {
        const name = nameOf(frame.room, who);
        return inTurn(name, () => unsubscribe(name, frame));
      }
      case 'call':
        return call(who, frame);
      case 'reauth': {
        const next = await shared.admit(frame.token, address);
        if (next.person !== who.person || next.hospital !== who.hospital) throw new TokenError(false);
        identity = next;
        scheduleExpiry(next.expiresAt);
        return send({ t: 'ok', id: frame.id, data: { expiresAt: new Date(next.expiresAt).toISOString() } });
      }
      case 'pong':
        stopTimer('pong');
        return schedulePing();
      case 'signal':
      case 'ack':
      case 'rx':
        // Their senders and readers come with chat, receipts and credit; a client that sends them is not at fault.
        return undefined;
    }
  };

  const onFrame = async (frame: ClientFrame): Promise<void> => {
    if (isClosed) return undefined;
    const frameId = 'id' in frame ? frame.id : undefined;
    try {
      if (identity !== undefined) return await handle(identity, frame);
      if (frame.t !== 'connect') throw new TokenError(false);
      if (frame.token === undefined) throw badInput([{ path: 'token', message: 'Required field is missing' }]);
      return await authenticate(frame.token, frame.id);
    } catch (error) {
      const coded = error instanceof CodedError ? error : new CodedError('internal');
      if (coded !== error) log.error({ err: error, connection: id }, 'frame failed');
      if (identity === undefined || error instanceof TokenError) return refuse(coded, frameId);
      return send(errorFrame(coded, frameId));
    }
  };

  /** @returns the frame, or undefined when it was answered or the connection closed */
  const parse = (text: string): ClientFrame | undefined => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    const type: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 't') : undefined;
    const schema = clientFrameSchema(type);
    const given: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'id') : undefined;
    const frameId = Number.isSafeInteger(given) ? Number(given) : undefined;
    const checked = schema === undefined ? undefined : validate(schema, value);
    if (checked?.ok === true) {
      if (frameId !== undefined && frameId <= lastFrameId) {
        send(errorFrame(new CodedError('bad_frame', 'The id must grow'), frameId));
        close('badFrame');
        return undefined;
      }
      lastFrameId = frameId ?? lastFrameId;
      return checked.value as ClientFrame;
    }
    const issues = checked?.ok === false ? checked.issues : [{ path: 't', message: 'Unknown frame' }];
    if (frameId !== undefined && frameId > lastFrameId && checked !== undefined) {
      // The frame is ours and can be answered: what is wrong with it is the caller's to know.
      lastFrameId = frameId;
      send(errorFrame(badInput(issues), frameId));
      return undefined;
    }
    send(errorFrame(new CodedError('bad_frame', undefined, { issues })));
    close('badFrame');
    return undefined;
  };

  // Frames are handled in order up to their first wait; a slow call does not hold up the frames behind it, but what
  // comes before the connection is known does.
  let authenticating: Promise<void> = Promise.resolve();
  const dispatch = (frame: ClientFrame): void => {
    waiting++;
    if (waiting > maxWaitingFrames) return close('abuse');
    const work = identity === undefined ? authenticating.then(() => onFrame(frame)) : onFrame(frame);
    // Frames that came meanwhile wait for the token to be checked, and not for one another.
    if (identity === undefined && frame.t === 'connect') authenticating = work;
    void work.finally(() => waiting--);
  };

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isClosed) return;
    if (isBinary) {
      send(errorFrame(new CodedError('bad_frame', 'Frames are text')));
      return close('badFrame');
    }
    if (data.length > config.CARILLON_LIMIT_FRAME_BYTES) {
      send(errorFrame(new CodedError('too_large', `At most ${config.CARILLON_LIMIT_FRAME_BYTES} bytes a frame`)));
      return close('tooBig');
    }
    for (const line of data.toString().split('\n')) {
      if (line.trim() === '') continue;
      shared.frames.in++;
      const frame = parse(line);
      if (frame !== undefined) dispatch(frame);
      if (isClosed) return;
    }
  });
  socket.on('close', end);
  // `ws` closes by itself after what is no WebSocket frame or larger than any of ours may be (1002, 1007, 1009).
  socket.on('error', () => {
    end();
    setTimeout(() => socket.terminate(), closeWaitMs).unref();
  });

  timer('connect', connectWithinMs, () => close('noConnect'));
  if (handshakeToken !== undefined) {
    authenticating = authenticate(handshakeToken, undefined).catch((error: unknown) =>
      refuse(error instanceof CodedError ? error : new CodedError('internal'), undefined),
    );
  }
  return {
    transport: 'webSocket',
    identity: () => identity,
    unreadBytes: unread.bytes,
    isFull: unread.isFull,
    close,
    finished,
    // `ws` waits for its sockets by itself.
    flushed: finished,
  };
}
