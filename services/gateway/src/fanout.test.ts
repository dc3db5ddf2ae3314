import { expect, test } from '@jest/globals';
import { createFanout, emptyQueue } from './fanout.ts';
import { roomFrame, type RoomFrame } from './frames.ts';
import type { Member } from './member.ts';
import { parseRoom } from './rooms.ts';

type Spec = { key?: string; bytes?: number };
const frame = (name: string, sequence: number, { key = 'k', bytes = 0 }: Spec = {}): RoomFrame => {
  const room = parseRoom(name, 'h1');
  if (room === undefined) throw new Error(`no room ${name}`);
  const message = {
    id: 'm',
    event: 'e:e',
    at: '',
    version: '1',
    isAckWanted: false,
    key,
    body: Buffer.from(JSON.stringify({ filling: 'x'.repeat(bytes) })),
  };
  return roomFrame(room, { ...message, lane: 'normal', rooms: [room.key], sequence }, 'e', sequence - 1);
};

test('a room that never comes to an end does not keep the others of its lane waiting', async () => {
  const fanout = createFanout(
    () => {},
    () => {},
  );
  const large = emptyQueue();
  const small = emptyQueue();
  let isOver = false;
  let sequence = 0;
  const busy: Member = {
    deliver() {
      const until = performance.now() + 10;
      while (performance.now() < until);
      // More comes than can be handed out.
      if (!isOver) fanout.push(large, frame('patient:p1', ++sequence));
    },
    reset: () => {},
  };
  for (let index = 0; index < 64; index++) large.members.add({ ...busy });
  const heard = new Promise<string>((resolve) =>
    small.members.add({ deliver: () => resolve('heard'), reset: () => {} }),
  );
  fanout.push(large, frame('patient:p1', ++sequence));
  fanout.push(small, frame('patient:p2', 1));
  const waited = new Promise<string>((resolve) => setTimeout(resolve, 3_000, 'waited').unref());
  expect(await Promise.race([heard, waited])).toBe('heard');
  isOver = true;
  fanout.stop();
}, 10_000);

test('who came and got all that came before him is remembered no longer, though the room never rests', async () => {
  const fanout = createFanout(
    () => {},
    () => {},
  );
  const queue = emptyQueue();
  let sequence = 0;
  let remembered = 0;
  const got: number[] = [];
  const feeding: Member = {
    deliver({ frames }) {
      if (sequence < 20) fanout.push(queue, frame('patient:p1', ++sequence));
      if ((frames[0]?.message.sequence ?? 0) > 2) remembered = Math.max(remembered, queue.late?.size ?? 0);
    },
    reset: () => {},
  };
  const late: Member = {
    deliver: ({ frames }) => frames.forEach((each) => got.push(each.message.sequence)),
    reset: () => {},
  };
  fanout.join(queue, feeding, 0);
  fanout.push(queue, frame('patient:p1', ++sequence));
  fanout.join(queue, late, sequence);
  await new Promise((resolve) => setImmediate(resolve));
  expect(got).toEqual(Array.from({ length: 19 }, (_, index) => index + 2));
  expect(remembered).toBe(0);
  fanout.stop();
});

test('what a bulk room has waiting is bounded: the newest of each key is kept, and says how many it replaces', async () => {
  let overflows = 0;
  const fanout = createFanout(
    () => {},
    () => overflows++,
  );
  const queue = emptyQueue();
  const got: { sequence: number; skipped: number | undefined }[] = [];
  queue.members.add({
    deliver: ({ frames }) => {
      for (const { message, wire } of frames) {
        const text = wire.subarray(wire.indexOf('{"t"')).toString();
        got.push({ sequence: message.sequence, skipped: (JSON.parse(text) as { skipped?: number }).skipped });
      }
    },
    reset: () => {},
  });
  const bytes = 1024 * 1024;
  // In one turn, in which nothing can be handed out.
  for (let sequence = 1; sequence <= 40; sequence++) {
    fanout.push(queue, frame('ward:w1:vitals', sequence, { key: `p${sequence % 3}`, bytes }));
    expect(queue.bytes).toBeLessThan(17 * bytes);
  }
  while (queue.pending.length > 0 || queue.work !== undefined) await new Promise((resolve) => setImmediate(resolve));
  expect(overflows).toBe(0);
  expect(queue.bytes).toBe(0);
  expect(got.map(({ sequence }) => sequence)).toEqual(got.map(({ sequence }) => sequence).sort((a, b) => a - b));
  // Nothing went without being told of.
  expect(got.reduce((sum, { skipped = 0 }) => sum + 1 + skipped, 0)).toBe(40);
  fanout.stop();
});

test('a room in which nothing may be missing tells when it has more waiting than may be', () => {
  let overflows = 0;
  const fanout = createFanout(
    () => {},
    (queue) => {
      overflows++;
      fanout.forget(queue);
    },
  );
  const queue = emptyQueue();
  for (let sequence = 1; sequence <= 40; sequence++) {
    fanout.push(queue, frame('patient:p1', sequence, { bytes: 1024 * 1024 }));
    expect(queue.bytes).toBeLessThan(17 * 1024 * 1024);
  }
  expect(overflows).toBe(2);
  fanout.stop();
});
