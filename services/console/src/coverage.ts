/** What a coverage report says, as lines for people. */
import type { CoverageReport, Priority } from './shapes.ts';

export type GapLine = {
  from: string;
  until: string;
  reaches: CoverageReport['gaps'][number]['reaches'];
  /** Highest first. */
  priorities: readonly Priority[];
};
export type WardGaps = {
  wardId: string;
  name: string;
  lines: readonly GapLine[];
  /** By which nobody would come. */
  policies: readonly string[];
};

const ORDER: readonly Priority[] = ['high', 'medium', 'low'];

/** Only wards with gaps; gaps of the same time are one line, whatever their priorities and policies. */
export const gapsByWard = ({ wards, gaps }: Pick<CoverageReport, 'wards' | 'gaps'>): WardGaps[] =>
  wards
    .map(({ wardId, name }) => {
      const lines = new Map<string, { line: Omit<GapLine, 'priorities'>; priorities: Set<Priority> }>();
      for (const { from, until, reaches, priority, wardId: of } of gaps) {
        if (of !== wardId) continue;
        const key = `${from} ${until} ${reaches}`;
        const known = lines.get(key) ?? { line: { from, until, reaches }, priorities: new Set() };
        known.priorities.add(priority);
        lines.set(key, known);
      }
      return {
        wardId,
        name,
        policies: [...new Set(gaps.filter((gap) => gap.wardId === wardId).map(({ policyId }) => policyId))],
        lines: [...lines.values()]
          .map(({ line, priorities }) => ({ ...line, priorities: ORDER.filter((each) => priorities.has(each)) }))
          .sort((a, b) => Date.parse(a.from) - Date.parse(b.from)),
      };
    })
    .filter(({ lines }) => lines.length > 0);
