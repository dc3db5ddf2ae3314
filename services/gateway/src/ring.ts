/** The newest messages of one stream, in order: what resumes and storms are served from. */
import { eventHeaders } from '@carillon/contracts/streams';
import type { StreamMessage } from '@carillon/bus/stream-reader';

/** What frames are made of: the headers, and the body as bytes that nobody parses here. */
export type Message = {
  sequence: number;
  /** Keys of the rooms to which it belongs, in the order in which their members get their copies. */
  rooms: readonly string[];
  event: string;
  id: string;
  at: string;
  version: string;
  isAckWanted: boolean;
  /** Conflation in bulk rooms: the newest of each key counts. */
  key: string;
  body: Uint8Array;
};

export function toMessage(message: StreamMessage, rooms: readonly string[]): Message {
  // The wire carries a CR or LF within a value, at which the client library throws: such headers count as none.
  const header = (name: string): string | undefined => {
    try {
      return message.header(name);
    } catch {
      return undefined;
    }
  };
  return {
    sequence: message.sequence,
    rooms,
    event: header(eventHeaders.event) ?? '',
    id: header(eventHeaders.id) ?? String(message.sequence),
    at: header(eventHeaders.at) ?? '',
    version: header(eventHeaders.version) ?? '0',
    isAckWanted: header(eventHeaders.ack) === 'true',
    key: header(eventHeaders.key) ?? message.subject,
    body: oneLine(message.body),
  };
}

const lineBreakers: ReadonlySet<number> = new Set(['\n', '\r', '\0'].map((text) => text.charCodeAt(0)));
const space = ' '.charCodeAt(0);
const nothing = new TextEncoder().encode('null');

/**
 * Frames are lines, over WebSocket and in an event stream. A line break in JSON stands between its tokens, where a space
 * means the same; in what is no JSON it must not end the line either.
 */
function oneLine(body: Uint8Array): Uint8Array {
  if (body.length === 0) return nothing;
  // A copy: what NATS hands over is a view, which would keep the whole chunk that was read from the socket.
  const line = new Uint8Array(body);
  for (const breaker of lineBreakers) {
    for (let index = line.indexOf(breaker); index >= 0; index = line.indexOf(breaker, index)) line[index] = space;
  }
  return line;
}

export type Ring = {
  push(message: Message): void;
  /** Everything after this sequence is here. */
  after(): number;
  /** Messages of any of these rooms after a sequence, in order. */
  of(rooms: ReadonlySet<string>, afterSequence: number): Message[];
  size(): number;
  clear(afterSequence: number): void;
};

/** @param maxMessages and maxBytes bound the memory; `startAfter` is where the reader began */
export function createRing(maxMessages: number, maxBytes: number, startAfter: number): Ring {
  let messages: (Message | undefined)[] = [];
  let head = 0;
  let bytes = 0;
  let dropped = startAfter;
  const indexAfter = (sequence: number): number => {
    let low = head;
    let high = messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((messages[middle]?.sequence ?? Infinity) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    push(message) {
      messages.push(message);
      bytes += message.body.length;
      while (messages.length - head > maxMessages || bytes > maxBytes) {
        const oldest = messages[head];
        if (oldest === undefined) break;
        // Let go at once; the array itself is cut only now and then.
        messages[head++] = undefined;
        dropped = oldest.sequence;
        bytes -= oldest.body.length;
      }
      // The array is cut seldom, so that a push costs the same on average.
      if (head > maxMessages) {
        messages = messages.slice(head);
        head = 0;
      }
    },
    after: () => dropped,
    of(rooms, afterSequence) {
      const found: Message[] = [];
      for (let index = indexAfter(afterSequence); index < messages.length; index++) {
        const message = messages[index];
        if (message?.rooms.some((room) => rooms.has(room)) === true) found.push(message);
      }
      return found;
    },
    size: () => messages.length - head,
    clear(afterSequence) {
      messages = [];
      head = 0;
      bytes = 0;
      dropped = afterSequence;
    },
  };
}
