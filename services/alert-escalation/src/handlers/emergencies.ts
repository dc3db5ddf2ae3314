/** That many people are called is told to the whole hospital, by the transaction that calls them, and so is its end. */
import {
  emergencyDeclared,
  emergencyEnded,
  type Emergency,
  type EndedEmergency,
  type listEmergencies as listContract,
} from '@carillon/contracts/call-outs';
import type { ResultOf } from '@carillon/contracts/define';
import type { QueryWork } from '@carillon/runtime/queries';
import type { Work } from '@carillon/runtime/work';
import type { Change } from '../domain/alert.ts';
import { isCallOut } from '../domain/call-outs.ts';
import { findEmergencies, listEmergencies as selectEmergencies, type EmergencyRow } from '../store-emergencies.ts';

const toEmergency = (row: EmergencyRow): Emergency => ({
  alertId: row.alertId,
  kind: row.kind,
  wardId: row.wardId,
  wardName: row.wardName,
  bedId: row.bedId,
  called: row.called,
  declaredBy: row.declaredBy,
  declaredAt: row.declaredAt.toISOString(),
  version: row.version,
});

/** Undefined while it is not over. */
export const toEnded = (row: EmergencyRow): EndedEmergency | undefined =>
  row.endedAt === null
    ? undefined
    : { ...toEmergency(row), endedAt: row.endedAt.toISOString(), endedBy: row.endedBy, outcome: row.outcome };

/** Where it is, or that it is over; whether and how it is answered is a matter of those who are called. */
const isNews = ({ state, events }: Change, isInserted: boolean): boolean =>
  isCallOut(state) && (isInserted || events.some(({ name }) => name === 'entered' || name === 'resolved'));

/** Told of changes that were saved in this transaction, whatever has made them. */
export async function tellEmergencies(
  work: Work,
  saved: readonly { change: Change; isInserted?: true }[],
): Promise<void> {
  const news = saved.filter(({ change, isInserted = false }) => isNews(change, isInserted));
  if (news.length === 0) return;
  const ids = news.map(({ change }) => change.state.alertId);
  for (const row of await findEmergencies(work.tx, ids)) {
    const { alertId, hospital, version } = row;
    // Beside the calls, which wait for nothing of it.
    const emission = { lane: 'normal', entity: `emergency ${alertId}`, version, tokens: { hospital } } as const;
    const ended = toEnded(row);
    if (ended === undefined) work.emit(emergencyDeclared, toEmergency(row), emission);
    else work.emit(emergencyEnded, ended, emission);
  }
}

const mostShown = 50;

export async function listEmergencies({ sql, actor }: QueryWork): Promise<ResultOf<typeof listContract>> {
  return { items: (await selectEmergencies(sql, actor.hospital, mostShown)).map(toEmergency) };
}
