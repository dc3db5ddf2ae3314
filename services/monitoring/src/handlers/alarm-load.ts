/** How many alarms people had to hear, and the times in wards that these are divided by. */
import type { alertResolved } from '@carillon/contracts/alert-escalation';
import type { DataOf, InputOf, ResultOf } from '@carillon/contracts/define';
import { getAlarmLoad as contract, maxLoadDays } from '@carillon/contracts/history';
import { assertPermitted, type DirectoryChange } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import type { EventWork } from '@carillon/runtime/subscriptions';
import { perBedDay } from '../domain/alarm-load.ts';
import { readRange } from '../domain/range.ts';
import { countAlarms, judgeAlarms, recordStay, sumStays } from '../store-alarms.ts';

type Told = Pick<EventWork, 'tx' | 'hospital' | 'now' | 'publishedAt'>;

/** We may hear of it long after, when one of us was away. */
const toldAt = ({ publishedAt, now }: Told): number => Math.min(publishedAt ?? now, now);

export async function keepStay(work: Told, change: DirectoryChange): Promise<void> {
  const { tx, hospital } = work;
  // Another bed of the same ward is the same stay.
  if (change.kind !== 'admission' || change.before === change.after) return;
  await recordStay(tx, { hospital, patientId: change.patientId, wardId: change.after ?? null, at: toldAt(work) });
}

type Closed = Pick<DataOf<typeof alertResolved>, 'patientId' | 'kind' | 'openedAt' | 'outcome'>;

/** Whoever closes an alert may say whether there was anything to do: that is what the alarm load is judged by. */
export async function keepOutcome(work: Told, alert: Closed): Promise<void> {
  const { tx, hospital } = work;
  const { patientId, kind, openedAt, outcome } = alert;
  if (patientId === null || outcome === undefined) return;
  const isActionable = outcome === 'actionable';
  const times = { openedAt: Date.parse(openedAt), resolvedAt: toldAt(work) };
  await judgeAlarms(tx, { hospital, patientId, kind, ...times, isActionable });
}

export async function getAlarmLoad(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof contract>,
): Promise<ResultOf<typeof contract>> {
  await assertPermitted(sql, contract.allow, { actor, now }, input);
  const { from, to } = readRange(input, maxLoadDays);
  const range = { hospital: actor.hospital, wardId: input.wardId ?? null, from, to };
  const figures = await countAlarms(sql, range);
  // Nobody has lain anywhere later than now.
  const occupiedMs = from < now ? await sumStays(sql, { ...range, to: Math.min(to, now) }) : 0;
  return { ...figures, ...perBedDay(figures.alarms, occupiedMs) };
}
