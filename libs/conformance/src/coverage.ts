/** The codes of the protocol against what a run brought about. */
import type { Check } from './check.ts';
import { allCodes, notProvoked, type Code } from './codes.ts';

export type Coverage = {
  covered: Code[];
  /** Not brought about in this run, each with the reason. */
  excused: { code: Code; why: string }[];
  /** Neither; fails the run. */
  missing: Code[];
  /** In the list of what cannot be provoked, or covered by a check, and not in the contracts; or excused and covered. */
  stale: Code[];
};

type Result = { name: string; result: 'passed' | 'failed' | 'skipped'; why?: string };

export function compareCoverage(
  checks: readonly Pick<Check, 'name' | 'covers'>[],
  results: readonly Result[],
  { codes = allCodes, excuses = notProvoked }: { codes?: readonly Code[]; excuses?: typeof notProvoked } = {},
): Coverage {
  const resultOf = new Map(results.map((each) => [each.name, each]));
  const claimed = new Map<Code, Result[]>();
  for (const { name, covers = [] } of checks) {
    const result = resultOf.get(name);
    for (const code of covers)
      claimed.set(code, [...(claimed.get(code) ?? []), ...(result === undefined ? [] : [result])]);
  }
  const coverage: Coverage = { covered: [], excused: [], missing: [], stale: [] };
  for (const code of codes) {
    const results = claimed.get(code) ?? [];
    const excuse = excuses[code];
    const skipped = results.find(({ result }) => result === 'skipped');
    if (results.some(({ result }) => result === 'passed')) coverage.covered.push(code);
    else if (excuse !== undefined) coverage.excused.push({ code, why: excuse });
    else if (skipped !== undefined && results.every(({ result }) => result === 'skipped')) {
      coverage.excused.push({ code, why: `skipped: ${skipped.why ?? ''}` });
    } else coverage.missing.push(code);
  }
  const known = new Set<string>(codes);
  const named = new Set([...claimed.keys(), ...(Object.keys(excuses) as Code[])]);
  coverage.stale = [...named].filter((code) => !known.has(code) || (claimed.has(code) && excuses[code] !== undefined));
  return coverage;
}
