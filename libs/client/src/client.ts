/**
 * The client of `carillon.v1`: one link that is kept, rooms that are resumed on it, calls that are answered. It runs in
 * browsers, in Node and wherever a WebSocket can be passed in.
 */
import { CodedError } from '@carillon/contracts/errors';
import type { RealtimeStats } from '@carillon/contracts/gateway-stats';
import { createCalls, type CallOptions, type SettledCommand } from './calls.ts';
import type { EventData, EventName, Input, OperationName, Result } from './contract-types.ts';
import { createCredit } from './credit.ts';
import { createEnvironment, type Environment } from './environment.ts';
import type { ServerFrame } from './frames.ts';
import { createPost } from './http.ts';
import type { Link } from './link-state.ts';
import { createLink } from './link.ts';
import { toMessage, type Message, type MessageHandlers } from './message.ts';
import { platformStore } from './indexed-db-store.ts';
import type { QueueStore } from './queue-store.ts';
import { createReceipts } from './receipts.ts';
import { keepTokenFresh } from './reauth.ts';
import type { LoadReason } from './room.ts';
import { createRooms, type Subscriber, type Subscription } from './rooms.ts';
import { createSeen } from './seen.ts';
import type { Session } from './session.ts';
import { createSseOpener } from './sse-wire.ts';
import { createStats } from './stats.ts';
import { createTokens, isSignedOut, ownerOf, type TokenProvider } from './tokens.ts';
import { webSocketWire } from './web-socket-wire.ts';
import type { TransportName } from './wire.ts';

export type {
  CallOptions,
  EventData,
  EventName,
  Input,
  Link,
  LoadReason,
  Message,
  MessageHandlers,
  OperationName,
  Result,
};
export type { Environment, QueueStore, SettledCommand, Subscriber, Subscription, TokenProvider, TransportName };
export { CodedError };

export type ClientOptions = {
  /** Where the gateway is, as `https://host`; in a page the page's own where absent. */
  url?: string;
  token: TokenProvider;
  /** Named to those who look for what is wrong. */
  name?: string;
  version?: string;
  /** Upper end of the random part of a wait; 20 s where absent. */
  longestWaitMs?: () => number;
  /** In this order; both where absent. */
  transports?: readonly TransportName[];
  /** Where commands wait for a connection; the browser's database where there is one, else memory. */
  store?: QueueStore;
  /** What this platform lacks, or a test wants otherwise: `WebSocket`, `fetch`, timers, the page. */
  environment?: Partial<Environment>;
};

export type ClientEvents = {
  link: Link;
  /** A connection lives: who it is, and the server's time. */
  ready: { connection: string; person: string; serverTime: string };
  /** A command has its result, or is given up. */
  command: SettledCommand;
  /** An error that is nobody's answer: of a handler, of the database of the browser. */
  problem: unknown;
};

export type Client = {
  start(): void;
  /** Ends it. What has no answer yet is rejected with `unavailable` and never sent. */
  stop(): void;
  link(): Link;
  /** Hears what happens. @returns how to end it */
  on<K extends keyof ClientEvents>(event: K, listener: (happened: ClientEvents[K]) => void): () => void;
  /** @throws CodedError as the error table says; `expired` for a command that could not be sent in time */
  call<N extends OperationName>(op: N, data: Input<N>, options?: CallOptions): Promise<Result<N>>;
  /** Enters a room, now or when there is a connection, and stays in it. */
  subscribe(room: string, subscriber: Subscriber): Subscription;
  /** What is worthless a second later: sent if there is a connection now. */
  signal(op: string, data?: unknown): void;
  /** Commands and queries without an answer yet. */
  waiting(): number;
  /** Tries now rather than later, for a button of a person who does not want to wait. */
  retryNow(): void;
  /** Figures of the gateway that answers, by HTTP; for operators and admins. @throws CodedError */
  stats(): Promise<RealtimeStats>;
};

const defaultLongestWaitMs = 20_000;

function placeOf(url: string | undefined): string {
  const base = url ?? (typeof location === 'undefined' ? undefined : location.origin);
  if (base === undefined) throw new Error('Say where the gateway is: there is no page here that came from it');
  return base.replace(/\/$/, '');
}

