import { expect, test } from '@jest/globals';
import { parseRecording } from '@carillon/monitoring/recording';
import { createRecordingPlayer } from './recording.ts';

const instant = Date.UTC(2026, 10, 21, 8);

test('file k plays into patient k, absent cells are not sent, and each begins again at its own end', () => {
  const player = createRecordingPlayer([
    parseRecording('Time [s], HR, SpO2\n0,70,97\n1,NaN,0\n'),
    parseRecording('Time [s], PULSE, RESP\n-1,60,\n0,61,14\n1,62,15\n'),
  ]);
  const turns = [0, 1, 2, 3].map((turn) =>
    player.next(instant + turn * 1000).map(({ patientId, vital, value }) => `${patientId} ${vital} ${value}`),
  );
  expect(turns).toEqual([
    ['p1 heartRate 70', 'p1 spo2 97', 'p2 pulse 60'],
    ['p1 spo2 0', 'p2 pulse 61', 'p2 respirationRate 14'],
    ['p1 heartRate 70', 'p1 spo2 97', 'p2 pulse 62', 'p2 respirationRate 15'],
    ['p1 spo2 0', 'p2 pulse 60'],
  ]);
});

test('a sample is measured at the instant it is played, whatever the recording says', () => {
  const [item] = createRecordingPlayer([parseRecording('Time [s],SpO2\n477,97\n')]).next(instant);
  expect(item).toEqual({
    patientId: 'p1',
    vital: 'spo2',
    value: 97,
    unit: '%',
    measuredAt: '2026-11-21T08:00:00.000Z',
    deviceId: 'dev1',
  });
});
