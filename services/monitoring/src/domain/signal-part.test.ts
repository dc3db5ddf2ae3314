import { expect, test } from '@jest/globals';
import type { VitalName } from '@carillon/contracts/vital-signs';
import { applySamples } from './patient-monitor.ts';
import {
  emptyPatientState,
  type ApplyOptions,
  type KnownDevice,
  type MonitorSample,
  type PatientState,
} from './patient-state.ts';
import { compileRules } from './rules.ts';
import { stopSignals, troubledSignals } from './signal-part.ts';

const start = Date.UTC(2026, 10, 21, 8);
const at = (second: number): number => start + second * 1_000;
const rules = compileRules({
  limits: [
    { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 15, priority: 'high' },
    { vital: 'heartRate', above: 130, persistSeconds: 15, priority: 'high' },
    { vital: 'pulse', above: 130, persistSeconds: 5, priority: 'high' },
  ],
});

/** A patient with one monitor, `d1`; tells what was reported, as `type kind priority`. */
function patient() {
  let state: PatientState = emptyPatientState;
  const apply = (second: number, samples: readonly MonitorSample[], more: Partial<ApplyOptions> = {}): string[] => {
    const common = { rules, decisions: [], bindings: [], patientId: 'p1', nowMs: at(second) };
    const result = applySamples(state, samples, { ...common, ...more });
    state = result.state;
    return result.conditions.map(({ type, kind, priority }) => `${type} ${kind} ${priority}`);
  };
  type Values = Partial<Record<VitalName, number>>;
  /** One sample of each of these a second. */
  const liveWith = (
    options: Partial<ApplyOptions>,
    from: number,
    to: number,
    values: Values,
    more: Partial<MonitorSample> = {},
  ): string[] =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index).flatMap((second) =>
      apply(
        second,
        Object.entries(values).map(([vital, value]) => ({
          vital: vital as VitalName,
          value,
          atMs: at(second),
          receivedAtMs: at(second),
          quality: 'good',
          deviceId: 'd1',
          ...more,
        })),
        options,
      ),
    );
  return {
    liveWith,
    live: (from: number, to: number, values: Values, more: Partial<MonitorSample> = {}) =>
      liveWith({}, from, to, values, more),
    /** Nothing came; we have listened all the time. */
    look: (second: number, more: Partial<ApplyOptions> = {}) =>
      apply(second, [], { hearing: { sinceMs: start, untilMs: at(second) }, ...more }),
    say: (second: number, vital: VitalName, reason: 'off' | 'invalid', deviceId = 'd1') =>
      apply(second, [], { absences: [{ vital, reason, atMs: at(second), deviceId }] }),
    stop: (vital: VitalName) => (state = stopSignals(state, (name) => name === vital)),
    troubled: () => troubledSignals(state).map((signal) => `${signal.vital} ${signal.state} ${signal.reason}`),
    active: () => state.active,
  };
}

test('a sensor that falls off is a technical alarm after 15 s and not before, and over with the first good sample', () => {
  const { live, look, troubled } = patient();
  expect(live(0, 20, { spo2: 97 })).toEqual([]);
  expect(look(34)).toEqual([]);
  expect(look(35)).toEqual(['raised spo2-absent low']);
  expect(troubled()).toEqual(['spo2 absent silent']);
  expect(look(36)).toEqual([]);
  expect(live(40, 40, { spo2: 97 })).toEqual(['cleared spo2-absent low']);
  expect(troubled()).toEqual([]);
});

test('M4 an active alarm stays while its sensor is off, and then somebody must come sooner', () => {
  const { live, look, active } = patient();
  expect(live(0, 20, { spo2: 84 })).toEqual(['raised spo2-below high']);
  expect(look(35)).toEqual(['raised spo2-absent medium']);
  expect(look(3_600)).toEqual([]);
  expect(active()).toEqual({ 'spo2-below': 'high', 'spo2-absent': 'medium' });
  expect(live(3_601, 3_602, { spo2: 85 })).toEqual(['cleared spo2-absent medium']);
  expect(live(3_603, 3_604, { spo2: 97 })).toEqual(['cleared spo2-below high']);
});

test('a device that says that its sensor is off is believed after 15 s', () => {
  const { live, look, say, troubled } = patient();
  live(0, 20, { spo2: 97, heartRate: 80 });
  expect(say(21, 'spo2', 'off')).toEqual([]);
  expect(troubled()).toEqual(['spo2 suspect off']);
  expect(live(22, 35, { heartRate: 80 })).toEqual([]);
  expect(look(35.999)).toEqual(['raised spo2-absent low']);
  expect(troubled()).toEqual(['spo2 absent off']);
});

test('only doubtful values are as good as none, and they say so', () => {
  const { live, look, troubled } = patient();
  live(0, 20, { spo2: 97 });
  live(21, 35, { spo2: 97 }, { quality: 'suspect' });
  expect(look(35)).toEqual(['raised spo2-absent low']);
  expect(troubled()).toEqual(['spo2 absent suspect']);
});

