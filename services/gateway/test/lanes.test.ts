/** What one client gets when it reads slowly: the urgent first, nothing of that lost, and of bulk the newest. */
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { bulkWindow } from '@carillon/contracts/gateway';
import { eventually } from '@carillon/testkit/eventually';
import fc from 'fast-check';
import { WebSocket, WebSocketServer } from 'ws';
import { batchesOf } from '../src/fanout.ts';
import { roomFrame, type RoomFrame } from '../src/frames.ts';
import { Outgoing } from '../src/outgoing.ts';
import { parseRoom, type Room } from '../src/rooms.ts';

const roomOf = (name: string): Room => {
  const room = parseRoom(name, 'h1');
  if (room === undefined) throw new Error(`no room ${name}`);
  return room;
};
const alerts = roomOf('ward:w1:alerts');
const patient = roomOf('patient:p1');
const vitals = roomOf('ward:w1:vitals');

type Lane = RoomFrame['lane'];
let sequence = 0;
type Spec = { room: Room; lane?: Lane; key?: string; bytes?: number; number?: number };
const frame = ({ room, lane = 'normal', key = 'k', bytes = 0, number = 0 }: Spec): RoomFrame => {
  const body = Buffer.from(JSON.stringify({ number, filling: 'x'.repeat(bytes) }));
  const message = {
    rooms: [room.key],
    event: 'e:e',
    id: 'm',
    at: '',
    version: '1',
    isAckWanted: false,
    lane,
    key,
    body,
  };
  return roomFrame(room, { ...message, sequence: ++sequence }, 'e', sequence - 1);
};

