/** Which transport is tried next: WebSocket, and an event stream where something on the way lets no WebSocket through. */
import type { OpenWire, TransportName } from './wire.ts';

/** Those that this platform has and the program allows. */
export type Openers = Partial<Record<TransportName, OpenWire>>;

/**
 * So many WebSockets in a row that never opened: then the other way is tried in turns with it. Where one has opened before
 * it is rather the server that is away, and rooms that an event stream takes over have to be read anew.
 */
const blockedAfter = 3;
const goneAfter = 6;
const firstProbeMs = 5_000;
const longestProbeMs = 10 * 60_000;

export function createTransports({ webSocket, sse }: Openers) {
  if (webSocket === undefined && sse === undefined) throw new Error('There is no WebSocket here: pass one in');
  let turn: TransportName = webSocket === undefined ? 'sse' : 'webSocket';
  let neverOpened = 0;
  let hasEverOpened = false;
  let probes = 0;
  return {
    choose(isProbe: boolean): { transport: TransportName; open: OpenWire } {
      const isEvents = sse !== undefined && (webSocket === undefined || (turn === 'sse' && !isProbe));
      if (isEvents) return { transport: 'sse', open: sse };
      return { transport: 'webSocket', open: webSocket as OpenWire };
    },
    opened(transport: TransportName): void {
      turn = transport;
      if (transport === 'sse') return;
      hasEverOpened = true;
      neverOpened = 0;
      probes = 0;
    },
    failed(transport: TransportName, hasOpened: boolean): void {
      if (transport === 'webSocket' && !hasOpened) neverOpened++;
      // No event stream either: the server is away.
      if (transport === 'sse' && !hasOpened && hasEverOpened) neverOpened = 0;
      turn =
        transport === 'webSocket' && neverOpened >= (hasEverOpened ? goneAfter : blockedAfter) ? 'sse' : 'webSocket';
    },
    mayProbe: (): boolean => webSocket !== undefined,
    /** Soon at first, since a server that was away for a moment looks the same; then ever more rarely. */
    nextProbeMs: (): number => Math.min(longestProbeMs, firstProbeMs * 2 ** probes++),
  };
}
