/**
 * A client as `docs/protocol.md` describes it, and as light as that: it keeps one link, resumes each room from its
 * position, does what close codes say, and writes down what it is told. Waits are shorter than those of real clients.
 */
import type { Frame } from '@carillon/testkit/client';
import { WebSocket } from 'ws';
import { epochOf, sequenceOf, type Journal } from './journal.ts';
import type { Random } from './random.ts';

export type ClientOptions = {
  name: string;
  person: string;
  rooms: readonly string[];
  /** Asked at each attempt: another gateway may be the one to go to. */
  port: () => number;
  /** Asked at each attempt, and when the server asks for another. */
  token: () => Promise<string>;
  random: Random;
  /** Does not answer when the server asks for a new token. */
  isForgetful?: boolean;
};

/** One connection of a client, from its first byte to its end. */
export type Connection = {
  openedAt: number;
  readyAt: number | undefined;
  /** Code of the last `err` without an id, or of the handshake. */
  refused: string | undefined;
  code: number | undefined;
};

export type ScenarioClient = {
  readonly journal: Journal;
  readonly connections: readonly Connection[];
  /** Whether every room that it wants and may have was answered for on the connection that lives. */
  isLive(): boolean;
  /** Whether it has given up for good, as a close code told it. */
  isStopped(): boolean;
  /** Rooms in which it is. */
  rooms(): string[];
  has(room: string, id: string): boolean;
  /** Leaves the connection without a word, as a program that is killed, and opens another at once. */
  reconnectNow(): void;
  stop(): Promise<void>;
};

const leastWaitMs = 50;
const longestWaitMs = 1_000;
const handshakeWithinMs = 5_000;

type Room = { from: string | undefined; isIn: boolean; isBulk: boolean };

