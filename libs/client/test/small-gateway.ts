/**
 * As little of a gateway as the protocol needs, over real WebSockets: rooms with a history that resumes, and whatever a
 * test wants it to do wrong. Several of them on one history stand for several gateways.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { eventually } from '@carillon/testkit/eventually';

export type Frame = Record<string, unknown> & { t: string };
type Entry = { sequence: number; room: string; frame: Frame };

export type History = {
  epoch: string;
  entries: Entry[];
  /** Tells all connections of all gateways. */
  publish(room: string, data?: unknown, more?: Record<string, unknown>): string;
  gateways: Set<SmallGateway>;
};

export function createHistory(): History {
  const history: History = {
    epoch: 'e7',
    entries: [],
    gateways: new Set(),
    publish(room, data = {}, more = {}) {
      const sequence = (history.entries.at(-1)?.sequence ?? 0) + 1;
      const previous = history.entries.findLast((each) => each.room === room)?.sequence ?? 0;
      const frame: Frame = {
        t: 'msg',
        room,
        ev: 'alert:raised',
        mid: `m${sequence}`,
        pos: `${history.epoch}-${sequence}`,
        ...(isBulk(room) ? {} : { prev: `${history.epoch}-${previous}` }),
        at: new Date().toISOString(),
        version: sequence,
        data,
        ...more,
      };
      history.entries.push({ sequence, room, frame });
      for (const gateway of history.gateways) {
        for (const peer of gateway.peers) if (peer.rooms.has(room)) peer.say(frame);
      }
      return String(frame['pos']);
    },
  };
  return history;
}

/** Older ones than what the client has among them, as the protocol has it. */
const newestOfEachKey = (entries: readonly Entry[]): Entry[] => {
  const keyOf = ({ frame }: Entry): unknown => (frame['data'] as { key?: unknown }).key;
  return [...new Map(entries.map((each) => [keyOf(each), each])).values()].sort((a, b) => a.sequence - b.sequence);
};
const isBulk = (room: string): boolean => room.endsWith(':vitals');

export type Peer = {
  received: Frame[];
  rooms: Set<string>;
  say(...frames: Frame[]): void;
  close(code: number): void;
  /** Without a word, as a broken network does it. */
  cut(): void;
  isOpen: boolean;
  ofType(t: string): Frame[];
  expect(t: string, count?: number): Promise<Frame>;
};

export type SmallGateway = {
  url: string;
  peers: Peer[];
  /** The nth connection, from 0, once it is there. */
  peer(index: number): Promise<Peer>;
  /** What to do with a frame; true when it is dealt with. */
  intercept: (peer: Peer, frame: Frame) => boolean;
  ready: Record<string, unknown>;
  /** Upgrades are refused, as by a proxy that knows no WebSocket. */
  refusesUpgrades: boolean;
  /** What it serves besides, by path. */
  files: Map<string, { type: string; body: string }>;
  stop(): Promise<void>;
};

export async function startSmallGateway(
  history: History = createHistory(),
): Promise<SmallGateway & { history: History }> {
  const http: Server = createServer((request, response) => {
    const file = gateway.files.get(request.url ?? '');
    if (file === undefined) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': file.type }).end(file.body);
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    if (gateway.refusesUpgrades) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    return sockets.handleUpgrade(request, socket, head, (each) => serve(each));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const gateway: SmallGateway & { history: History } = {
    history,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    peers: [],
    peer: (index) => eventually(() => gateway.peers[index], { what: `connection ${index}` }),
    intercept: () => false,
    ready: {},
    refusesUpgrades: false,
    files: new Map(),
    async stop() {
      history.gateways.delete(gateway);
      for (const each of sockets.clients) each.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  history.gateways.add(gateway);

  const serve = (socket: WebSocket): void => {
    const peer: Peer = {
      received: [],
      rooms: new Set(),
      isOpen: true,
      say: (...frames) => peer.isOpen && socket.send(frames.map((frame) => JSON.stringify(frame)).join('\n')),
      close: (code) => socket.close(code),
      cut: () => socket.terminate(),
      ofType: (t) => peer.received.filter((frame) => frame.t === t),
      expect: (t, count = 1) =>
        eventually(() => peer.ofType(t)[count - 1], {
          what: `${count} frames ${t}; came: ${JSON.stringify(peer.received)}`,
        }),
    };
    gateway.peers.push(peer);
    socket.on('close', () => {
      peer.isOpen = false;
      peer.rooms.clear();
    });
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => {
      for (const line of data.toString().split('\n')) {
        const frame = JSON.parse(line) as Frame;
        peer.received.push(frame);
        if (!gateway.intercept(peer, frame)) answer(peer, frame);
      }
    });
  };

  const answer = (peer: Peer, frame: Frame): void => {
    const { id } = frame;
    const room = String(frame['room']);
    switch (frame.t) {
      case 'connect':
        return peer.say({
          t: 'ready',
          id,
          connection: `c${gateway.peers.indexOf(peer)}`,
          person: 'n1',
          now: new Date().toISOString(),
          expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
          ping: { everyMs: 600_000, waitMs: 7_000 },
          bulk: { messages: 16, bytes: 4_096 },
          limits: { frameBytes: 32_768, rooms: 128, callsPerMinute: 120 },
          rooms: ['person:n1'],
          ...gateway.ready,
        });
      case 'subscribe': {
        const from = /^(\w+)-(\d+)$/.exec(String(frame['from']));
        const isKnown = from?.[1] === history.epoch;
        const his = history.entries.filter((each) => each.room === room);
        const after = his.filter((each) => isKnown && each.sequence > Number(from[2]));
        const missed = isBulk(room) && isKnown ? newestOfEachKey(his) : after;
        peer.rooms.add(room);
        const usual = isBulk(room) ? 'latest' : isKnown ? 'complete' : 'lost';
        return peer.say(
          {
            t: 'subscribed',
            id,
            room,
            pos: `${history.epoch}-${history.entries.at(-1)?.sequence ?? 0}`,
            lane: isBulk(room) ? 'bulk' : 'normal',
            recovery: frame['from'] === undefined ? 'fresh' : usual,
          },
          ...missed.map((each) => each.frame),
        );
      }
      case 'unsubscribe':
        peer.rooms.delete(room);
        return peer.say({ t: 'ok', id });
      case 'call':
        return peer.say({ t: 'ok', id, data: { op: frame['op'], key: frame['key'] } });
      case 'reauth':
        return peer.say({ t: 'ok', id, data: { expiresAt: new Date(Date.now() + 3_600_000).toISOString() } });
      default:
        return undefined;
    }
  };
  return gateway;
}
