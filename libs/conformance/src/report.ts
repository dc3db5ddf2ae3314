/** What people read of a run: one line a check, then what is wrong, and what was not covered with the reason. */
import type { Coverage } from './coverage.ts';
import type { Outcome, Report } from './suite.ts';

const marks = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const;

export function outcomeLine({ result, name, tookMs, why }: Outcome): string {
  const more = result === 'passed' ? ` (${tookMs} ms)` : `: ${(why ?? '').replaceAll('\n', '\n       ')}`;
  return `${marks[result]}  ${name}${more}`;
}

function coverageLines({ covered, excused, missing, stale }: Coverage): string[] {
  const whys = [...new Set(excused.map(({ why }) => why))];
  return [
    ...whys.map(
      (why) => `not provoked: ${excused.flatMap((each) => (each.why === why ? [each.code] : [])).join(', ')}: ${why}`,
    ),
    ...missing.map((code) => `NOT COVERED, and no reason: ${code}`),
    ...stale.map((code) => `STALE: ${code} is not in the contracts, or is both covered and excused`),
    `${covered.length} codes covered, ${excused.length} not provoked, ${missing.length} missing`,
  ];
}

export function summary({ outcomes, coverage, neighbour, isGood }: Report): string {
  const count = (result: Outcome['result']): number => outcomes.filter((each) => each.result === result).length;
  return [
    '',
    ...(coverage === undefined ? [] : coverageLines(coverage)),
    ...neighbour.complaints.map((each) => `NEIGHBOUR: ${each}`),
    `slowest answer to the neighbour: ${neighbour.slowestMs} ms`,
    `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped: ${isGood ? 'conforms' : 'does NOT conform'}`,
  ].join('\n');
}
