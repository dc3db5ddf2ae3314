/** The judge of scenarios is judged: a history without fault passes, and each kind of fault is told. */
import { expect, test } from '@jest/globals';
import type { Entry, Journal, Received } from './journal.ts';
import { judge, judgeLateness, lossesOf, type Judgement } from './judge.ts';
import type { Published } from './truth.ts';

const room = 'patient:p1';
const bulkRoom = 'ward:w1:vitals';
const publish = (sequence: number, { key = 'k', epoch = 'e' } = {}): Published => ({
  stream: 'CARE',
  epoch,
  sequence,
  subject: 's',
  id: `${epoch}${sequence}`,
  key,
});
const published = [10, 12, 15, 20, 21].map((sequence) => publish(sequence));
const joined = (position: string, recovery = 'fresh', of = room): Entry => ({
  kind: 'joined',
  room: of,
  at: 0,
  recovery,
  position,
});
const message = (sequence: number, more: Partial<Received> = {}): Received => {
  const before = published.findLast((each) => each.sequence < sequence)?.sequence ?? 0;
  return {
    kind: 'message',
    room,
    at: 1_000,
    id: `e${sequence}`,
    sentAt: 1_000,
    position: `e-${sequence}`,
    previous: `e-${before}`,
    skipped: 0,
    ...more,
  };
};
const bulk = (sequence: number, skipped = 0): Received =>
  message(sequence, { room: bulkRoom, skipped, previous: undefined });
const journalOf = (entries: readonly Entry[]): Journal => ({ client: 'c', person: 'n1', entries: [...entries] });
const faultsOf = (entries: readonly Entry[], more: Partial<Judgement> = {}): string[] =>
  judge(journalOf(entries), { truth: { of: () => published }, isCurrent: true, ...more });

const good: readonly Entry[] = [
  joined('e-11'),
  message(12),
  message(15),
  joined('e-20', 'complete'),
  message(20),
  message(21),
];

test('a history without fault passes, with a resume and with a loss that was told', () => {
  expect(faultsOf(good)).toEqual([]);
  expect(faultsOf([joined('e-11'), message(12), joined('e-20', 'lost'), message(21)])).toEqual([]);
  expect(faultsOf([joined('e-11'), { kind: 'voided', room, at: 0, reason: 'reset' }, message(21)])).toEqual([]);
});

test('each message of it that is left out, comes twice or in another order is told', () => {
  for (const [index, entry] of good.entries()) {
    if (entry.kind !== 'message') continue;
    expect(faultsOf(good.toSpliced(index, 1))).not.toEqual([]);
    expect(faultsOf(good.toSpliced(index, 0, entry))).not.toEqual([]);
    const next = good[index + 1];
    if (next?.kind === 'message') expect(faultsOf(good.toSpliced(index, 2, next, entry))).not.toEqual([]);
  }
  expect(faultsOf(good.slice(0, -1))).toEqual(['c in patient:p1: 1 missing at the end, after e-20']);
  expect(faultsOf([joined('e-11'), message(15)], { isCurrent: false })).toEqual([
    'c in patient:p1: hole: 1 after e-10, before e-15',
  ]);
});

test('what nobody published, another position, a prev that hides a hole and one that tells none are told', () => {
  const told = (entry: Entry): string => faultsOf([joined('e-11'), entry], { isCurrent: false }).join();
  expect(told(message(13))).toContain('what nobody published here');
  expect(told(message(12, { position: 'e-13' }))).toContain('bears e-13');
  expect(told(message(12, { previous: undefined }))).toContain('without prev');
  expect(told(message(15, { previous: 'e-10' }))).toContain('hides the hole');
  expect(told(message(12, { previous: 'e-11' }))).toBe('');
  expect(
    faultsOf([joined('e-11'), message(12), message(15, { previous: 'e-14' })], { isCurrent: false }).join(),
  ).toContain('where there is none');
});

test('in a bulk room the newest of each key must come, older ones are counted, and never come after it', () => {
  const entries = [joined('e-10', 'fresh', bulkRoom), bulk(12), bulk(20, 1), bulk(21)];
  expect(faultsOf(entries)).toEqual([]);
  expect(faultsOf(entries.slice(0, -1)).join()).toContain('did not come');
  expect(faultsOf(entries.toSpliced(2, 1, bulk(20))).join()).toContain('3 came or were counted as skipped, of 4');
  expect(faultsOf(entries.toSpliced(2, 1)).join()).toContain('2 came');
  expect(faultsOf([...entries, bulk(15)]).join()).toContain('older or again');
});

test('what comes after a right has ended is told, unless it was on a slow line before', () => {
  const entries = [joined('e-11'), message(12), message(15, { at: 4_000, sentAt: 1_500 })];
  const end = { person: 'n1', at: 1_000, withinMs: 2_000 };
  const told = (more: object): string[] => faultsOf(entries, { isCurrent: false, ended: [{ ...end, ...more }] });
  expect(told({})).toHaveLength(1);
  expect(told({ room })).toHaveLength(1);
  expect(told({ room: 'patient:p2' })).toEqual([]);
  expect(told({ person: 'n2' })).toEqual([]);
  expect(told({ isOnSlowLine: true })).toEqual([]);
});

test('a loss that was told is counted, and the first load of a program is none', () => {
  const reset: Entry = { kind: 'voided', room, at: 0, reason: 'reset' };
  expect(lossesOf(journalOf([joined('e-11'), { ...reset, reason: 'fresh' }, joined('e-12', 'complete')]))).toEqual([]);
  expect(lossesOf(journalOf([joined('e-11', 'lost'), reset]))).toHaveLength(2);
});

test('a message that was late is told', () => {
  const journal = journalOf([message(12, { sentAt: 200 })]);
  const late = { room: (name: string) => name === room, withinMs: 500 };
  expect(judgeLateness(journal, late)).toEqual(['c: a critical message took 800 ms, of 500 allowed']);
  expect(judgeLateness(journal, { ...late, withinMs: 800 })).toEqual([]);
});
