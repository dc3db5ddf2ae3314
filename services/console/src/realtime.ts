/**
 * A small client of `carillon.v1` over WebSocket: connect, subscribe with resume, call with a key, stay live.
 *
 * What always holds: a room resumes from the last message that was handed on; a silent link is given up within
 * everyMs + waitMs of the server's ping rule; a command is sent again, under its key, until it is answered.
 */
import { createCalls } from './calls.ts';
import { closeFamily, reconnectDelayMs, stopReason } from './reconnect.ts';
import { type Room, joinRoom, judgeMessage } from './rooms.ts';
import type { MessageFrame, ServerFrame } from './types.ts';

/** The part of a WebSocket that is used; tests give one of their own. */
export type Socket = { send: (text: string) => void; close: () => void };
export type SocketEvents = { onOpen: () => void; onText: (text: string) => void; onClose: (code: number) => void };

export type Link =
  | { state: 'connecting' | 'reconnecting'; lastFrameAt: number }
  | { state: 'live'; lastFrameAt: number }
  | { state: 'stopped'; lastFrameAt: number; reason: string };

export type RealtimeOptions = {
  openSocket: (events: SocketEvents) => Socket;
  token: () => string;
  /** A fresh token, or undefined when the person has to sign in again. */
  renewToken: () => Promise<string | undefined>;
  onMessage: (message: MessageFrame) => void;
  /** What this room shows cannot be proved complete: read the snapshot again. */
  onReload: (room: string) => void;
  onRoomClosed: (room: string, code: string) => void;
  onLink: (link: Link) => void;
  /** The server's clock at this moment, from `ready`. */
  onServerTime: (now: string) => void;
  isVisible: () => boolean;
  random?: () => number;
  makeKey?: () => string;
};

const CONNECT_WITHIN_MS = 4000;
/** Only a connection that lived this long counts as a good one; otherwise a flapping server would be hammered. */
const STEADY_AFTER_MS = 30_000;
/** A person's own room is joined by the server at connect. */
const OWN_ROOM = 'person:';
const DEFAULT_PING = { everyMs: 15_000, waitMs: 7000 };

export type Realtime = ReturnType<typeof createRealtime>;

