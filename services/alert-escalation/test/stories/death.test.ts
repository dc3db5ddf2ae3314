import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeEach(async () => {
  ward = await openWard();
});
afterEach(() => ward.stop());

test('I1: an engine that dies between the deadline and the page is taken over, and the deadlines stay where they were', async () => {
  const first = await ward.startEngine();
  await ward.condition('raised', 'spo2-below');
  const openedAt = Date.parse((await ward.page('n1', 1)).alert.openedAt);

  first.mortal.dieBefore(/insert into page/);
  ward.leap(20);
  await first.mortal.dead;
  await ward.startEngine();
  await ward.page('n2', 2);

  ward.leap((openedAt + 40_000 - ward.now()) / 1000);
  const doctor = await ward.page('d1', 3);
  expect(doctor.at - openedAt).toBeGreaterThanOrEqual(40_000);
  expect(doctor.at - openedAt).toBeLessThan(41_000);
  const called = ward.heard
    .filter(({ event }) => event === 'page:new')
    .map(({ person, level }) => `${level} ${person}`);
  expect(called).toEqual(['1 n1', '2 n1', '2 n2', '2 n3', '3 d1']);
});

test('I1: of two engines one is killed, and the other meets the next deadline', async () => {
  const [first] = await Promise.all([ward.startEngine(), ward.startEngine()]);
  await ward.condition('raised', 'spo2-below');
  const openedAt = Date.parse((await ward.page('n1', 1)).alert.openedAt);
  first.mortal.kill();
  ward.leap((openedAt + 20_000 - ward.now()) / 1000);
  const nurse = await ward.page('n2', 2);
  expect(nurse.at - openedAt).toBeGreaterThanOrEqual(20_000);
  expect(nurse.at - openedAt).toBeLessThan(25_000);
});

test('I4: what an engine published and did not note, or committed and did not publish, comes exactly once', async () => {
  const first = await ward.startEngine();
  first.mortal.dieBefore(/delete from outbox/);
  await ward.condition('raised', 'spo2-below');
  // It has published that the alert was raised, and the page beside it, and noted neither.
  await first.mortal.dead;
  await ward.startEngine();
  await ward.page('n1', 1);
  ward.leap(20);
  // Those of one level leave side by side.
  await Promise.all(['n1', 'n2', 'n3'].map((person) => ward.page(person, 2)));
  const told = ward.heard
    .filter(({ event }) => event !== 'alert:delivered')
    .map(({ event, person }) => `${event} ${person}`.trim());
  expect(told.toSorted()).toEqual(
    ['alert:raised', 'alert:escalated', 'page:new n1', 'page:new n1', 'page:new n2', 'page:new n3'].toSorted(),
  );
});
