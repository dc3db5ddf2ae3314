import { expect, test } from '@jest/globals';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { validate } from '@carillon/contracts/schema';
import { clientFrameSchema } from '@carillon/contracts/gateway';
import { errorFrame, parsePosition, position, roomFrame, withSkipped } from './frames.ts';
import type { Message } from './ring.ts';
import { parseRoom } from './rooms.ts';

const roomOf = (name: string) => {
  const room = parseRoom(name, 'h1');
  if (room === undefined) throw new Error(`no room ${name}`);
  return room;
};
const message = (more: Partial<Message> = {}): Message => ({
  sequence: 7,
  rooms: [],
  event: 'alert:raised',
  id: 'm-1',
  at: '2026-11-21T08:00:00.000Z',
  version: '3',
  isAckWanted: false,
  lane: undefined,
  key: 'k',
  body: Buffer.from('{"alertId":"a5","note":"grüß dich"}'),
  ...more,
});
const textOf = ({ text }: { text: Buffer }): string => text.toString();
const isFrame = (value: unknown): boolean => {
  const schema = clientFrameSchema((value as { t?: unknown }).t);
  return schema !== undefined && validate(schema, value).ok;
};

test('a message frame is made of headers and of the body’s bytes', () => {
  const frame = textOf(roomFrame(roomOf('ward:w1:alerts'), message(), 'e7', 5));
  expect(JSON.parse(frame)).toEqual({
    t: 'msg',
    room: 'ward:w1:alerts',
    ev: 'alert:raised',
    mid: 'm-1',
    pos: 'e7-7',
    prev: 'e7-5',
    at: '2026-11-21T08:00:00.000Z',
    version: 3,
    data: { alertId: 'a5', note: 'grüß dich' },
  });
  expect(frame).not.toContain('\n');
});

test('a page asks for receipts, a bulk room has no prev, and a header cannot break out of its string', () => {
  const room = roomOf('ward:w1:alerts');
  expect(JSON.parse(textOf(roomFrame(room, message({ isAckWanted: true }), 'e7', 5)))).toMatchObject({
    ack: true,
  });
  expect(JSON.parse(textOf(roomFrame(roomOf('ward:w1:vitals'), message(), 'e7', 5)))).not.toHaveProperty('prev');
  const hostile = message({ event: 'a"},"t":"x', id: '\\"', version: 'many' });
  expect(JSON.parse(textOf(roomFrame(room, hostile, 'e7', 5)))).toMatchObject({
    t: 'msg',
    ev: 'a"},"t":"x',
    version: 0,
  });
});

test('what replaces others says how many', () => {
  const frame = roomFrame(roomOf('ward:w1:vitals'), message(), 'e7', 5);
  const skipped = JSON.parse(withSkipped(frame, 3).subarray(4).toString()) as object;
  expect(skipped).toEqual({ ...(JSON.parse(textOf(frame)) as object), skipped: 3 });
});

test('where nothing may be missing an event of the lane bulk goes as a normal one', () => {
  expect(roomFrame(roomOf('ward:w1:alerts'), message({ lane: 'bulk' }), 'e7', 5).lane).toBe('normal');
  expect(roomFrame(roomOf('patient:p1'), message({ lane: 'critical' }), 'e7', 5).lane).toBe('critical');
  expect(roomFrame(roomOf('ward:w1:vitals'), message({ lane: 'critical' }), 'e7', 5).lane).toBe('bulk');
});

test('a position comes back as it was given, and anything else is none', () => {
  expect(parsePosition(position('lx3f', 4711))).toEqual({ epoch: 'lx3f', sequence: 4711 });
  for (const text of [
    '',
    '-',
    'e7',
    'e7-',
    '-5',
    'e7--5',
    'e7-5.5',
    'e7-5 ',
    'E7-5',
    'e7-1e3',
    `e7-${'9'.repeat(16)}`,
  ]) {
    expect(parsePosition(text)).toBeUndefined();
  }
});

test.each<[unknown]>([
  [{ t: 'connect', id: 1, token: 't', client: { name: 'ward-board', version: '3.2' }, tab: 'a8f' }],
  [{ t: 'connect', id: 1 }],
  [{ t: 'subscribe', id: 2, room: 'patient:p17:vitals', from: 'e7-4711' }],
  [{ t: 'unsubscribe', id: 3, room: 'patient:p17:vitals' }],
  [{ t: 'call', id: 4, op: 'alert:acknowledge', key: 'k', data: { alertId: 'a5' } }],
  [{ t: 'signal', op: 'typing:start', data: { conversationId: 'c9' } }],
  [{ t: 'ack', mid: ['m'], level: 'displayed' }],
  [{ t: 'rx', n: 128 }],
  [{ t: 'reauth', id: 5, token: 't' }],
  [{ t: 'pong' }],
])('%j is a frame', (frame) => {
  expect(isFrame(frame)).toBe(true);
});

test.each<[unknown]>([
  [{ t: 'connect' }],
  [{ t: 'connect', id: 1.5 }],
  [{ t: 'connect', id: '1' }],
  [{ t: 'connect', id: -1 }],
  [{ t: 'connect', id: 1, more: true }],
  [{ t: 'subscribe', id: 2 }],
  [{ t: 'subscribe', id: 2, room: '' }],
  [{ t: 'subscribe', id: 2, room: 'x'.repeat(201) }],
  [{ t: 'subscribe', id: 2, room: ['patient:p1'] }],
  [{ t: 'call', id: 4 }],
  [{ t: 'call', id: 4, op: 'x', key: '' }],
  [{ t: 'ack', mid: 'm', level: 'displayed' }],
  [{ t: 'ack', mid: ['m'], level: 'eaten' }],
  [{ t: 'rx', n: -1 }],
  [{ t: 'ready', id: 1 }],
  [{ t: '__proto__', id: 1 }],
  [{ t: 'toString', id: 1 }],
  [{ t: null }],
  [{}],
])('%j is none', (frame) => {
  expect(isFrame(frame)).toBe(false);
});

test('an error frame says what to do, when, and what was wrong, and no more', () => {
  expect(errorFrame(new CodedError('forbidden'), 4)).toEqual({
    t: 'err',
    id: 4,
    code: 'forbidden',
    message: 'Not allowed',
    retry: 'never',
  });
  expect(errorFrame(new CodedError('rate_limited', undefined, { afterMs: 900 }), 4)).toMatchObject({
    retry: 'after',
    afterMs: 900,
  });
  expect(errorFrame(badInput([{ path: 'alertId', message: 'Required field is missing' }]))).toEqual({
    t: 'err',
    code: 'bad_input',
    message: 'alertId: Required field is missing',
    retry: 'never',
    issues: [{ path: 'alertId', message: 'Required field is missing' }],
  });
  const failure = new CodedError('internal');
  failure.cause = new Error('password is hunter2');
  expect(JSON.stringify(errorFrame(failure))).not.toContain('hunter2');
});
