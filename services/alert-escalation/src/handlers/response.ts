import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import {
  maxResponseAlerts,
  maxResponseDays,
  responseHops,
  type getResponse as getContract,
} from '@carillon/contracts/response';
import type { QueryWork } from '@carillon/runtime/queries';
import type { DayPlan } from '../domain/shifts.ts';
import { countAlerts, countNursePages, figureResponses, type HopRow, type ResponseRow } from '../store-response.ts';

type Answer = ResultOf<typeof getContract>;
const dayMs = 86_400_000;

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
const ms = (seconds: number | undefined): number => Math.round((seconds ?? 0) * 1_000);

function figuresOf(row: ResponseRow, hops: readonly HopRow[]): Answer['total'] {
  const his = hops.filter(({ isTotal, group }) => isTotal === row.isTotal && group === row.group);
  const escalations = ratio(row.escalations, row.alerts);
  return {
    alerts: row.alerts,
    hops: responseHops.flatMap((hop) => {
      const found = his.find((each) => each.hop === hop);
      if (found === undefined) return [];
      const [p50, p95, p99] = found.seconds;
      return [{ hop, count: found.count, p50Ms: ms(p50), p95Ms: ms(p95), p99Ms: ms(p99) }];
    }),
    firstLevelShare: ratio(row.atFirstLevel, row.acknowledged),
    escalationsPer100: escalations === null ? null : escalations * 100,
    notActionableShare: ratio(row.notActionable, row.judged),
  };
}

/** @returns the handler of `response:figures`, with the shifts of this installation */
export const createResponse =
  (plan: DayPlan) =>
  async ({ sql, actor, now }: QueryWork, input: InputOf<typeof getContract>): Promise<Answer> => {
    const [from, to] = [Date.parse(input.from), Date.parse(input.to)];
    if (from >= to) throw badInput([{ path: 'to', message: 'Must be later than `from`' }]);
    if (to - from > maxResponseDays * dayMs) {
      throw badInput([{ path: 'to', message: `Must be at most ${maxResponseDays} days after \`from\`` }]);
    }
    const range = { hospital: actor.hospital, from, to, wardId: input.wardId ?? null };
    if ((await countAlerts(sql, range, maxResponseAlerts + 1)) > maxResponseAlerts) {
      throw new CodedError('too_large', `More than ${maxResponseAlerts} alerts; ask for less time, or for one ward`);
    }
    const { counts, hops } = await figureResponses(sql, range, input.by, plan);
    const nurses = await countNursePages(sql, range, now);
    const none: ResponseRow = {
      isTotal: true,
      group: null,
      alerts: 0,
      acknowledged: 0,
      atFirstLevel: 0,
      escalations: 0,
      judged: 0,
      notActionable: 0,
    };
    return {
      total: figuresOf(counts.find(({ isTotal }) => isTotal) ?? none, hops),
      groups: counts.filter(({ isTotal }) => !isTotal).map((row) => ({ group: row.group, ...figuresOf(row, hops) })),
      pagesPerNurseHour: ratio(nurses.pages, nurses.hours),
    };
  };