export const createRealtime = (options: RealtimeOptions) => {
  const random = options.random ?? Math.random;
  const rooms = new Map<string, Room>();
  const subscribes = new Map<number, string>();
  let socket: Socket | undefined;
  let isReady = false;
  let isStopped = false;
  let attempt = 0;
  let nextId = 1;
  let ping = DEFAULT_PING;
  let lastFrameAt = Date.now();
  let waitAsToldMs: number | undefined;
  let reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  let watchTimer: ReturnType<typeof setTimeout> | undefined;
  let steadyTimer: ReturnType<typeof setTimeout> | undefined;

  const write = (frame: Record<string, unknown>): number => {
    const id = nextId++;
    socket?.send(JSON.stringify({ ...frame, id }));
    return id;
  };

  const calls = createCalls({
    send: (frame) => (isReady ? write(frame) : undefined),
    makeKey: options.makeKey ?? (() => crypto.randomUUID()),
    random,
  });

  const report = (state: 'connecting' | 'reconnecting' | 'live'): void => options.onLink({ state, lastFrameAt });

  const sendSubscribe = (room: Room): void => {
    const id = write({ t: 'subscribe', room: room.name, ...(room.last === undefined ? {} : { from: room.last }) });
    subscribes.set(id, room.name);
  };

  const rejoin = (room: Room): void => {
    rooms.set(room.name, { ...room, isJoined: false });
    write({ t: 'unsubscribe', room: room.name });
    sendSubscribe(room);
  };

  const watchLink = (): void => {
    clearTimeout(watchTimer);
    const leftMs = lastFrameAt + ping.everyMs + ping.waitMs - Date.now();
    if (leftMs <= 0) lose(1006);
    else watchTimer = setTimeout(watchLink, leftMs);
  };

  const stop = (reason: string): void => {
    isStopped = true;
    detach();
    calls.abandon(reason);
    options.onLink({ state: 'stopped', lastFrameAt, reason });
  };

  const detach = (): void => {
    clearTimeout(watchTimer);
    clearTimeout(steadyTimer);
    clearTimeout(reconnectTimer);
    isReady = false;
    subscribes.clear();
    for (const room of rooms.values()) room.isJoined = false;
    const old = socket;
    socket = undefined;
    old?.close();
  };

  const renewThen = async (next: (token: string) => void, onFailure: () => void): Promise<void> => {
    let token: string | undefined;
    try {
      token = await options.renewToken();
    } catch {
      return onFailure();
    }
    if (isStopped) return;
    if (token === undefined) stop('Your sign-in has ended. Please sign in again.');
    else next(token);
  };

  const scheduleConnect = (delayMs?: number): void => {
    clearTimeout(reconnectTimer);
    const wait = delayMs ?? reconnectDelayMs(attempt, options.isVisible(), random);
    attempt += 1;
    reconnectTimer = setTimeout(connect, wait);
  };

  const lose = (code: number): void => {
    detach();
    const family = closeFamily(code);
    if (family === 'stop') return stop(stopReason(code));
    report('reconnecting');
    if (family === 'drop') for (const [name] of rooms) rooms.set(name, { name, isJoined: false });
    const again = () => scheduleConnect();
    // The token service may be away together with the gateway: the usual backoff tries again.
    if (family === 'renew') return void renewThen(again, again);
    const told = waitAsToldMs;
    waitAsToldMs = undefined;
    scheduleConnect(family === 'wait' ? (told ?? 5000 + random() * 5000) : undefined);
  };

  const connect = (): void => {
    if (isStopped) return;
    detach();
    // What an older socket still has to say is of no interest.
    const isCurrent = (): boolean => socket === opened;
    const opened = options.openSocket({
      onOpen: () => {
        if (isCurrent()) write({ t: 'connect', token: options.token(), client: { name: 'console', version: '0.1.0' } });
      },
      onText: (text) => {
        if (!isCurrent()) return;
        lastFrameAt = Date.now();
        for (const line of text.split('\n')) if (line !== '' && isCurrent()) receive(line);
      },
      onClose: (code) => {
        if (isCurrent()) lose(code);
      },
    });
    socket = opened;
    // The handshake has its own, shorter patience; `ready` switches to the ping rule.
    watchTimer = setTimeout(() => {
      if (isCurrent() && !isReady) lose(1006);
    }, CONNECT_WITHIN_MS);
  };

  const receive = (line: string): void => {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(line) as ServerFrame;
    } catch {
      return;
    }
    switch (frame.t) {
      case 'ready':
        return onReady(frame);
      case 'msg':
        return onMsg(frame);
      case 'ping':
        socket?.send('{"t":"pong"}');
        return;
      case 'ok':
        calls.answer(frame);
        return;
      case 'err':
        return onErr(frame);
      case 'subscribed': {
        subscribes.delete(frame.id);
        const known = rooms.get(frame.room);
        if (!known) return;
        const { room, mustReload } = joinRoom(known, frame);
        rooms.set(frame.room, room);
        if (mustReload) options.onReload(frame.room);
        return;
      }
      case 'reset': {
        options.onReload(frame.room);
        if (rooms.has(frame.room)) rejoin({ name: frame.room, isJoined: false });
        return;
      }
      case 'unsubscribed':
        rooms.delete(frame.room);
        options.onRoomClosed(frame.room, frame.code ?? 'closed');
        return;
      case 'reauth':
        return void renewThen(
          (token) => {
            if (isReady) write({ t: 'reauth', token });
          },
          // Nothing is lost yet: after the grace the server closes with 4100, and the token is asked for again.
          () => {},
        );
      case 'goaway':
        // Leave in the first half of the drain, at a moment of our own, so that a ward does not move as one.
        clearTimeout(steadyTimer);
        attempt = 0;
        setTimeout(
          (from: Socket | undefined) => {
            if (socket === from && !isStopped) lose(4000);
          },
          random() * (frame.spreadMs ?? 1000) * 0.5,
          socket,
        );
        return;
    }
  };

  const onReady = (frame: Extract<ServerFrame, { t: 'ready' }>): void => {
    if (isReady) return;
    isReady = true;
    ping = frame.ping ?? DEFAULT_PING;
    steadyTimer = setTimeout(() => {
      attempt = 0;
    }, STEADY_AFTER_MS);
    options.onServerTime(frame.now);
    // The server joins us to these without a subscribe: our own person's room.
    for (const name of frame.rooms ?? []) if (!rooms.has(name)) rooms.set(name, { name, isJoined: true });
    for (const room of rooms.values()) sendSubscribe(room);
    calls.resend();
    watchLink();
    report('live');
  };

  const onMsg = (frame: MessageFrame): void => {
    const room = rooms.get(frame.room);
    if (!room) return;
    const verdict = judgeMessage(room, frame);
    if (verdict === 'hole') return rejoin(room);
    if (verdict === 'repeated') return;
    if (frame.pos !== undefined) room.last = frame.pos;
    options.onMessage(frame);
  };

  const onErr = (frame: Extract<ServerFrame, { t: 'err' }>): void => {
    if (frame.afterMs !== undefined) waitAsToldMs = frame.afterMs;
    if (calls.answer(frame) || frame.id === undefined) return;
    const name = subscribes.get(frame.id);
    const room = name === undefined ? undefined : rooms.get(name);
    if (!room) return;
    subscribes.delete(frame.id);
    if (room.name.startsWith(OWN_ROOM) && frame.retry === 'never') {
      // The server joined us by itself; that it refuses a second join takes nothing away.
      room.isJoined = true;
      return;
    }
    if (frame.retry === 'resnapshot') {
      options.onReload(room.name);
      rooms.set(room.name, { name: room.name, isJoined: false });
    } else if (frame.retry !== 'backoff' && frame.retry !== 'after') {
      rooms.delete(room.name);
      options.onRoomClosed(room.name, frame.code);
      return;
    }
    const asked = socket;
    setTimeout(
      () => {
        const again = rooms.get(room.name);
        if (again && !again.isJoined && socket === asked && isReady) sendSubscribe(again);
      },
      frame.afterMs ?? 500 + random() * 1500,
    );
  };

  return {
    start: (): void => {
      report('connecting');
      connect();
    },
    /** The wanted rooms; those that are not listed any more are left. The person's own room stays. */
    setRooms: (names: readonly string[]): void => {
      const wanted = new Set(names);
      for (const name of rooms.keys()) {
        if (wanted.has(name) || name.startsWith(OWN_ROOM)) continue;
        rooms.delete(name);
        if (isReady) write({ t: 'unsubscribe', room: name });
      }
      for (const name of wanted) {
        if (rooms.has(name)) continue;
        const room: Room = { name, isJoined: false };
        rooms.set(name, room);
        if (isReady) sendSubscribe(room);
      }
    },
    call: calls.call,
    /** The network or the page came back: do not sit out a long wait, and do not trust an old link. */
    wake: (): void => {
      if (isStopped) return;
      if (isReady) return watchLink();
      attempt = 0;
      if (!socket) scheduleConnect();
    },
    stop: (): void => {
      isStopped = true;
      detach();
      calls.abandon('Signed out.');
    },
  };
};
