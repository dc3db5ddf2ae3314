/** The client library on the same lines, with a journal of what it hands to its program. */
import { createClient, type Link } from '@carillon/client/client';
import { createEnvironment, type WebSocketConstructor } from '@carillon/client/environment';
import { memoryStore } from '@carillon/client/queue-store';
import { WebSocket } from 'ws';
import type { Journal } from './journal.ts';
import type { World } from './world.ts';

export type SdkClient = {
  isLive(): boolean;
  /** In which its link was, in order. */
  states(): Link['state'][];
  /** Errors of its own that were nobody's answer. */
  problems: readonly unknown[];
};

export type SdkOptions = { name: string; person: string; rooms: readonly string[]; port: () => number };

export function startSdkClient(world: World, { name, person, rooms, port }: SdkOptions): SdkClient {
  const journal: Journal = { client: name, person, entries: [] };
  const known = new Set<string>();
  const states: Link['state'][] = [];
  const random = world.random.fork();
  const loaded = new Set<string>();
  /** Each attempt goes where the test wants it to. */
  class Moving extends WebSocket {
    constructor(_: string, protocols: string[]) {
      super(`ws://127.0.0.1:${port()}/realtime/ws`, protocols);
    }
  }
  const client = createClient({
    url: 'http://127.0.0.1',
    token: () => world.desk.tokenOf(person),
    transports: ['webSocket'],
    longestWaitMs: () => 1_000,
    store: memoryStore(),
    environment: createEnvironment({ WebSocket: Moving as unknown as WebSocketConstructor, random: random.next }),
  });
  client.on('link', ({ state }) => states.push(state));
  const problems: unknown[] = [];
  client.on('problem', (problem) => problems.push(problem));
  for (const each of rooms) {
    client.subscribe(each, {
      onMessage({ room, id, at, skipped }) {
        known.add(`${room} ${id}`);
        journal.entries.push({
          kind: 'message',
          room,
          id,
          at: Date.now(),
          sentAt: Date.parse(at),
          position: undefined,
          previous: undefined,
          skipped,
        });
      },
      loadState(reason, room) {
        loaded.add(room);
        journal.entries.push({ kind: 'joined', room, at: Date.now(), recovery: reason, position: undefined });
        journal.entries.push({ kind: 'voided', room, at: Date.now(), reason });
      },
      onEnd: ({ room, code }) => void journal.entries.push({ kind: 'left', room, at: Date.now(), reason: code }),
    });
  }
  client.start();
  world.watch(journal, (room, id) => known.has(`${room} ${id}`), rooms);
  world.onEnd(() => client.stop());
  return {
    isLive: () => client.link().state === 'live' && rooms.every((room) => loaded.has(room)),
    states: () => [...states],
    problems,
  };
}
