/** The newest messages of one stream, in order: what resumes and storms are served from. */
import { eventHeaders } from '@carillon/contracts/streams';
import type { StreamMessage } from '@carillon/bus/stream-reader';

/** What frames are made of: the headers, and the body as bytes that nobody parses here. */
export type Message = {
  sequence: number;
  /** Keys of the rooms to which it belongs. */
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
  return {
    sequence: message.sequence,
    rooms,
    event: message.header(eventHeaders.event) ?? '',
    id: message.header(eventHeaders.id) ?? String(message.sequence),
    at: message.header(eventHeaders.at) ?? '',
    version: message.header(eventHeaders.version) ?? '0',
    isAckWanted: message.header(eventHeaders.ack) === 'true',
    key: message.header(eventHeaders.key) ?? message.subject,
    // A copy: what NATS hands over is a view, which would keep the whole chunk that was read from the socket.
    body: new Uint8Array(message.body),
  };
}

export type Ring = {
  push(message: Message): void;
  /** Everything after this sequence is here. */
  after(): number;
  /** Messages of a room after a sequence, in order. */
  of(room: string, afterSequence: number): Message[];
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
    of(room, afterSequence) {
      const found: Message[] = [];
      for (let index = indexAfter(afterSequence); index < messages.length; index++) {
        const message = messages[index];
        if (message !== undefined && message.rooms.includes(room)) found.push(message);
      }
      return found;
    },
    clear(afterSequence) {
      messages = [];
      head = 0;
      bytes = 0;
      dropped = afterSequence;
    },
  };
}
