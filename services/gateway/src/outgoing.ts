/**
 * What goes out to one client, in three lanes: critical before normal before bulk. As long as the client reads, everything
 * is written as it comes, and no lane exists. Behind a socket that is full, critical and normal wait in order, and of bulk the
 * newest of each key.
 */
import { bulkWindow } from '@carillon/contracts/gateway';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { conflationKey, webSocketFrame, withSkipped, type RoomFrame } from './frames.ts';
import type { Batch } from './member.ts';
import type { Room } from './rooms.ts';
import { fullBytes, fullMs, maxUnreadBytes } from './unread.ts';
import { plainSocketOf, writeWire } from './wire.ts';

/** Written at once while the socket is not full; after each the lanes are looked at again. */
const pieceBytes = 16 * 1024;
const asText = { binary: false, compress: false } as const;

/** One frame that waits. What answers the client has no room, and is never left out. */
type Waiting = { wire: Buffer; room: Pick<Room, 'key'> | undefined };
/** A frame of which only the newest of its key is needed. */
type Bulk = {
  wire: Buffer;
  room: string;
  key: string;
  /** How many messages it is: itself, and those that it replaced before it came here. */
  count: number;
  withSkipped: (skipped: number) => Buffer;
};
type Slot = { newest: Bulk; skipped: number };

type Lanes = {
  critical: Waiting[];
  normal: Waiting[];
  /** How many frames of a room wait in `normal`: what is critical in that room must not overtake them. */
  normalOf: Map<string, number>;
  bulk: Map<string, Slot>;
  /** Of critical and normal. */
  bytes: number;
  full: NodeJS.Timeout | undefined;
  onDrain: () => void;
};

/** From the first `rx` on: what of bulk rooms is on its way, by what the client says that it has read. */
type Credit = { sizes: number[]; bytes: number };

export type SlowListener = {
  /** The client reads too slowly; nothing more is taken then. */
  onSlow(): void;
};

export class Outgoing {
  readonly #socket: WebSocket;
  readonly #plain: Socket | undefined;
  readonly #listener: SlowListener;
  #lanes: Lanes | undefined;
  #bulkSent = 0;
  #credit: Credit | undefined;

  constructor(socket: WebSocket, listener: SlowListener) {
    this.#socket = socket;
    this.#plain = plainSocketOf(socket);
    this.#listener = listener;
  }

  /** An answer, or what the connection itself has to say, goes out with what is critical, and in its order. */
  send(text: Buffer): void {
    if (this.#isFree()) this.#write(webSocketFrame(text));
    else this.#wait('critical', { wire: webSocketFrame(text), room: undefined });
  }

  deliver(batch: Batch): void {
    if (batch.lane === 'bulk') return this.#deliverBulk(batch);
    if (this.#isFree()) return this.#write(batch.wire);
    for (const frame of batch.frames) {
      if (frame.lane === 'bulk') this.#hold(bulkOf(frame));
      else this.#wait(frame.lane, frame);
    }
  }

  /** The client has read so many messages of bulk rooms in all. */
  hasRead(count: number): void {
    const credit = (this.#credit ??= { sizes: [], bytes: 0 });
    // More than was sent cannot have been read; less than before takes nothing back.
    const left = this.#bulkSent - Math.min(count, this.#bulkSent);
    while (credit.sizes.length > left) credit.bytes -= credit.sizes.shift() ?? 0;
    this.#pump();
  }

  /** Nothing of a room follows any more. */
  forget(room: Pick<Room, 'key'>): void {
    const lanes = this.#lanes;
    if (lanes === undefined) return;
    const others = (waiting: Waiting): boolean => waiting.room?.key !== room.key;
    lanes.critical = lanes.critical.filter(others);
    lanes.normal = lanes.normal.filter(others);
    lanes.normalOf.delete(room.key);
    for (const [place, { newest }] of lanes.bulk) if (newest.room === room.key) lanes.bulk.delete(place);
    lanes.bytes = [...lanes.critical, ...lanes.normal].reduce((sum, { wire }) => sum + wire.length, 0);
  }

  /** In the lanes and in the socket. */
  waitingBytes(): number {
    let bytes = this.#socket.bufferedAmount + (this.#lanes?.bytes ?? 0);
    for (const { newest } of this.#lanes?.bulk.values() ?? []) bytes += newest.wire.length;
    return bytes;
  }

  /** It is cut off unless it reads soon. */
  isFull(): boolean {
    return this.#lanes?.full !== undefined && this.#urgentBytes() > fullBytes;
  }

  stop(): void {
    const lanes = this.#lanes;
    if (lanes === undefined) return;
    clearTimeout(lanes.full);
    this.#plain?.removeListener('drain', lanes.onDrain);
    this.#lanes = undefined;
  }

  #urgentBytes(): number {
    return this.#socket.bufferedAmount + (this.#lanes?.bytes ?? 0);
  }

  /** Whether nothing that is not bulk waits, in the lanes or in the socket. */
  #isFree(): boolean {
    const hasWaiting = this.#lanes !== undefined && this.#lanes.critical.length + this.#lanes.normal.length > 0;
    return !hasWaiting && !this.#isSocketFull();
  }

  #isSocketFull(): boolean {
    return this.#plain?.writableNeedDrain ?? this.#socket.bufferedAmount > pieceBytes;
  }

  #write(wire: Buffer): void {
    if (this.#plain !== undefined) {
      writeWire(this.#socket, this.#plain, wire);
    } else if (this.#socket.readyState === WebSocket.OPEN) {
      for (const text of textsOf(wire)) this.#socket.send(text, asText, () => this.#pump());
    }
    if (this.#isSocketFull()) this.#open();
  }

  /** Changes of a room that shows a state, which are bulk: of each key the newest is needed. */
  deliverState(room: string, frames: readonly { text: Buffer; key: string }[]): void {
    for (const { text, key } of frames) {
      const wire = webSocketFrame(text);
      this.#hold({ wire, room, key, count: 1, withSkipped: () => wire });
    }
    this.#pump();
  }

  #deliverBulk({ frames, wire }: Batch): void {
    const hasSlots = this.#lanes !== undefined && this.#lanes.bulk.size > 0;
    if (!hasSlots && this.#isFree() && this.#hasCredit(frames.length, wire.length)) {
      this.#write(wire);
      for (const frame of frames) this.#count(frame.wire.length);
      return;
    }
    for (const frame of frames) this.#hold(bulkOf(frame));
    this.#pump();
  }

  #hasCredit(count: number, bytes: number): boolean {
    const credit = this.#credit;
    if (credit === undefined) return true;
    const isNothingOnItsWay = credit.sizes.length === 0 && count === 1;
    const fits = credit.sizes.length + count <= bulkWindow.messages && credit.bytes + bytes <= bulkWindow.bytes;
    return isNothingOnItsWay || fits;
  }

