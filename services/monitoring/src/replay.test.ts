import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { replay, type ReplayedAlarm } from './replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const header = 'Time [s], HR, PULSE, RESP, SpO2\n';
function write(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}
const breathing = write(
  'breathing.csv',
  `${header}${[18, 26, 27, '', 'NaN', 26, 23, 23, 22, 25, 0].map((rate, i) => `${i - 1},70,70,${rate},97`).join('\n')}\n`,
);
const limitsOf = (limits: unknown): string => write('limits.json', JSON.stringify(limits));
const fast = { vital: 'respirationRate', above: 24, clearAt: 22, persistSeconds: 4 };

function alarms(limits: unknown): ReplayedAlarm[] {
  const { stdout, stderr, exitCode } = replay(['--file', breathing, '--limits', limitsOf(limits), '--json'], folder);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return (JSON.parse(stdout) as { alarms: ReplayedAlarm[] }).alarms;
}

test('an alarm is told in the seconds of the file, which need not begin at 0', () => {
  expect(alarms([fast])).toEqual([{ vital: 'respirationRate', kind: 'above', raisedAtSeconds: 4, endedAtSeconds: 7 }]);
});

test('an alarm that is on at the end of the file has no end', () => {
  expect(alarms([{ vital: 'respirationRate', below: 8, persistSeconds: 0 }])).toEqual([
    { vital: 'respirationRate', kind: 'below', raisedAtSeconds: 9, endedAtSeconds: null },
  ]);
});

test('limits are independent, also on one vital sign, and sort by the time of the alarm and then by their order', () => {
  const found = alarms([
    { vital: 'heartRate', below: 71, persistSeconds: 2, priority: 'high' },
    { ...fast, persistSeconds: 0 },
    { ...fast, persistSeconds: 1, clearAt: 18 },
    { vital: 'spo2', below: 98, persistSeconds: 1 },
  ]);
  expect(found.map(({ vital, raisedAtSeconds, endedAtSeconds }) => [vital, raisedAtSeconds, endedAtSeconds])).toEqual([
    ['respirationRate', 0, 7],
    ['spo2', 0, null],
    ['heartRate', 1, null],
    ['respirationRate', 1, 9],
    ['respirationRate', 8, 9],
  ]);
});

test('k of n, clear-for and latching are replayed as they would be live, where nobody answers', () => {
  const counted = { ...fast, persistSeconds: 0, breaches: { k: 3, of: 4 } };
  const timesOf = (limit: object) => alarms([limit]).map(({ raisedAtSeconds, endedAtSeconds }) => [raisedAtSeconds, endedAtSeconds]); // prettier-ignore
  expect(timesOf(counted)).toEqual([[4, 7]]);
  expect(timesOf({ ...counted, clearForSeconds: 2 })).toEqual([[4, null]]);
  expect(timesOf({ ...fast, isLatching: true })).toEqual([[4, null]]);
});

test('without --json a table is printed', () => {
  const { stdout } = replay(['--file', breathing, '--limits', limitsOf([fast])], folder);
  expect(stdout).toMatch(/raised +ended +vital +kind\n +4 s +7 s +respirationRate +above\n/);
  expect(replay(['--file', breathing, '--limits', limitsOf([])], folder).stdout).toBe('no alarms\n');
});

test.each<[string, unknown, string]>([
  ['unknown vital', [fast, { ...fast, vital: 'breath' }], '[1].vital: Expected one of heartRate, '],
  ['a vital that is no number', [{ ...fast, vital: 'consciousness' }], '[0].vital: Expected one of heartRate, '],
  ['both above and below', [{ ...fast, below: 8 }], '[0]: Expected one of above and below, not both'],
  ['neither above nor below', [{ vital: 'spo2', persistSeconds: 1 }], '[0]: Expected above or below'],
  ['a threshold that is no number', [{ ...fast, above: '24' }], '[0].above: Expected number'],
  ['no persistence', [{ vital: 'spo2', below: 90 }], '[0].persistSeconds: Required field is missing'],
  ['a negative persistence', [{ ...fast, persistSeconds: -1 }], '[0].persistSeconds: Expected number to be greater'],
  ['an unknown field', [{ ...fast, persist: 15 }], '[0].persist: Unknown field'],
  ['no list', fast, 'limits.json: Expected array'],
])('limits with %s are refused with their place, and nothing is printed', (_, limits, message) => {
  const { stdout, stderr, exitCode } = replay(['--file', breathing, '--limits', limitsOf(limits), '--json'], folder);
  expect(stderr).toContain(message);
  expect(stderr).toContain('limits.json');
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
});

const goodLimits = write('good.json', JSON.stringify([fast]));

test.each([
  ['a missing recording', 'none.csv', goodLimits, 'none.csv: cannot be read: '],
  ['missing limits', breathing, 'none.json', 'none.json: cannot be read: '],
  ['limits that are no JSON', breathing, write('bad.json', '[{"vital":}]'), 'bad.json: no JSON: Unexpected token'],
  ['a recording that is none', write('bad.csv', `${header}0,1,2,3\n`), goodLimits, 'bad.csv: line 2: 4 cells'],
])('%s is told, and nothing is printed', (_, file, limits, message) => {
  const { stdout, stderr, exitCode } = replay(['--file', file, '--limits', limits, '--json'], folder);
  expect(stderr).toContain(message);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
});

test.each([
  ['--file is missing', ['--limits', 'limits.json']],
  ['--limits is missing', ['--file', breathing]],
  ["Unknown option '--speed'", ['--file', breathing, '--limits', 'limits.json', '--speed', '2']],
  ['Unexpected argument', [breathing, 'limits.json']],
])('wrong usage answers 2: %s', (message, args) => {
  const { stdout, stderr, exitCode } = replay(args, folder);
  expect(stderr).toContain(message);
  expect(stderr).toContain('usage: npm run replay');
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
});

