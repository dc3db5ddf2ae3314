/**
 * What rooms missed since a position: from the ring, and what is older from the stream, read once for all who ask at the
 * same time. A storm of clients that come back costs the server a few readers, not one each.
 */
import type { StreamName } from '@carillon/contracts/define';
import type { Bus } from '@carillon/bus/connection';
import type { StreamState } from '@carillon/bus/stream-reader';
import type { Logger } from '@carillon/runtime/log';
import { parsePosition, type Position } from './frames.ts';
import type { StreamSource } from './stream-source.ts';
import { createRing, toMessage, type Message, type Ring } from './ring.ts';
import { roomFilter, type Room, type RoomMatcher } from './rooms.ts';

/** More than this is not replayed: to load the state is quicker. */
export const maxReplay = 5_000;
/** What one reader of the stream brings for all who share it; beyond it nobody's part is proved. */
const maxShared = 100_000;
const maxSharedBytes = 64 * 1024 * 1024;
const maxReadAttempts = 3;
const catchUpMs = 2_000;

/** A message, and in which of a member's rooms he is to get it. */
export type Copies = { message: Message; rooms: readonly Room[] };
export type Missed = { after: number; copies: readonly Copies[] };

/** How the hub stands; looked at again after each wait. */
export type Standing = {
  epoch(): string;
  epochOf(state: StreamState): string;
  /** Grows with each break: what was read of the stream before it proves nothing after it. */
  life(): number;
  lastSequence(): number;
};

export type Replay = {
  /**
   * @returns how to take what rooms missed since a position, up to the moment in which it is taken: live messages are to
   *   follow without a wait. Undefined when it is lost
   */
  missedSince(rooms: readonly Room[], from: string): Promise<() => Missed | undefined>;
  /** Readers of the stream that were made, since the start. */
  reads(): number;
};

type ReplayOptions = {
  bus: Bus;
  stream: StreamName;
  source: Pick<StreamSource, 'streamState' | 'readRange'>;
  ring: Ring;
  match: RoomMatcher;
  standing: Standing;
  log: Logger;
};
type Replayed = { messages: readonly Message[]; upTo: number };
/** Somebody who waits for what is older than the ring. */
type Ask = { rooms: readonly Room[]; after: number; answer: (found: Message[] | undefined) => void };

const roomsOf = (asks: readonly Ask[]): Room[] => [
  ...new Map(asks.flatMap(({ rooms }) => rooms.map((room) => [room.key, room]))).values(),
];
const keysOf = (rooms: readonly Room[]): ReadonlySet<string> => new Set(rooms.map((room) => room.key));

/** One filter through which all messages of all these rooms pass: a token stays where they agree. */
export function commonFilter(filters: readonly string[]): string {
  const all = filters.map((filter) => filter.split('.'));
  const lengths = all.map(({ length }) => length);
  const shortest = Math.min(...lengths);
  const isOpen = shortest < Math.max(...lengths) || all.some((tokens) => tokens.at(-1) === '>');
  // `>` stands for one token at least: where one ends earlier, its last token is open for all.
  const common = (all[0] ?? []).slice(0, isOpen ? shortest - 1 : shortest);
  const agreed = common.map((token, index) => (all.every((each) => each[index] === token) ? token : '*'));
  return [...agreed, ...(isOpen ? ['>'] : [])].join('.');
}

