/** A client in a test, with what it saw; its time may run faster than ours. */
import { WebSocket } from 'ws';
import { createClient, type Client, type ClientOptions, type Link, type Message } from '../src/client.ts';
import { createEnvironment, type WebSocketConstructor } from '../src/environment.ts';
import type { Page, PageEvent } from '../src/page.ts';
import { memoryStore } from '../src/queue-store.ts';
import { eventually } from '@carillon/testkit/eventually';

export type TestPage = Page & {
  set(change: { isVisible?: boolean; isOnline?: boolean }): void;
  tell(event: PageEvent): void;
};

export function createPage(): TestPage {
  let state = { isVisible: true, isOnline: true };
  const listeners = new Set<(event: PageEvent) => void>();
  return {
    isVisible: () => state.isVisible,
    isOnline: () => state.isOnline,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set: (change) => void (state = { ...state, ...change }),
    tell: (event) => listeners.forEach((listener) => listener(event)),
  };
}

export type Clock = { now(): number; skip(ms: number): void };

/** Timers of a client whose time runs faster, and how many of them run. */
export function createTimers(speed = 1) {
  const running = new Set<NodeJS.Timeout>();
  return {
    running: () => running.size,
    after(delayMs: number, action: () => void): () => void {
      const timer = setTimeout(() => {
        running.delete(timer);
        action();
      }, delayMs / speed);
      running.add(timer);
      return () => {
        clearTimeout(timer);
        running.delete(timer);
      };
    },
  };
}

export type TestClient = Client & {
  links: Link[];
  messages: Message[];
  problems: unknown[];
  page: TestPage;
  clock: Clock;
  /** Enters a room and keeps what comes in `messages`, and why its state was to be loaded in `loads`. */
  enter(room: string): ReturnType<Client['subscribe']>;
  loads: string[];
  ends: string[];
  until(state: Link['state']): Promise<Link>;
};

const running: Client[] = [];
export const stopClients = (): void => running.splice(0).forEach((client) => client.stop());

/** An unsigned token: whose it is can be read from it, as from a real one. */
export const tokenFor = (person: string, more: Record<string, unknown> = {}): string =>
  ['{}', JSON.stringify({ sub: person, hospital: 'h1', ...more }), '']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

export type TestOptions = Partial<ClientOptions> & {
  url: string;
  /** How much faster than ours the time of the client runs. */
  speed?: number;
};

export function startClient({ speed = 1, environment, ...options }: TestOptions): TestClient {
  const page = createPage();
  const startedAt = Date.now();
  let skipped = 0;
  const now = (): number => startedAt + (Date.now() - startedAt) * speed + skipped;
  const client = createClient({
    token: () => Promise.resolve(tokenFor('n1')),
    store: memoryStore(),
    ...options,
    environment: createEnvironment({
      WebSocket: WebSocket as unknown as WebSocketConstructor,
      page,
      now,
      after(delayMs, action) {
        const timer = setTimeout(action, delayMs / speed);
        return () => clearTimeout(timer);
      },
      ...environment,
    }),
  });
  running.push(client);
  const test: TestClient = {
    ...client,
    links: [],
    messages: [],
    problems: [],
    loads: [],
    ends: [],
    page,
    clock: { now, skip: (ms) => void (skipped += ms) },
    enter: (room) =>
      client.subscribe(room, {
        onMessage: (message) => void test.messages.push(message),
        loadState: (reason, name) => void test.loads.push(`${name} ${reason}`),
        onEnd: ({ room: name, code }) => void test.ends.push(`${name} ${code}`),
      }),
    until: (state) =>
      eventually(() => (client.link().state === state ? client.link() : undefined), {
        what: `${state}; it was ${test.links.map((link) => link.state).join(', ')}`,
      }),
  };
  client.on('link', (link) => test.links.push(link));
  client.on('problem', (problem) => test.problems.push(problem));
  client.start();
  return test;
}