test('limits that are hardly meant are replayed with a warning', () => {
  const limits = limitsOf([
    { ...fast, clearAt: 30 },
    { vital: 'temperature', above: 38, persistSeconds: 0 },
    { ...fast, breaches: { k: 4, of: 3 }, schedule: { from: '22:00', to: '06:00', timeZone: 'UTC' } },
  ]);
  const { stderr, exitCode } = replay(['--file', breathing, '--limits', limits, '--json'], folder);
  expect(stderr).toContain('limits.json: [0].clearAt: Expected at or below the threshold 24');
  expect(stderr).toContain('limits.json: [2].breaches.k: Expected at most 3');
  expect(stderr).toContain('limits.json: [2].schedule: a recording has no time of day');
  expect(stderr).toContain('breathing.csv: has no column for temperature');
  expect(exitCode).toBe(0);
});

/** Repository root: services/monitoring/src → three up; the shared data lies beside it. */
const sharedData =
  process.env['CARILLON_SHARED_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const bidmc = join(sharedData, 'bidmc');
const whenPresent = existsSync(bidmc) ? test : test.skip;

type StatedLimit = { vital: string; above?: number; below?: number; clearAt?: number; persistSeconds: number };

/**
 * The oracle, by the words of the rule and not as a state machine: an alarm is raised at the first sample i for which
 * some j ≤ i exists so that all samples j … i breach and j lies at least persistSeconds back; it ends at the first later
 * sample at or beyond clearAt (or not in breach), from which on the search begins again.
 */
function oracle(csv: string, limit: StatedLimit): [number, number | null][] {
  const [names, ...lines] = csv.trim().split('\n').map((line) => line.split(',').map((cell) => cell.trim())); // prettier-ignore
  const columns: Record<string, string> = { heartRate: 'HR', pulse: 'PULSE', respirationRate: 'RESP', spo2: 'SpO2' };
  const column = names?.indexOf(columns[limit.vital] ?? '') ?? -1;
  const samples = lines
    .filter((cells) => cells[column] !== '' && cells[column] !== 'NaN')
    .map((cells) => ({ t: Number(cells[0]) + 0, v: Number(cells[column]) }));
  const { above, below, clearAt, persistSeconds } = limit;
  const isBreach = (v: number): boolean => (above === undefined ? v < (below as number) : v > above);
  const isEnd = (v: number): boolean => {
    if (clearAt === undefined) return !isBreach(v);
    return above === undefined ? v >= clearAt : v <= clearAt;
  };

  const found: [number, number | null][] = [];
  let from = 0;
  for (;;) {
    const raised = samples.findIndex((end, i) => {
      for (let j = i; j >= from && isBreach(samples[j]?.v ?? Number.NaN); j -= 1) {
        if (end.t - (samples[j]?.t ?? Number.NaN) >= persistSeconds) return true;
      }
      return false;
    });
    const raisedSample = samples[raised];
    if (raisedSample === undefined) return found;
    const ended = samples.findIndex(({ v }, i) => i > raised && isEnd(v));
    found.push([raisedSample.t, samples[ended]?.t ?? null]);
    if (ended === -1) return found;
    from = ended;
  }
}

const limitSets: StatedLimit[][] = [
  [
    { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 15 },
    { vital: 'heartRate', above: 130, clearAt: 120, persistSeconds: 15 },
    { vital: 'heartRate', below: 40, clearAt: 45, persistSeconds: 15 },
    { vital: 'respirationRate', above: 30, clearAt: 28, persistSeconds: 15 },
    { vital: 'respirationRate', below: 8, clearAt: 10, persistSeconds: 15 },
  ],
  [
    { vital: 'respirationRate', above: 24, clearAt: 22, persistSeconds: 15 },
    { vital: 'respirationRate', above: 20, persistSeconds: 3 },
    { vital: 'respirationRate', below: 12, persistSeconds: 0 },
    { vital: 'spo2', below: 96, clearAt: 97, persistSeconds: 5 },
  ],
  [
    { vital: 'heartRate', above: 90, persistSeconds: 0 },
    { vital: 'pulse', above: 85, clearAt: 80, persistSeconds: 60 },
    { vital: 'pulse', below: 75, clearAt: 75, persistSeconds: 2.5 },
    { vital: 'spo2', below: 98, persistSeconds: 30 },
  ],
];

whenPresent(`all 53 recordings replay as the rule says, word by word (skipped without ${bidmc})`, () => {
  const files = readdirSync(bidmc).filter((name) => name.endsWith('_Numerics.csv'));
  expect(files).toHaveLength(53);
  let count = 0;
  for (const limits of limitSets) {
    const limitsFile = join(folder, limitsOf(limits));
    for (const file of files) {
      const csv = readFileSync(join(bidmc, file), 'utf8');
      const expected = limits
        .flatMap((limit) =>
          oracle(csv, limit).map(([raisedAtSeconds, endedAtSeconds]) => ({
            vital: limit.vital,
            kind: limit.above === undefined ? 'below' : 'above',
            raisedAtSeconds,
            endedAtSeconds,
          })),
        )
        .sort((a, b) => a.raisedAtSeconds - b.raisedAtSeconds);
      const { stdout } = replay(['--file', file, '--limits', limitsFile, '--json'], bidmc);
      expect({ file, ...(JSON.parse(stdout) as object) }).toEqual({ file, alarms: expected });
      count += expected.length;
    }
  }
  // The sets are chosen so that there is something to find.
  expect(count).toBeGreaterThan(500);
});
