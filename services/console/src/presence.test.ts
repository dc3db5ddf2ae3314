import { expect, test } from '@jest/globals';
import { type PresentPerson, createPresence, headcount, wardPresenceRoom, whoIsThere } from './presence.ts';

const person = (id: string, state: PresentPerson['state']): PresentPerson => ({
  person: id,
  name: `Person ${id}`,
  roles: ['nurse'],
  state,
  since: null,
  lastSeenAt: null,
});

test('the headcount names those who are there but not at hand', () => {
  expect(headcount([])).toBe('0');
  expect(headcount([person('n1', 'online'), person('n2', 'offline')])).toBe('1');
  const people = [person('n1', 'inCall'), person('n2', 'busy'), person('n3', 'online'), person('n4', 'busy')];
  expect(headcount(people)).toBe('4 (2 busy, 1 in a call)');
});

test('those who can come at once are named first, and who is offline is not', () => {
  const people = [person('n4', 'away'), person('n2', 'online'), person('n3', 'offline'), person('n1', 'online')];
  expect(whoIsThere(people).map((each) => each.person)).toEqual(['n1', 'n2', 'n4']);
});

test('changes alter what the snapshot showed, and nothing is shown where there was none', () => {
  const presence = createPresence();
  const room = wardPresenceRoom('w1');
  const shown = presence.ward('w1');
  presence.put(room, person('n1', 'online'));
  expect(shown.get()).toBeUndefined();
  presence.show(room, [person('n1', 'online'), person('n2', 'offline')]);
  presence.put(room, person('n2', 'busy'));
  presence.put(room, person('n3', 'online'));
  presence.remove(room, 'n1');
  expect(shown.get()).toEqual([person('n2', 'busy'), person('n3', 'online')]);
  presence.hide(room);
  expect(shown.get()).toBeUndefined();
});
