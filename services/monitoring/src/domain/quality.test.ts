import { expect, test } from '@jest/globals';
import type { Binding, KnownDevice, MonitorSample } from './patient-state.ts';
import { emptyPatientState } from './patient-state.ts';
import { judgeSamples } from './quality.ts';
import { compileRules } from './rules.ts';

const rules = compileRules({
  limits: [
    { vital: 'pulse', above: 130, persistSeconds: 0, priority: 'high' },
    { vital: 'heartRate', above: 130, persistSeconds: 0, priority: 'high' },
    { vital: 'heartRate', below: 40, persistSeconds: 0, priority: 'high' },
  ],
});
const at = 1_000_000;
const sample = (vital: MonitorSample['vital'], value: number, more: Partial<MonitorSample> = {}): MonitorSample => ({
  vital,
  value,
  atMs: at,
  receivedAtMs: at,
  quality: 'good',
  deviceId: 'd1',
  ...more,
});
type More = { bindings?: Binding[]; devices?: KnownDevice[]; heartRate?: { atMs: number; value: number } };
const judge = (samples: MonitorSample[], { bindings = [], devices = [], heartRate }: More = {}) => {
  const state = heartRate === undefined ? emptyPatientState : { ...emptyPatientState, newest: { heartRate } };
  const { usable, doubted } = judgeSamples(state, samples, { rules, bindings, devices, patientId: 'p1' });
  const names = (all: Iterable<MonitorSample>): string[] => [...all].map(({ vital }) => vital);
  return { usable: names(usable), doubted: names(doubted.keys()), reasons: [...doubted.values()] };
};

test('a pulse that the ECG contradicts is suspect, an ECG rate that the pulse contradicts is not', () => {
  expect(judge([sample('pulse', 180), sample('heartRate', 80)])).toMatchObject({
    usable: ['heartRate'],
    doubted: ['pulse'],
  });
  expect(judge([sample('pulse', 180)], { heartRate: { atMs: at - 9_000, value: 80 } }).doubted).toEqual(['pulse']);
  expect(judge([sample('pulse', 80), sample('heartRate', 20)]).doubted).toEqual([]);
  expect(judge([sample('pulse', 80), sample('heartRate', 180)]).doubted).toEqual([]);
});

test('a pulse is believed without an ECG of the time, with one that is alike, and with one that is in alarm itself', () => {
  expect(judge([sample('pulse', 180)], { heartRate: { atMs: at - 10_001, value: 80 } }).doubted).toEqual([]);
  expect(judge([sample('pulse', 135), sample('heartRate', 115)]).doubted).toEqual([]);
  expect(judge([sample('pulse', 180), sample('heartRate', 20)]).doubted).toEqual([]);
  expect(judge([sample('pulse', 120), sample('heartRate', 60)]).doubted).toEqual([]);
});

test('pressures that cannot be are suspect together, and only those of the same device and moment', () => {
  const wrong = [sample('systolic', 80), sample('diastolic', 80), sample('meanPressure', 80)];
  expect(judge([...wrong, sample('spo2', 97)]).usable).toEqual(['spo2']);
  expect(judge([sample('systolic', 120), sample('diastolic', 80), sample('meanPressure', 121)]).usable).toEqual([]);
  expect(judge([sample('systolic', 120), sample('diastolic', 80), sample('meanPressure', 93)]).doubted).toEqual([]);
  expect(judge([sample('systolic', 80), sample('diastolic', 90, { deviceId: 'd2' })]).doubted).toEqual([]);
  expect(judge([sample('systolic', 80), sample('diastolic', 90, { atMs: at - 1 })]).doubted).toEqual([]);
  expect(judge([sample('meanPressure', 93)]).doubted).toEqual([]);
});

test('M5 what is of a device under test is neither used nor doubted', () => {
  const device = {
    deviceId: 'd1',
    patientId: 'p1',
    isConnected: true,
    heardAtMs: null,
    expectEverySeconds: null,
    battery: null,
    batteryLowPercent: 20,
  };
  const none = { usable: [], doubted: [], reasons: [] };
  expect(judge([sample('spo2', 60, { mode: 'test' }), sample('spo2', 60, { mode: 'demo' })])).toEqual(none);
  expect(judge([sample('spo2', 60)], { devices: [{ ...device, isUnderTest: true }] })).toEqual(none);
  expect(judge([sample('spo2', 60)], { devices: [{ ...device, isUnderTest: false }] }).usable).toEqual(['spo2']);
});

test('M9 what a device measured on another patient is suspect', () => {
  const bindings = [{ deviceId: 'd1', patientId: 'p2', fromMs: at, untilMs: null }];
  expect(judge([sample('spo2', 60)], { bindings })).toEqual({ usable: [], doubted: ['spo2'], reasons: ['notBound'] });
  expect(judge([sample('spo2', 60, { deviceId: null })], { bindings }).usable).toEqual(['spo2']);
});