test('all signals of a device lost at once are one alarm, and not one each', () => {
  const { live, look } = patient();
  live(0, 20, { spo2: 97, heartRate: 80, respirationRate: 14 });
  expect(look(35)).toEqual(['raised device-silent low']);
  expect(live(40, 40, { heartRate: 80 })).toEqual([
    'cleared device-silent low',
    'raised spo2-absent low',
    'raised respirationRate-absent low',
  ]);
});

test('what was stopped on purpose is not expected until it is a stream again', () => {
  const { live, look, stop } = patient();
  live(0, 20, { spo2: 97 });
  look(35);
  stop('spo2');
  expect(look(36)).toEqual(['cleared spo2-absent low']);
  live(40, 44, { spo2: 97 });
  expect(look(100)).toEqual([]);
  live(200, 212, { spo2: 97 });
  expect(look(230)).toEqual(['raised spo2-absent low']);
});

const worn: KnownDevice = {
  deviceId: 'd1',
  patientId: 'p1',
  isUnderTest: false,
  isConnected: true,
  heardAtMs: null,
  expectEverySeconds: null,
  battery: 50,
  batteryLowPercent: 20,
};

test('a bound device that is silent or whose battery is low is a technical alarm, another patient’s is not', () => {
  const { look } = patient();
  const looking = (second: number, more: Partial<KnownDevice>) => look(second, { devices: [{ ...worn, ...more }] });
  expect(looking(0, {})).toEqual([]);
  expect(looking(1, { isConnected: false, patientId: 'p2' })).toEqual([]);
  expect(looking(2, { isConnected: false })).toEqual(['raised device-silent low']);
  expect(looking(3, {})).toEqual(['cleared device-silent low']);
  expect(looking(4, { battery: 20 })).toEqual([]);
  expect(looking(5, { battery: 19 })).toEqual(['raised device-battery low']);
  expect(looking(6, { battery: 24 })).toEqual([]);
  expect(looking(7, { battery: 25 })).toEqual(['cleared device-battery low']);
});

test('a pulse that the ECG contradicts raises nothing, and is missed after 15 s', () => {
  const { live, look } = patient();
  live(0, 20, { pulse: 80, heartRate: 80 });
  expect(live(21, 35, { pulse: 180, heartRate: 80 })).toEqual([]);
  expect(look(35)).toEqual(['raised pulse-absent low']);
});

test('M8 a device whose clock is an hour slow raises no alarm, and somebody is told that nothing of it counts', () => {
  const { live, look, troubled } = patient();
  // As old when it comes, each of them; `live` sets when it was received.
  const slow = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index).flatMap((second) =>
      live(second, second, { spo2: 84 }, { atMs: at(second - 3_600) }),
    );
  expect(slow(0, 20)).toEqual([]);
  expect(troubled()).toEqual(['spo2 suspect late']);
  expect(look(30)).toEqual(['raised spo2-absent low']);
  expect(slow(31, 60)).toEqual([]);
  expect(troubled()).toEqual(['spo2 absent late']);
  expect(live(61, 61, { spo2: 97 })).toEqual(['cleared spo2-absent low']);
});

test('a buffer that is sent, however it is split, is missed by nobody', () => {
  const { live, look, troubled } = patient();
  for (let second = 0; second < 60; second++) {
    for (let of = 0; of < 20; of++) {
      live(second, second, { spo2: 97 }, { atMs: at(second * 20 + of - 7_200) });
    }
  }
  expect(troubled()).toEqual([]);
  expect(look(3_600)).toEqual([]);
});

test('what streams from a device that is not bound to the patient is no measurement, and somebody is told', () => {
  const { look, liveWith, troubled } = patient();
  const bindings = [{ deviceId: 'd1', patientId: 'p2', fromMs: at(-1_000), untilMs: null }];
  expect(liveWith({ bindings }, 0, 20, { spo2: 84 })).toEqual([]);
  expect(troubled()).toEqual(['spo2 suspect notBound']);
  expect(look(30)).toEqual(['raised spo2-absent low']);
});

test('late values beside good ones of another device change nothing', () => {
  const { live, look, troubled } = patient();
  for (let second = 0; second <= 20; second++) {
    live(second, second, { spo2: 97 }, { deviceId: 'd2', atMs: at(second - 3_600) });
    live(second, second, { spo2: 97 });
  }
  expect(troubled()).toEqual([]);
  expect(look(35)).toEqual(['raised spo2-absent low']);
  expect(troubled()).toEqual(['spo2 absent silent']);
});

test('a device that says of all its sensors that they are off is one alarm that says so', () => {
  const { live, say, look, troubled } = patient();
  live(0, 20, { spo2: 97, heartRate: 80 });
  say(21, 'spo2', 'off');
  say(21, 'heartRate', 'off');
  expect(look(36)).toEqual(['raised device-silent low']);
  expect(troubled()).toEqual(['spo2 absent off', 'heartRate absent off']);
});

test('what another device says of a sensor of its own is nothing to this one', () => {
  const { live, look, say, troubled } = patient();
  for (let second = 0; second <= 100; second += 20) live(second, second, { spo2: 97 });
  say(101, 'spo2', 'off', 'd2');
  expect(troubled()).toEqual([]);
  expect(look(119)).toEqual([]);
});
