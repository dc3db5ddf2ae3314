import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert } from '@carillon/contracts/alert-escalation';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await Promise.all([ward.startEngine(), ward.startEngine()]);
});
afterAll(() => ward.stop());

test('the database is gone for 90 s: all levels that were missed start together when it is back, with one call a person, and an answer of meanwhile counts', async () => {
  await ward.condition('raised', 'spo2-below');
  await ward.condition('raised', 'pulse-above');
  // They are opened side by side: which of them calls first is open.
  const paged = (kind: string) =>
    ward.expect((one) => one.event === 'page:new' && one.alert.kind === kind, `the page of ${kind}`);
  const { alert } = await paged('spo2-below');
  const answered = (await paged('pulse-above')).alert.alertId;
  await ward.infrastructure.postgres.stop();
  // Stored, and done when there is somewhere to do it.
  await ward.send('n1', acknowledgeAlert, { alertId: answered }, { key: 'meanwhile', deadlineMs: 300 });
  ward.leap(90);
  await ward.infrastructure.restartPostgres();

  const openedAt = Date.parse(alert.openedAt);
  const kind = 'spo2-below';
  const pages = await Promise.all(
    (
      [
        ['n1', 2],
        ['n2', 2],
        ['n3', 2],
        ['d1', 3],
        ['r1', 4],
        ['o1', 4],
      ] as const
    ).map(([person, level]) =>
      ward.expect(
        (one) => one.event === 'page:new' && one.person === person && one.level === level && one.alert.kind === kind,
        `level ${level} to ${person}`,
      ),
    ),
  );
  expect(new Set(pages.map(({ at }) => at)).size).toBe(1);
  expect((pages[0]?.at ?? 0) - openedAt).toBeGreaterThanOrEqual(90_000);
  const { timeline } = alertOf(await ward.ask('n2', getAlert, { alertId: alert.alertId }));
  const levels = timeline
    .filter(({ kind: entry }) => entry === 'level')
    .map(({ level, reason }) => `${level} ${reason}`);
  expect(levels.slice(0, 4)).toEqual(['1 due', '2 due', '3 due', '4 due']);
  const again = alertOf(await ward.send('n1', acknowledgeAlert, { alertId: answered }, { key: 'meanwhile' }));
  expect(again).toMatchObject({ acknowledgedBy: 'n1' });
  const calls = ward.heard.filter((one) => one.event === 'page:new' && one.alert.alertId === alert.alertId);
  expect(new Set(calls.map(({ mid }) => mid)).size).toBe(calls.length);
});
