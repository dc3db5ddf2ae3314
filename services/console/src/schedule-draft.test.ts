import { expect, test } from '@jest/globals';
import { groupDraft, groupOf, moved, newSchedule, sayLayer, scheduleDraft, scheduleOf } from './schedule-draft.ts';
import type { Schedule } from './shapes.ts';

const nights: Schedule = {
  scheduleId: 'nights',
  version: 2,
  name: 'Nights',
  timeZone: 'Europe/London',
  layers: [
    { people: ['d1', 'd2', 'd1'], startsOn: '2026-11-21', handOverAt: '08:00', everyDays: 1 },
    {
      people: ['d2'],
      startsOn: '2026-11-21',
      handOverAt: '08:00',
      everyDays: 7,
      hours: [{ weekdays: [6, 7], from: '20:00', until: '08:00' }],
    },
  ],
  overrides: [],
};

test('a schedule or a group that was opened and not changed is sent as it was', () => {
  expect({ ...scheduleOf(scheduleDraft(nights)), version: 2, overrides: [] }).toEqual(nights);
  const team = { groupId: 'team', name: 'Team', people: ['r1'], isCalledOffShift: true };
  expect(groupOf(groupDraft({ ...team, version: 1 }))).toEqual(team);
});

test('a new schedule begins today and round the clock', () => {
  const [layer] = scheduleOf(newSchedule(new Date(2026, 10, 21, 23, 30).getTime(), 'Asia/Tokyo')).layers;
  expect(layer).toEqual({ people: [], startsOn: '2026-11-21', handOverAt: '08:00', everyDays: 7 });
});

test('somebody is moved within the order of turns, and not beyond its ends', () => {
  const order = ['a', 'b', 'c'];
  expect([moved(order, 1, -1), moved(order, 1, 1)]).toEqual([
    ['b', 'a', 'c'],
    ['a', 'c', 'b'],
  ]);
  expect([moved(order, 0, -1), moved(order, 2, 1)]).toEqual([order, order]);
});

test('a rotation is said in words', () => {
  expect(nights.layers.map(sayLayer)).toEqual([
    'Daily at 08:00, from 2026-11-21 on: 3 in turn',
    'Every 7 days at 08:00, from 2026-11-21 on: 1 person',
  ]);
});