  #count(bytes: number): void {
    this.#bulkSent++;
    if (this.#credit === undefined) return;
    this.#credit.sizes.push(bytes);
    this.#credit.bytes += bytes;
  }

  #open(): Lanes {
    if (this.#lanes === undefined) {
      const onDrain = (): void => this.#pump();
      const empty = { critical: [], normal: [], normalOf: new Map<string, number>(), bulk: new Map<string, Slot>() };
      this.#lanes = { ...empty, bytes: 0, full: undefined, onDrain };
      this.#plain?.on('drain', onDrain);
    }
    return this.#lanes;
  }

  #hold(newest: Bulk): void {
    const { bulk } = this.#open();
    const place = `${newest.room} ${newest.key}`;
    const before = bulk.get(place);
    bulk.set(place, { newest, skipped: before === undefined ? 0 : before.skipped + before.newest.count });
  }

  #wait(lane: 'critical' | 'normal', waiting: Waiting): void {
    const lanes = this.#open();
    const { room } = waiting;
    if (lane === 'critical' && room !== undefined && lanes.normalOf.has(room.key)) promote(lanes, room.key);
    lanes[lane].push(waiting);
    if (lane === 'normal' && room !== undefined) {
      lanes.normalOf.set(room.key, (lanes.normalOf.get(room.key) ?? 0) + 1);
    }
    lanes.bytes += waiting.wire.length;
    this.#judge(lanes);
  }

  #judge(lanes: Lanes): void {
    const bytes = this.#urgentBytes();
    if (bytes > maxUnreadBytes) return this.#listener.onSlow();
    if (bytes <= fullBytes) {
      clearTimeout(lanes.full);
      lanes.full = undefined;
      return;
    }
    lanes.full ??= setTimeout(() => {
      lanes.full = undefined;
      if (this.#urgentBytes() > fullBytes) this.#listener.onSlow();
    }, fullMs);
  }

  /** Writes what waits, the most urgent first, until the socket is full. */
  #pump(): void {
    const lanes = this.#lanes;
    if (lanes === undefined) return;
    while (!this.#isSocketFull()) {
      const piece = takePiece(lanes);
      if (piece === undefined) break;
      this.#write(piece);
    }
    this.#judge(lanes);
    for (const [place, { newest, skipped }] of lanes.bulk) {
      if (!this.#isFree() || !this.#hasCredit(1, newest.wire.length)) return;
      lanes.bulk.delete(place);
      this.#write(skipped === 0 ? newest.wire : newest.withSkipped(skipped));
      this.#count(newest.wire.length);
    }
    if (this.#isFree()) this.stop();
  }
}

const bulkOf = (frame: RoomFrame): Bulk => ({
  wire: frame.wire,
  room: frame.room.key,
  key: conflationKey(frame.message),
  count: 1 + frame.skipped,
  withSkipped: (skipped) => withSkipped(frame, skipped),
});

/** What waits in a room goes with the critical message behind it. */
function promote(lanes: Lanes, key: string): void {
  lanes.critical.push(...lanes.normal.filter(({ room }) => room?.key === key));
  lanes.normal = lanes.normal.filter(({ room }) => room?.key !== key);
  lanes.normalOf.delete(key);
}

function takePiece(lanes: Lanes): Buffer | undefined {
  const queue = lanes.critical.length > 0 ? lanes.critical : lanes.normal;
  let bytes = 0;
  let count = 0;
  for (const { wire } of queue) {
    if (count > 0 && bytes + wire.length > pieceBytes) break;
    bytes += wire.length;
    count++;
  }
  if (count === 0) return undefined;
  const taken = queue.splice(0, count);
  lanes.bytes -= bytes;
  if (queue === lanes.normal) {
    for (const { room } of taken) {
      if (room === undefined) continue;
      const left = (lanes.normalOf.get(room.key) ?? 1) - 1;
      if (left === 0) lanes.normalOf.delete(room.key);
      else lanes.normalOf.set(room.key, left);
    }
  }
  return taken.length === 1 ? taken[0]?.wire : Buffer.concat(taken.map(({ wire }) => wire));
}

/** The frames of ours that stand one behind the other. */
function textsOf(wire: Buffer): Buffer[] {
  const texts: Buffer[] = [];
  for (let at = 0; at < wire.length;) {
    const short = wire[at + 1] ?? 0;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length =
      short < 126 ? short : short === 126 ? wire.readUInt16BE(at + 2) : Number(wire.readBigUInt64BE(at + 2));
    texts.push(wire.subarray(at + header, at + header + length));
    at += header + length;
  }
  return texts;
}
