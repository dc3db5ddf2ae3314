import { expect, test } from '@jest/globals';
import type { EventData, Message } from '@carillon/client/client';
import { type PostedNotice, createNoticeBoard, standingNotices } from './notice-board.ts';

const now = Date.parse('2026-11-21T08:00:00.000Z');

const notice = (id: string, change: Partial<PostedNotice> = {}): PostedNotice => ({
  id,
  level: 'info',
  title: 'Lift B is out of order',
  text: '',
  topic: undefined,
  until: null,
  publishedBy: 'o1',
  publishedAt: '2026-11-21T07:00:00.000Z',
  ...change,
});

const storage = () => {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
  };
};

test('emergencies stand first, then warnings, and of one level the newest', () => {
  const posted = [
    notice('info'),
    notice('older', { level: 'warning', publishedAt: '2026-11-21T06:00:00.000Z' }),
    notice('emergency', { level: 'emergency', publishedAt: '2026-11-21T05:00:00.000Z' }),
    notice('newer', { level: 'warning' }),
  ];
  expect(standingNotices(posted, new Set(), now).map(({ id }) => id)).toEqual(['emergency', 'newer', 'older', 'info']);
});

test('a notice stands until its end, and without one for two days', () => {
  const posted = [
    notice('over', { until: '2026-11-21T08:00:00.000Z' }),
    notice('not over', { until: '2026-11-21T08:00:01.000Z' }),
    notice('old', { publishedAt: '2026-11-19T08:00:00.000Z' }),
    notice('yesterday', { publishedAt: '2026-11-20T08:00:00.000Z' }),
  ];
  expect(standingNotices(posted, new Set(), now).map(({ id }) => id)).toEqual(['not over', 'yesterday']);
});

test('what is put away stays so after a reload, only for that person, and an emergency cannot be', () => {
  const tab = storage();
  createNoticeBoard('n1', tab).dismiss('a');
  createNoticeBoard('n1', tab).dismiss('b');
  const posted = [notice('a'), notice('b', { level: 'emergency' }), notice('c')];
  const shownTo = (person: string): string[] =>
    standingNotices(posted, createNoticeBoard(person, tab).putAway.get(), now).map(({ id }) => id);
  expect(shownTo('n1')).toEqual(['b', 'c']);
  expect(shownTo('n2')).toEqual(['b', 'a', 'c']);
});

test('a notice that is listed and then comes as an event is posted once', () => {
  const board = createNoticeBoard('n1', storage());
  const { id, topic, ...rest } = notice('a');
  const listed = { ...rest, noticeId: id, audience: 'hospital' };
  board.post([listed]);
  board.post([listed]);
  expect(board.posted.get()).toEqual([{ ...rest, id, topic, audience: 'hospital' }]);
});

test('the sender of what a topic brings hears when it is seen', () => {
  const board = createNoticeBoard('n1', storage());
  const { id, ...rest } = notice('a', { topic: 'cardiology' });
  const watched: unknown[] = [];
  const message = { data: { ...rest, notificationId: id }, observe: (element: unknown) => watched.push(element) };
  const element = {} as Element;
  board.watch(id, element);
  expect(watched).toEqual([]);
  board.postNotification(message as unknown as Message<EventData<'notification:new'>>);
  board.watch(id, element);
  expect(board.posted.get()).toEqual([{ ...rest, id }]);
  expect(watched).toEqual([element]);
});
