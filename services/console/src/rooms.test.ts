import { expect, test } from '@jest/globals';
import { closeFamily, reconnectDelayMs } from './reconnect.ts';
import { comparePositions, joinRoom, judgeMessage } from './rooms.ts';
import type { MessageFrame } from './types.ts';

const message = (pos: string, prev?: string): MessageFrame => ({
  t: 'msg',
  room: 'r',
  ev: 'alert:raised',
  data: {},
  pos,
  ...(prev === undefined ? {} : { prev }),
});

test('positions compare by number within an epoch and not across epochs', () => {
  expect(comparePositions('e7-9', 'e7-10')).toBeLessThan(0);
  expect(comparePositions('e7-10', 'e7-10')).toBe(0);
  expect(comparePositions('e7-9', 'e8-10')).toBeUndefined();
});

test('who has just joined sees an older prev, and that is no hole', () => {
  const { room } = joinRoom({ name: 'r', isJoined: false }, { pos: 'e7-10', recovery: 'fresh' });
  expect(judgeMessage(room, message('e7-12', 'e7-4'))).toBe('deliver');
  expect(judgeMessage(room, message('e7-14', 'e7-12'))).toBe('hole');
});

test('lost and fresh read the snapshot again, complete and latest do not', () => {
  const room = { name: 'r', isJoined: false, last: 'e7-3' };
  const reloads = (['complete', 'lost', 'latest', 'fresh'] as const).map(
    (recovery) => joinRoom(room, { pos: 'e7-10', recovery }).mustReload,
  );
  expect(reloads).toEqual([false, true, false, true]);
  expect(joinRoom(room, { pos: 'e7-10', recovery: 'complete' }).room.last).toBe('e7-3');
  expect(joinRoom(room, { pos: 'e7-10', recovery: 'lost' }).room.last).toBe('e7-10');
});

test('close codes fall into the families of the protocol', () => {
  const codes = [1001, 1006, 1012, 4000, 4100, 4200, 4300, 4401, 1002, 1009];
  expect(codes.map(closeFamily)).toEqual([
    'resume',
    'resume',
    'resume',
    'resume',
    'renew',
    'drop',
    'wait',
    'stop',
    'stop',
    'stop',
  ]);
});

test('a hidden page backs off with full jitter, a visible one never waits longer than two seconds', () => {
  expect(reconnectDelayMs(0, true, () => 0.999)).toBeLessThan(300);
  expect(reconnectDelayMs(10, false, () => 0.999)).toBeGreaterThan(20_000);
  expect(reconnectDelayMs(10, true, () => 0.999)).toBeLessThanOrEqual(2000);
  expect(reconnectDelayMs(10, true, () => 0)).toBe(500);
});
