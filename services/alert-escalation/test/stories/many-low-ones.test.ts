import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
}, 60_000);
afterAll(() => ward.stop());

const many = 600;

test('I14: hundreds of low alerts that are due at once do not delay one of high priority', async () => {
  await Promise.all(Array.from({ length: many }, (_, index) => ward.condition('raised', `low-${index}`, 'low')));
  await ward.condition('raised', 'spo2-below');
  const raised = (): number => ward.heard.filter(({ event }) => event === 'alert:raised').length;
  await eventually(() => (raised() === many + 1 ? true : undefined), { what: 'all alerts', withinMs: 60_000 });
  const nextLevel = (): { priority: string }[] =>
    ward.heard.flatMap(({ event, level, alert }) => (event === 'page:new' && level === 2 ? [alert] : []));
  ward.leap(3_600);
  await eventually(() => nextLevel().find(({ priority }) => priority === 'high'), { what: 'the one of high priority' });
  // What was under way when it came due may go before it, and no more.
  expect(nextLevel().filter(({ priority }) => priority === 'low').length).toBeLessThan(many / 4);
  await eventually(() => (new Set(nextLevel()).size >= many ? true : undefined), {
    what: 'the others, all of them',
    withinMs: 60_000,
  });
}, 150_000);
