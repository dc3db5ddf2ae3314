import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRecording, RecordingError } from './recording.ts';

const header = 'Time [s], HR, PULSE, RESP, SpO2';

test('columns become vital signs; empty cells and NaN are absent, 0 is a value', () => {
  expect(parseRecording(`${header}\n-1,94,93,25,97\n-0,0,NaN,,96.5\n`)).toEqual({
    vitals: ['heartRate', 'pulse', 'respirationRate', 'spo2'],
    rows: [
      { atSeconds: -1, values: { heartRate: 94, pulse: 93, respirationRate: 25, spo2: 97 } },
      { atSeconds: 0, values: { heartRate: 0, spo2: 96.5 } },
    ],
  });
});

test('columns are found by name, whatever their order, and lines may end in CRLF', () => {
  expect(parseRecording('\uFEFFSpO2,Time [s]\r\n97,0.5\r\n\r\n')).toEqual({
    vitals: ['spo2'],
    rows: [{ atSeconds: 0.5, values: { spo2: 97 } }],
  });
});

test.each([
  ['', 'line 1: unknown column ""; known are Time [s], HR, PULSE, RESP, SpO2'],
  ['Time [s], HR, ABP\n', 'line 1: unknown column "ABP"; known are Time [s], HR, PULSE, RESP, SpO2'],
  ['Time [s], toString\n', 'line 1: unknown column "toString"; known are Time [s], HR, PULSE, RESP, SpO2'],
  ['HR, PULSE\n1,2\n', 'line 1: no column "Time [s]"'],
  ['Time [s]\n1\n', 'line 1: no vital sign; known columns are Time [s], HR, PULSE, RESP, SpO2'],
  ['Time [s], HR, HR\n', 'line 1: column "HR" comes twice'],
  [`${header}\n`, 'line 2: no samples'],
  [`${header}\n0,1,2,3,4\n1,2,3,4\n`, 'line 3: 4 cells under 5 columns'],
  [`${header}\n0,1,2,3,4\n\n2,1,2,0x10,4\n`, 'line 4: column "RESP" has "0x10", not a number'],
  [`${header}\n0,1,2,3,1e999\n`, 'line 2: column "SpO2" has "1e999", not a number'],
  [`${header}\nNaN,1,2,3,4\n`, 'line 2: no time'],
])('a bad recording is refused with its line: %j', (text, message) => {
  expect(() => parseRecording(text)).toThrow(new RecordingError(message));
});

test('any text is a recording or is refused as one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, hasHeader) => {
      try {
        parseRecording(hasHeader ? `${header}\n${text}` : text);
      } catch (error) {
        expect(error).toBeInstanceOf(RecordingError);
      }
    }),
  );
});

test('what is written is read back', () => {
  const cell = fc.option(fc.double({ min: -500, max: 500, noNaN: true }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer(), cell, cell), { minLength: 1 }), (rows) => {
      const text = rows.map(([time, rate, spo2]) => `${time},${rate ?? ''},${spo2 ?? 'NaN'}`).join('\n');
      const read = parseRecording(`Time [s],RESP,SpO2\n${text}`).rows;
      expect(read.map(({ atSeconds, values }) => [atSeconds, values.respirationRate, values.spo2])).toEqual(
        rows.map((row) => row.map((value) => (value === 0 ? 0 : value))),
      );
    }),
  );
});
