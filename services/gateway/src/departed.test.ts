import { expect, test } from '@jest/globals';
import { isDepartedBy } from './departed.ts';
import { matchRooms, parseRoom, type Room } from './rooms.ts';

const minuteMs = 60_000;
const movedAt = Date.parse('2026-11-21T12:00:00Z');
const isDeparted = isDepartedBy({
  placementOf: (_, person) =>
    ({
      moved: { wardId: 'w2', heardAt: movedAt },
      discharged: { wardId: undefined, heardAt: movedAt },
    })[person],
});

const roomOf = (name: string): Room => {
  const room = parseRoom(name, 'h1');
  if (room === undefined) throw new Error(name);
  return room;
};
/** Whether it is kept from who comes back to the room. */
const isKept = (
  room: string,
  subject: string,
  { event = 'alert:raised', at = movedAt - 2 * minuteMs } = {},
): boolean => {
  const opened = roomOf(room);
  const rooms = matchRooms(opened.definition.stream)(subject);
  expect(rooms).toContain(opened.key);
  return isDeparted({ rooms, event, at: new Date(at).toISOString() }, opened);
};
const alert = (ward: string, patient: string): string => `care.h1.${ward}.${patient}.critical.alert.raised`;

test('a ward is not told again of patients who lie in another one by now', () => {
  expect(isKept('ward:w1:alerts', alert('w1', 'moved'))).toBe(true);
  expect(isKept('ward:w1:vitals', 'vitals.h1.w1.moved', { event: 'vitals:recorded' })).toBe(true);
});

test('what ends an alert is told all the same, or the ward would show it for ever', () => {
  for (const event of ['alert:left', 'alert:resolved']) {
    expect(isKept('ward:w1:alerts', alert('w1', 'moved'), { event })).toBe(false);
  }
});

test('the ward to which a patient came is told everything, also before the news of his move is here', () => {
  expect(isKept('ward:w2:alerts', alert('w2', 'moved'))).toBe(false);
  // The gateway believes that he is in w2 still, and he is in w3 by now.
  expect(isKept('ward:w3:alerts', alert('w3', 'moved'), { at: movedAt - minuteMs + 1 })).toBe(false);
  expect(isKept('ward:w3:alerts', alert('w3', 'moved'), { at: movedAt + 1 })).toBe(false);
});

test('open alerts of one who was discharged stay with the ward that he left', () => {
  expect(isKept('ward:w1:alerts', alert('w1', 'discharged'))).toBe(false);
});

test('his own room, that of the hospital, and whoever is not known are as before', () => {
  expect(isKept('patient:moved', alert('w1', 'moved'))).toBe(false);
  expect(isKept('hospital:h1:alerts', alert('w1', 'moved'))).toBe(false);
  expect(isKept('ward:w1:alerts', alert('w1', 'stranger'))).toBe(false);
  expect(isKept('ward:w1:alerts', alert('w1', '_'))).toBe(false);
});