/** Makes a client; nothing happens before `start`. */
export function createClient(options: ClientOptions): Client {
  const environment = createEnvironment(options.environment);
  const { now, after, random, page, fetch } = environment;
  const base = placeOf(options.url);
  const listeners = new Map<keyof ClientEvents, Set<(happened: never) => void>>();
  const emit = <K extends keyof ClientEvents>(event: K, happened: ClientEvents[K]): void => {
    const his = listeners.get(event) as Set<(happened: ClientEvents[K]) => void> | undefined;
    if (event === 'problem' && (his?.size ?? 0) === 0) console.error(happened);
    for (const listener of his ?? []) {
      // What a program does with what it hears must not break the link.
      try {
        listener(happened);
      } catch (error) {
        if (event === 'problem') console.error(error);
        else onProblem(error);
      }
    }
  };
  const onProblem = (error: unknown): void => emit('problem', error);

  const tokens = createTokens(async () => {
    try {
      const token = await options.token();
      const owner = ownerOf(token);
      if (owner !== undefined) calls.setOwner(owner);
      return token;
    } catch (error) {
      // The link says only that there was none.
      if (!isSignedOut(error)) onProblem(error);
      throw error;
    }
  }, environment);
  const post = createPost({ url: `${base}/realtime/command`, tokens, fetch });
  const session = (): Session | undefined => link.session();

  const calls = createCalls({
    session,
    post,
    store: options.store ?? platformStore('carillon', now),
    onSettled: (command) => emit('command', command),
    onProblem,
    now,
    random,
    after,
  });
  const receipts = createReceipts({
    tell: (frame) => {
      session()?.tell(frame);
      return session() !== undefined;
    },
    now,
    after,
  });
  const seen = createSeen(page);
  const credit = createCredit(environment);
  const rooms = createRooms({
    session,
    toMessage: (frame) => toMessage(frame, { receipt: receipts.add, seen }),
    onDelivered: ({ ack, mid }) => ack === true && receipts.add(mid, 'delivered'),
    onJoined: (on, { room, lane }) => credit.joined(on, room, lane),
    onSettled: (on) => link.settled(on),
    onProblem,
    after,
    random,
  });

  const allowed = options.transports ?? ['webSocket', 'sse'];
  const { WebSocket } = environment;
  const sse = createSseOpener({ url: `${base}/realtime/events`, tokens, post, rooms: rooms.names, fetch, after });
  const link = createLink({
    environment,
    tokens,
    openers: {
      ...(WebSocket !== undefined && allowed.includes('webSocket')
        ? { webSocket: webSocketWire(WebSocket, `${base.replace(/^http/, 'ws')}/realtime/ws`) }
        : {}),
      ...(allowed.includes('sse') ? { sse } : {}),
    },
    client: { name: options.name ?? 'carillon-client', version: options.version ?? '1' },
    longestWaitMs: options.longestWaitMs ?? (() => defaultLongestWaitMs),
    onLink: (state) => emit('link', state),
    onLive(on) {
      const { ready } = on;
      if (ready === undefined) return;
      emit('ready', { connection: ready.connection, person: ready.person, serverTime: ready.now });
      credit.begin(on);
      fresh.begin(on);
      rooms.resume(on);
      receipts.resume();
      calls.pump();
    },
    onFrame: (on, frame) => receive(on, frame),
    onForgetPositions: rooms.forgetPositions,
    onStopped: (reason) => endAll(reason),
  });
  /** Also of a client that never began, or has ended by itself: by HTTP it could call all the same. */
  const endAll = (reason: string): void => {
    stoppedFor = reason;
    fresh.stop();
    rooms.stop();
    calls.abandon(new CodedError('unavailable', reason));
  };
  const fresh = keepTokenFresh({
    tokens,
    now,
    after,
    random,
    isCurrent: (on) => on === session(),
    replace: link.replace,
  });

  const receive = (on: Session, frame: ServerFrame): void => {
    switch (frame.t) {
      case 'msg':
        rooms.receive(on, frame);
        return credit.read(on, frame);
      case 'reauth':
        return fresh.renew(on);
      case 'goaway':
        return link.replace(on, frame.spreadMs / 2);
      default:
        return rooms.receive(on, frame);
    }
  };
  let stopListening = (): void => {};
  /** Once it was started and is not any more. */
  let stoppedFor: string | undefined;

  return {
    start() {
      stoppedFor = undefined;
      stopListening();
      // Before the link ends with the page, and after it came back.
      stopListening = page.listen((event) => {
        if (event === 'putAway') receipts.flush();
        if (event === 'shown') seen.shown();
      });
      link.start();
    },
    stop() {
      stopListening();
      receipts.flush();
      link.stop(undefined, 'Stopped');
      endAll(stoppedFor ?? 'Stopped');
    },
    link: link.link,
    on(event, listener) {
      const his = listeners.get(event) ?? new Set();
      listeners.set(event, his.add(listener));
      return () => void his.delete(listener);
    },
    call<N extends OperationName>(op: N, data: Input<N>, callOptions?: CallOptions) {
      const isPossible = stoppedFor === undefined || callOptions?.over === 'http';
      if (!isPossible) return Promise.reject(new CodedError('unavailable', stoppedFor));
      return calls.call(op, data, callOptions) as Promise<Result<N>>;
    },
    subscribe: rooms.subscribe,
    signal: (op, data) => session()?.tell({ t: 'signal', op, ...(data === undefined ? {} : { data }) }),
    waiting: calls.waiting,
    retryNow: link.wake,
    stats: createStats({ url: `${base}/realtime/stats`, tokens, fetch }),
  };
}
