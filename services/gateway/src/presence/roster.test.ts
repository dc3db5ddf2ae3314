/** The roster against a model that knows every moment: whatever devices do, grace is grace. */
import { expect, test } from '@jest/globals';
import { settableStates, type Device, type SettableState } from '@carillon/contracts/presence';
import fc from 'fast-check';
import { createRoster, mostTelling, type Departure, type Roster } from './roster.ts';

const graceMs = 10;
const startedAt = 1_000;

function startRoster(): { roster: Roster; clock: { at: number }; departures: Departure[]; changes: string[] } {
  const clock = { at: startedAt };
  const departures: Departure[] = [];
  const changes: string[] = [];
  const roster: Roster = createRoster({
    graceMs,
    now: () => clock.at,
    elapsed: () => clock.at,
    onChanged: (key) => changes.push(`${key} ${roster.standing(key).state}`),
    onDeparted: (departure) => departures.push(departure),
  });
  return { roster, clock, departures, changes };
}
const device = (id: string, state: SettableState): Device => ({ id, state, since: 0 });

type Step =
  | { kind: 'put'; gateway: string; devices: Record<string, SettableState> }
  | { kind: 'remove'; gateway: string }
  | { kind: 'wait'; ms: number };
const gateways = ['a', 'b'];
const gateway = fc.constantFrom(...gateways);
const state = fc.constantFrom(...settableStates);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    gateway,
    devices: fc.dictionary(fc.constantFrom('x', 'y', 'z'), state, { maxKeys: 3, noNullPrototype: true }),
  }),
  fc.record({ kind: fc.constant('remove' as const), gateway }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 15 }) }),
);

test('a person is what his devices say, those that went within the grace included', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { roster, clock, departures, changes } = startRoster();
      const live = new Map<string, Record<string, SettableState>>(gateways.map((each) => [each, {}]));
      /** What each device said when it was last connected, and when it went. */
      const gone = new Map<string, { state: SettableState; at: number }>();
      const put = (name: string, devices: Record<string, SettableState>): void => {
        const before = live.get(name) ?? {};
        live.set(name, devices);
        const connected = new Set([...live.values()].flatMap(Object.keys));
        for (const id of connected) gone.delete(id);
        for (const [id, was] of Object.entries(before))
          if (!connected.has(id)) gone.set(id, { state: was, at: clock.at });
      };
      let shown = 'offline';
      for (const each of steps) {
        if (each.kind === 'wait') clock.at += each.ms;
        else put(each.gateway, each.kind === 'put' ? each.devices : {});
        if (each.kind === 'put')
          roster.put(
            each.gateway,
            'h.p',
            Object.entries(each.devices).map(([id, said]) => device(id, said)),
          );
        if (each.kind === 'remove') roster.removeGateway(each.gateway, clock.at, 'after grace');
        while (roster.sweep(1)) continue;
        const said = [...live.values()].flatMap((devices) => Object.values(devices));
        const lingering = [...gone.values()].filter(({ at }) => clock.at < at + graceMs);
        const expected = mostTelling([...said.map((one) => ({ state: one })), ...lingering]);
        expect(roster.standing('h.p').state).toBe(expected);
        expect(roster.hasDevices('h.p')).toBe(said.length > 0);
        // Told once for each change that anybody could see, and never for none.
        expect(changes.splice(0)).toEqual(expected === shown ? [] : [`h.p ${expected}`]);
        expect(departures.splice(0).length).toBe(expected === 'offline' && shown !== 'offline' ? 1 : 0);
        shown = expected;
      }
      expect(roster.size()).toBe(shown === 'offline' ? 0 : 1);
    }),
  );
});

test('who left was last seen when his last device went, not when the grace had passed', () => {
  const { roster, clock, departures } = startRoster();
  roster.put('a', 'h.p', [device('x', 'busy')]);
  clock.at += 50;
  roster.put('a', 'h.p', []);
  clock.at += graceMs;
  roster.sweep(10);
  expect(departures).toEqual([{ key: 'h.p', instance: 'a', at: startedAt + 50 }]);
  expect(roster.standing('h.p')).toEqual({ state: 'offline', since: startedAt + 50 });
});

test('people of a gateway that is gone were last seen when it was last heard', () => {
  const { roster, clock, departures } = startRoster();
  roster.put('a', 'h.p', [device('x', 'online')]);
  clock.at += 50;
  roster.removeGateway('a', startedAt + 30, 'after grace');
  clock.at += graceMs;
  roster.sweep(10);
  expect(departures).toEqual([{ key: 'h.p', instance: 'a', at: startedAt + 30 }]);
});

test('an entry that was deleted twice says nothing of when he left', () => {
  const { roster, clock, departures } = startRoster();
  roster.put('a', 'h.p', [device('x', 'online')]);
  roster.put('a', 'h.p', []);
  clock.at += 5;
  roster.put('b', 'h.p', []);
  roster.put('a', 'h.p', []);
  clock.at += 5;
  roster.sweep(10);
  expect(departures).toEqual([{ key: 'h.p', instance: 'a', at: startedAt }]);
});

test('what is known of last seen never goes back', () => {
  const { roster } = startRoster();
  expect([20, 10, 20].map((at) => roster.rememberLastSeen('h.p', at))).toEqual([true, false, false]);
  expect(roster.standing('h.p')).toEqual({ state: 'offline', since: 20 });
});
