/** The newest messages of one stream, in order: what resumes and storms are served from. */
import { lanes, type Lane } from '@carillon/contracts/define';
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
  /** Of the event; undefined where its publisher names none. */
  lane: Lane | undefined;
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
  const named = header(eventHeaders.lane);
  return {
    sequence: message.sequence,
    rooms,
    event: header(eventHeaders.event) ?? '',
    id: header(eventHeaders.id) ?? String(message.sequence),
    at: header(eventHeaders.at) ?? '',
    version: header(eventHeaders.version) ?? '0',
    isAckWanted: header(eventHeaders.ack) === 'true',
    lane: lanes.find((lane) => lane === named),
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
  /** One that asks for receipts, by its id. */
  find(id: string): Message | undefined;
  size(): number;
  clear(afterSequence: number): void;
};

/** Messages in order. Those before `head` are let go; the array is cut seldom, so that it costs the same on average. */
type Run = { messages: (Message | undefined)[]; head: number };

function dropOldest(run: Run): void {
  run.messages[run.head++] = undefined;
  if (run.head < 32 || run.head * 2 < run.messages.length) return;
  run.messages = run.messages.slice(run.head);
  run.head = 0;
}

function messagesAfter({ messages, head }: Run, sequence: number): Message[] {
  let low = head;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((messages[middle]?.sequence ?? Infinity) <= sequence) low = middle + 1;
    else high = middle;
  }
  return messages.slice(low) as Message[];
}

/** @param maxMessages and maxBytes bound the memory; `startAfter` is where the reader began */
export function createRing(maxMessages: number, maxBytes: number, startAfter: number): Ring {
  let all: Run = { messages: [], head: 0 };
  /** Of each room: in a storm thousands ask at once, each for a little of what is here. */
  const byRoom = new Map<string, Run>();
  const receiptable = new Map<string, Message>();
  let bytes = 0;
  let dropped = startAfter;
  const size = (): number => all.messages.length - all.head;
  const drop = (oldest: Message): void => {
    dropOldest(all);
    for (const room of oldest.rooms) {
      const run = byRoom.get(room);
      if (run === undefined) continue;
      dropOldest(run);
      if (run.messages.length === run.head) byRoom.delete(room);
    }
    if (receiptable.get(oldest.id) === oldest) receiptable.delete(oldest.id);
    dropped = oldest.sequence;
    bytes -= oldest.body.length;
  };
  return {
    push(message) {
      all.messages.push(message);
      for (const room of message.rooms) {
        const run = byRoom.get(room);
        if (run === undefined) byRoom.set(room, { messages: [message], head: 0 });
        else run.messages.push(message);
      }
      if (message.isAckWanted) receiptable.set(message.id, message);
      bytes += message.body.length;
      while (size() > maxMessages || bytes > maxBytes) {
        const oldest = all.messages[all.head];
        if (oldest === undefined) break;
        drop(oldest);
      }
    },
    after: () => dropped,
    of(rooms, afterSequence) {
      const runs = [...rooms].flatMap((room) => byRoom.get(room) ?? []);
      const [first] = runs;
      if (first === undefined) return [];
      if (runs.length === 1) return messagesAfter(first, afterSequence);
      const found = new Set(runs.flatMap((run) => messagesAfter(run, afterSequence)));
      return [...found].sort((a, b) => a.sequence - b.sequence);
    },
    find: (id) => receiptable.get(id),
    size,
    clear(afterSequence) {
      all = { messages: [], head: 0 };
      byRoom.clear();
      receiptable.clear();
      bytes = 0;
      dropped = afterSequence;
    },
  };
}