type Text = { t: string; room?: string; pos?: string; skipped?: number; data?: { number: number } };
let server: WebSocketServer;
const clients: WebSocket[] = [];
const outgoings: Outgoing[] = [];
beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(() => {
  for (const outgoing of outgoings.splice(0)) outgoing.stop();
  for (const client of clients.splice(0)) client.terminate();
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** A client and what goes out to it; it reads nothing until `read` is called. */
async function open() {
  const connected = new Promise<WebSocket>((resolve) => server.once('connection', resolve));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  clients.push(client);
  const got: Text[] = [];
  client.on('message', (data: Buffer) => got.push(JSON.parse(data.toString()) as Text));
  const socket = await connected;
  await new Promise((resolve) => client.once('open', resolve));
  let slow = 0;
  const outgoing = new Outgoing(socket, { onSlow: () => slow++ });
  outgoings.push(outgoing);
  const deliver = (...frames: RoomFrame[]): void => batchesOf(frames).forEach((batch) => outgoing.deliver(batch));
  return {
    outgoing,
    got,
    deliver,
    slow: () => slow,
    /** Fills what the kernel takes, so that what follows waits in lanes. @returns how many frames that took */
    async stop(): Promise<number> {
      client.pause();
      let count = 0;
      while (outgoing.waitingBytes() < 300_000) {
        deliver(frame({ room: alerts, lane: 'critical', bytes: 100_000 }));
        count++;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return count;
    },
    read: () => client.resume(),
    reaches: (count: number) => eventually(() => (got.length >= count ? true : undefined), { what: `${count} frames` }),
  };
}
const numbersOf = (texts: readonly Text[], room?: Room): (number | undefined)[] =>
  texts.filter((text) => room === undefined || text.room === room.name).map(({ data }) => data?.number);

test('critical goes before normal before bulk, and each room keeps its order', async () => {
  const { deliver, got, stop, read, reaches, outgoing } = await open();
  const before = await stop();
  deliver(frame({ room: vitals, number: 1 }));
  deliver(frame({ room: patient, lane: 'normal', number: 2 }));
  deliver(frame({ room: alerts, lane: 'normal', number: 3 }));
  outgoing.send(Buffer.from('{"t":"ping"}'));
  // What is critical takes what waits in its room along.
  deliver(frame({ room: patient, lane: 'critical', number: 4 }));
  deliver(frame({ room: patient, lane: 'normal', number: 5 }));
  read();
  await reaches(before + 6);
  const waited = got.slice(before);
  expect(waited.map(({ t, data }) => data?.number ?? t)).toEqual(['ping', 2, 4, 3, 5, 1]);
  expect(outgoing.waitingBytes()).toBe(0);
});

test('of bulk each key keeps one slot: the newest goes out and says how many it replaces', async () => {
  const { deliver, got, stop, read, reaches } = await open();
  const before = await stop();
  for (let number = 1; number <= 10; number++) {
    deliver(frame({ room: vitals, key: `p${number % 2}`, number }));
  }
  deliver(frame({ room: vitals, key: 'p7', number: 11 }));
  read();
  await reaches(before + 3);
  expect(got.slice(before).map(({ data, skipped }) => [data?.number, skipped])).toEqual([
    [9, 4],
    [10, 4],
    [11, undefined],
  ]);
});

test('who leaves a room gets nothing of it that waited, and all the rest', async () => {
  const { deliver, got, stop, read, reaches, outgoing } = await open();
  const before = await stop();
  for (const [number, lane] of [
    [1, 'normal'],
    [2, 'critical'],
    [3, 'normal'],
  ] as const) {
    deliver(frame({ room: patient, lane, number }));
  }
  deliver(frame({ room: vitals, number: 4 }));
  deliver(frame({ room: roomOf('ward:w2:alerts'), number: 5 }));
  outgoing.forget(patient);
  outgoing.forget(vitals);
  read();
  await reaches(before + 1);
  outgoing.send(Buffer.from('{"t":"ping"}'));
  await reaches(before + 2);
  expect(got.slice(before).map(({ t, data }) => data?.number ?? t)).toEqual([5, 'ping']);
});

test('who says what he has read has no more than the window on its way, and gets the newest for each that he reads', async () => {
  const { deliver, got, reaches, outgoing } = await open();
  outgoing.hasRead(0);
  for (let number = 1; number <= 200; number++) deliver(frame({ room: vitals, key: `p${number % 50}`, number }));
  await reaches(bulkWindow.messages);
  // What is urgent is not counted, and is not held up.
  deliver(frame({ room: alerts, lane: 'critical', number: 1_000 }));
  await reaches(bulkWindow.messages + 1);
  expect(got).toHaveLength(bulkWindow.messages + 1);
  outgoing.hasRead(10);
  await reaches(bulkWindow.messages + 11);
  expect(got).toHaveLength(bulkWindow.messages + 11);
  const [first] = got.slice(bulkWindow.messages + 1);
  expect(first).toMatchObject({ skipped: 3, data: { number: 150 + bulkWindow.messages + 1 } });
  // A count that nobody can have read, and an old one, open the window no further than it is.
  outgoing.hasRead(1_000_000);
  outgoing.hasRead(3);
  await reaches(2 * bulkWindow.messages + 11);
  for (const all = bulkWindow.messages + 1 + 50; got.length < all;) {
    const before = got.length;
    outgoing.hasRead(1_000_000);
    await reaches(Math.min(all, before + bulkWindow.messages));
  }
  const last = new Map(got.filter(({ room }) => room === vitals.name).map((text) => [text.data?.number, text]));
  for (let number = 151; number <= 200; number++) expect(last.has(number)).toBe(true);
});

test('the window counts bytes as well, and one that is larger than it goes alone', async () => {
  const { deliver, got, reaches, outgoing } = await open();
  outgoing.hasRead(0);
  for (let number = 1; number <= 4; number++) {
    deliver(frame({ room: vitals, key: `p${number}`, number, bytes: bulkWindow.bytes }));
  }
  await reaches(1);
  outgoing.hasRead(1);
  await reaches(2);
  outgoing.hasRead(2);
  await reaches(3);
  expect(numbersOf(got)).toEqual([1, 2, 3]);
});

test('more than may ever wait is slow at once', async () => {
  const { deliver, stop, slow } = await open();
  await stop();
  for (let count = 0; count < 40 && slow() === 0; count++) {
    deliver(frame({ room: alerts, lane: 'critical', bytes: 1024 * 1024 }));
  }
  expect(slow()).toBe(1);
});

test('whatever comes while a client does not read, every room keeps its order and only bulk is left out', async () => {
  const rooms = [alerts, patient, vitals, roomOf('ward:w2:alerts')];
  const step = fc.record({
    room: fc.integer({ min: 0, max: rooms.length - 1 }),
    lane: fc.constantFrom<Lane>('critical', 'normal'),
    key: fc.constantFrom('a', 'b'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { deliver, got, stop, read, outgoing } = await open();
      const before = await stop();
      const sent = steps.map(({ room, lane, key }, number) => ({ room: rooms[room] ?? alerts, lane, key, number }));
      for (const each of sent) deliver(frame(each));
      read();
      await eventually(() => (outgoing.waitingBytes() === 0 ? true : undefined));
      outgoing.send(Buffer.from('{"t":"ping"}'));
      await eventually(() => (got.at(-1)?.t === 'ping' ? true : undefined));
      const waited = got.slice(before, -1);
      for (const room of rooms.filter((each) => each !== vitals)) {
        const due = sent.filter((each) => each.room === room).map(({ number }) => number);
        expect(numbersOf(waited, room)).toEqual(due);
      }
      const newest = new Map(sent.filter(({ room }) => room === vitals).map(({ key, number }) => [key, number]));
      expect(new Set(numbersOf(waited, vitals))).toEqual(new Set(newest.values()));
      expect(numbersOf(waited, vitals)).toHaveLength(newest.size);
    }),
    { numRuns: 25 },
  );
});
