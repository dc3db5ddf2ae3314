/** One connection as bytes: a WebSocket, or an event stream with posts beside it. Frames go in and out. */
import type { Environment } from './environment.ts';
import type { ClientFrame, ServerFrame } from './frames.ts';

export type TransportName = 'webSocket' | 'sse';

/** How a connection ended. */
export type WireEnd = {
  code: number;
  /** For people, where the server said more than the code. */
  message?: string;
  /** With 43xx: how long to wait. */
  afterMs?: number;
};

export type WireEvents = {
  /** The handshake is through: the network lets this transport pass. */
  onOpen(): void;
  onFrame(frame: ServerFrame): void;
  /** Anything at all came. */
  onHeard(): void;
  /** Once. */
  onEnd(end: WireEnd): void;
};

export type Wire = {
  send(frame: ClientFrame): void;
  close(): void;
};

export type OpenWire = (events: WireEvents) => Wire;

/** A text frame holds one or several messages, one a line. What is no message is passed over. */
export function readFrames(text: string, onFrame: (frame: ServerFrame) => void): void {
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    let frame: ServerFrame;
    try {
      frame = JSON.parse(line) as ServerFrame;
    } catch {
      continue;
    }
    onFrame(frame);
  }
}

/** As one that fails in order, where opening throws. */
export const guardedOpen =
  (open: OpenWire, { after }: Pick<Environment, 'after'>): OpenWire =>
  (events) => {
    try {
      return open(events);
    } catch {
      after(0, () => events.onEnd({ code: 1006 }));
      return { send: () => {}, close: () => {} };
    }
  };
