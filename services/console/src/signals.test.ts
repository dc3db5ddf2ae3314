import { expect, test } from '@jest/globals';
import { marksOf, nameCondition } from './marking.ts';
import { isTechnical, signalBand } from './signals.ts';

test('the band names what does not come, and is not there while all comes', () => {
  expect(signalBand(['spo2-below', 'device-battery'])).toBeUndefined();
  expect(signalBand(['spo2-below', 'spo2-absent', 'heartRate-absent'])).toEqual({
    title: 'Sensor off',
    vitals: 'SpO₂, HR',
  });
  expect(signalBand(['device-silent'])).toEqual({ title: 'Device silent', vitals: '' });
});

test('a sensor that is off marks no number: the mark of a number is its alarm', () => {
  const condition = { priority: 'low', alertResolved: false } as const;
  expect(marksOf([], [{ kind: 'spo2-absent', ...condition }]).size).toBe(0);
  expect(isTechnical('spo2-below')).toBe(false);
});

test('a technical condition is named by what to look at', () => {
  expect(['spo2-absent', 'device-silent', 'device-battery'].map(nameCondition)).toEqual([
    'SpO₂ not measured',
    'Device silent',
    'Device battery low',
  ]);
});