export function createReplay({ bus, stream, source, ring, match, standing, log }: ReplayOptions): Replay {
  let reads = 0;
  let asks: Ask[] = [];
  let isReading = false;

  const read = async (filter: string, afterSequence: number, limit: number): Promise<Message[] | undefined> => {
    const range = {
      stream,
      filter,
      afterSequence,
      toSequence: standing.lastSequence(),
      limit,
      maxBytes: maxSharedBytes,
    };
    for (let attempt = 1; ; attempt++) {
      try {
        reads++;
        const found = await source.readRange(bus, range);
        return found?.map((message) => toMessage(message, match(message.subject)));
      } catch (error) {
        // nats-server 2.9.10 now and then counts one message more than there is, which then never comes (measured);
        // another consumer counts anew.
        if (attempt === maxReadAttempts) throw error;
        log.warn({ err: error, stream, attempt }, 'reading again');
        await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
      }
    }
  };

  /** Whether everything after `sequence` is in the stream still: retention moves its beginning. */
  const isHeld = async (sequence: number): Promise<boolean> => {
    const state = await source.streamState(bus, stream);
    return standing.epochOf(state) === standing.epoch() && sequence >= state.firstSequence - 1;
  };

  const readShared = (rooms: readonly Room[], after: number): Promise<Message[] | undefined> =>
    read(commonFilter(rooms.map(roomFilter)), after, maxShared);
  /** For rooms that are few among many that the common filter lets through. */
  const readEach = async (rooms: readonly Room[], after: number): Promise<Message[] | undefined> => {
    const bySequence = new Map<number, Message>();
    for (const room of rooms) {
      const found = await read(roomFilter(room), after, maxReplay);
      if (found === undefined) return undefined;
      for (const message of found) bySequence.set(message.sequence, message);
    }
    return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
  };

  /**
   * With one reading where that is not too much, else in halves: who was away long is no burden to the others. Where a
   * reading is too much, so is every older one, and nobody reads it.
   * @returns those for whom it was too much
   */
  const answerInHalves = async (asks: readonly Ask[], readFor: typeof readEach): Promise<readonly Ask[]> => {
    const afters = [...new Set(asks.map(({ after }) => after))].sort((a, b) => b - a);
    const found = await readFor(roomsOf(asks), afters.at(-1) ?? 0);
    if (found !== undefined) {
      const all = createRing(Infinity, Infinity, 0);
      for (const message of found) all.push(message);
      for (const { rooms, after, answer } of asks) {
        const his = all.of(keysOf(rooms), after);
        answer(his.length <= maxReplay ? his : undefined);
      }
      return [];
    }
    if (afters.length < 2) return asks;
    const cut = afters[Math.ceil(afters.length / 2) - 1] ?? 0;
    const older = asks.filter(({ after }) => after < cut);
    const left = await answerInHalves(
      asks.filter(({ after }) => after >= cut),
      readFor,
    );
    return left.length > 0 ? [...left, ...older] : answerInHalves(older, readFor);
  };

  const answerAll = async (together: readonly Ask[]): Promise<void> => {
    const left = roomsOf(together).length === 1 ? together : await answerInHalves(together, readShared);
    const alike = new Map<string, Ask[]>();
    for (const ask of left) {
      const name = ask.rooms.map(({ key }) => key).join(' ');
      const others = alike.get(name);
      if (others === undefined) alike.set(name, [ask]);
      else others.push(ask);
    }
    for (const asks of alike.values()) {
      for (const { answer } of await answerInHalves(asks, readEach)) answer(undefined);
    }
  };

  const readAll = async (): Promise<void> => {
    if (isReading) return;
    isReading = true;
    while (asks.length > 0) {
      const together = asks;
      asks = [];
      try {
        await answerAll(together);
      } catch (error) {
        log.warn({ err: error, stream }, 'what is older cannot be read');
        for (const { answer } of together) answer(undefined);
      }
    }
    isReading = false;
  };
  /** What any of the rooms got after a sequence, up to where the hub stood when the reading began, or later. */
  const readOlder = (rooms: readonly Room[], after: number): Promise<Message[] | undefined> =>
    new Promise((resolve) => {
      asks.push({ rooms, after, answer: resolve });
      void readAll();
    });

  /** Messages after `sequence`, and up to where; undefined when completeness cannot be proved. */
  const replay = async (asked: readonly Room[], sequence: number): Promise<Replayed | undefined> => {
    const older: Message[] = [];
    let from = sequence;
    while (from < ring.after()) {
      // Not only up to where the ring begins: that moves on with each message, and would be chased for ever. Another
      // round is needed only if the whole ring turned over meanwhile.
      const until = standing.lastSequence();
      // Looked at again when it was read: what begins at a sequence that is gone begins later, and says nothing.
      if (!(await isHeld(from))) return undefined;
      const found = await readOlder(asked, from);
      if (found === undefined || !(await isHeld(from))) return undefined;
      older.push(...found.filter((message) => message.sequence <= until));
      from = until;
      if (older.length > maxReplay) return undefined;
    }
    const all = [...older, ...ring.of(keysOf(asked), from)];
    return all.length > maxReplay ? undefined : { messages: all, upTo: standing.lastSequence() };
  };

  /** @returns a position that belongs to what this hub reads; whether all after it is left, `replay` tells */
  const locate = async (from: string): Promise<Position | undefined> => {
    const wanted = parsePosition(from);
    if (wanted === undefined || wanted.epoch !== standing.epoch()) return undefined;
    if (wanted.sequence <= standing.lastSequence()) return wanted;
    // This gateway may be a moment behind the one that gave the position; entering earlier would double messages.
    const state = await source.streamState(bus, stream).catch(() => undefined);
    if (state === undefined || standing.epochOf(state) !== standing.epoch() || wanted.sequence > state.lastSequence)
      return undefined;
    const giveUpAt = performance.now() + catchUpMs;
    while (standing.lastSequence() < wanted.sequence && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return standing.lastSequence() < wanted.sequence || wanted.epoch !== standing.epoch() ? undefined : wanted;
  };

  return {
    async missedSince(asked, from) {
      const lifeBefore = standing.life();
      const wanted = await locate(from);
      if (wanted === undefined) return () => undefined;
      // A message of which some copies were given is read again for the others.
      const after = wanted.upToRoom === undefined ? wanted.sequence : wanted.sequence - 1;
      const replayed = await replay(asked, after).catch(() => undefined);
      return () => {
        // Since the last wait more may have come, and the stream may have broken.
        if (replayed === undefined || standing.life() !== lifeBefore || ring.after() > replayed.upTo) return undefined;
        const rest = ring.of(keysOf(asked), replayed.upTo);
        const hasCopy = ({ sequence }: Message, { name }: Room): boolean =>
          wanted.upToRoom !== undefined && sequence === wanted.sequence && name <= wanted.upToRoom;
        const copies = [...replayed.messages, ...rest].map((message) => ({
          message,
          rooms: asked.filter((room) => message.rooms.includes(room.key) && !hasCopy(message, room)),
        }));
        return { after: wanted.sequence, copies: copies.filter((each) => each.rooms.length > 0) };
      };
    },
    reads: () => reads,
  };
}