export function startClient(options: ClientOptions): ScenarioClient {
  const { name, person, random } = options;
  const journal: Journal = { client: name, person, entries: [] };
  const connections: Connection[] = [];
  const rooms = new Map<string, Room>(
    options.rooms.map((room) => [room, { from: undefined, isIn: false, isBulk: room.endsWith(':vitals') }]),
  );
  const known = new Set<string>();
  let socket: WebSocket | undefined;
  let attempt = 0;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  const later = (delayMs: number): void => {
    if (!isStopped) timer = setTimeout(open, delayMs);
  };
  const backOff = (): void => {
    later(leastWaitMs + random.next() * Math.min(longestWaitMs, leastWaitMs * 2 ** attempt++));
  };

  const open = (): void => {
    options.token().then(connect, backOff);
  };

  const connect = (token: string): void => {
    if (isStopped) return;
    const mine = new WebSocket(`ws://127.0.0.1:${options.port()}/realtime/ws`, ['carillon.v1'], {
      handshakeTimeout: handshakeWithinMs,
    });
    socket = mine;
    const connection: Connection = { openedAt: Date.now(), readyAt: undefined, refused: undefined, code: undefined };
    connections.push(connection);
    const asked = new Map<number, string>();
    let nextId = 1;
    let bulkRead = 0;
    let afterMs = 1_000;
    let silence = setTimeout(() => mine.terminate(), handshakeWithinMs);
    let patienceMs = handshakeWithinMs;
    const send = (frame: Record<string, unknown>): void => {
      if (mine.readyState === WebSocket.OPEN) mine.send(JSON.stringify(frame));
    };

    const subscribe = (name: string, { from }: Room): void => {
      const id = nextId++;
      asked.set(id, name);
      send({ t: 'subscribe', id, room: name, ...(from === undefined ? {} : { from }) });
    };
    const onReady = (frame: Frame): void => {
      const { everyMs, waitMs } = frame['ping'] as { everyMs: number; waitMs: number };
      patienceMs = everyMs + waitMs;
      connection.readyAt = Date.now();
      attempt = 0;
      journal.entries.push({ kind: 'connected', at: Date.now() });
      send({ t: 'rx', n: 0 });
      for (const [name, room] of rooms) subscribe(name, room);
    };
    const onSubscribed = (frame: Frame): void => {
      const [name, position, recovery] = [String(frame['room']), String(frame['pos']), String(frame['recovery'])];
      const room = rooms.get(name);
      asked.delete(Number(frame['id']));
      if (room === undefined) return;
      journal.entries.push({ kind: 'joined', room: name, at: Date.now(), recovery, position });
      room.isIn = true;
      if (recovery !== 'complete') room.from = position;
    };
    const onMessage = (frame: Frame): void => {
      const [name, position] = [String(frame['room']), String(frame['pos'])];
      const room = rooms.get(name);
      // His own room is joined at connect, and flows before it is subscribed to.
      if (room?.isIn !== true) return;
      const previous = frame['prev'] as string | undefined;
      journal.entries.push({
        kind: 'message',
        room: name,
        at: Date.now(),
        id: String(frame['mid']),
        sentAt: Date.parse(String(frame['at'])),
        position,
        previous,
        skipped: Number(frame['skipped'] ?? 0),
      });
      known.add(`${name} ${String(frame['mid'])}`);
      if (room.from === undefined || !room.isBulk || isLater(position, room.from)) room.from = position;
      if (room.isBulk) send({ t: 'rx', n: ++bulkRead });
    };
    const leave = (name: string, reason: string): void => {
      rooms.delete(name);
      journal.entries.push({ kind: 'left', room: name, at: Date.now(), reason });
    };
    const onError = (frame: Frame): void => {
      const name = asked.get(Number(frame['id']));
      connection.refused = String(frame['code']);
      if (frame['afterMs'] !== undefined) afterMs = Number(frame['afterMs']);
      if (name !== undefined && frame['retry'] === 'never') leave(name, String(frame['code']));
    };
    const onFrame = (frame: Frame): void => {
      switch (frame.t) {
        case 'ready':
          return connection.readyAt === undefined ? onReady(frame) : undefined;
        case 'subscribed':
          return onSubscribed(frame);
        case 'msg':
          return onMessage(frame);
        case 'err':
          return onError(frame);
        case 'reset': {
          const room = rooms.get(String(frame['room']));
          if (room === undefined) return;
          room.from = undefined;
          journal.entries.push({ kind: 'voided', room: String(frame['room']), at: Date.now(), reason: 'reset' });
          return;
        }
        case 'unsubscribed':
          return leave(String(frame['room']), String(frame['code']));
        case 'reauth':
          if (options.isForgetful !== true) {
            void options.token().then((next) => send({ t: 'reauth', id: nextId++, token: next }));
          }
          return;
        case 'ping':
          return send({ t: 'pong' });
      }
    };

    mine.on('open', () => send({ t: 'connect', id: nextId++, token, client: { name: 'scenario' }, tab: name }));
    mine.on('message', (data: Buffer) => {
      if (socket !== mine) return;
      clearTimeout(silence);
      silence = setTimeout(() => mine.terminate(), patienceMs);
      for (const line of data.toString().split('\n')) onFrame(JSON.parse(line) as Frame);
    });
    mine.on('error', () => {});
    mine.on('close', (code) => {
      clearTimeout(silence);
      connection.code = code;
      if (socket !== mine || isStopped) return;
      for (const room of rooms.values()) room.isIn = false;
      const family = Math.floor(code / 100);
      if (family === 44) isStopped = true;
      if (family === 42) for (const room of rooms.values()) room.from = undefined;
      if (family === 43) later(afterMs);
      else backOff();
    });
  };

  open();
  return {
    journal,
    connections,
    isLive: () => connections.at(-1)?.code === undefined && [...rooms.values()].every(({ isIn }) => isIn),
    isStopped: () => isStopped,
    rooms: () => [...rooms.keys()],
    has: (room, id) => known.has(`${room} ${id}`),
    reconnectNow() {
      const old = socket;
      for (const room of rooms.values()) room.isIn = false;
      clearTimeout(timer);
      open();
      old?.terminate();
      socket = undefined;
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      const last = socket;
      if (last === undefined || last.readyState === WebSocket.CLOSED) return;
      const closed = new Promise((resolve) => last.once('close', resolve));
      last.close(1000);
      const giveUp = setTimeout(() => last.terminate(), 1_000);
      await closed;
      clearTimeout(giveUp);
    },
  };
}

/** Of two positions of one life of the stream. */
const isLater = (position: string, than: string): boolean =>
  epochOf(position) !== epochOf(than) || sequenceOf(position) > sequenceOf(than);
