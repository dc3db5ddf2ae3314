/** What differs between a browser, Node and a test. Whatever is not given is what the platform has. */
import { browserPage, type Page } from './page.ts';

/** The part of a WebSocket that is used; the browser's, Node's and that of `ws` all have it. */
export type WebSocketLike = {
  /** Their types of events differ, so that none is named here. */
  addEventListener: (type: never, listener: never) => void;
  send(text: string): void;
  close(code?: number): void;
};
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** Calls off what `after` has put off. */
export type Cancel = () => void;

export type Environment = {
  /** Absent where there is none: Server-Sent Events then. */
  WebSocket: WebSocketConstructor | undefined;
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** ms since the epoch. */
  now(): number;
  random(): number;
  after(delayMs: number, action: () => void): Cancel;
  page: Page;
};

const longestTimerMs = 2 ** 31 - 1;

export function createEnvironment(given: Partial<Environment> = {}): Environment {
  return {
    WebSocket: (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket,
    fetch: (url, init) => fetch(url, init),
    now: () => Date.now(),
    random: () => Math.random(),
    after(delayMs, action) {
      const timer = setTimeout(action, Math.min(delayMs, longestTimerMs));
      return () => clearTimeout(timer);
    },
    page: browserPage(),
    ...given,
  };
}

/** 128 random bits. Not `randomUUID`, which browsers keep from pages that came without TLS. */
export const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
