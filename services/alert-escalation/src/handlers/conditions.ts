/**
 * What `monitoring` found becomes an alert; an older event of a condition than what was seen changes nothing. All lock in one
 * order, that of whoever moves a patient: the newest of the condition, where he lies, his alerts.
 */
import type { Condition } from '@carillon/contracts/monitoring';
import { assertKnown } from '@carillon/runtime/directory-projection';
import { observeHop } from '@carillon/runtime/metrics';
import type { EventWork } from '@carillon/runtime/subscriptions';
import { episodeKey, timeFor, type AlertState } from '../domain/alert.ts';
import { clear } from '../domain/answers.ts';
import { findWardToStay, isNewerCondition, lockEpisode } from '../store.ts';
import { raise } from './alerts.ts';
import { saveChanges, type Saving } from './save.ts';

const clearing = (work: EventWork, before: AlertState): Saving => ({
  before,
  change: clear(before, timeFor(before, work.now)),
});

/** @param opens whether it opens an alert where none is open */
async function takeCondition(work: EventWork, condition: Condition, opens: boolean): Promise<void> {
  const { patientId, kind, priority, message } = condition;
  const { hospital, now, tx } = work;
  await assertKnown(tx, hospital, [patientId], { since: Date.parse(condition.at), now });
  const key = episodeKey(patientId, condition.wardId, kind);
  if (!(await isNewerCondition(tx, hospital, key, work.version))) return;
  // Where we know him to lie: `monitoring` may have heard of his move later than we did.
  const wardId = (await findWardToStay(tx, hospital, patientId)) ?? condition.wardId;
  // A condition that is raised while an earlier alert of it waits to reopen: the new alert is that reopening.
  const { open, waiting } = await lockEpisode(tx, hospital, key);
  if (open === undefined && !opens) return;
  await saveChanges(
    work,
    waiting.map((each) => clearing(work, each)),
  );
  const measuredAt = Date.parse(condition.at);
  const activeAt = Math.min(work.publishedAt ?? now, now);
  const alert = await raise(
    work,
    { hospital, patientId, wardId, kind, priority, message, source: 'condition', measuredAt, activeAt },
    { known: { open } },
  );
  // Not when it joined an alert that is open already.
  if (alert.openedAt === now) observeHop(work, 'measured_opened', alert, now - measuredAt);
}

export const onConditionActive = (work: EventWork, condition: Condition): Promise<void> =>
  takeCondition(work, condition, true);

/** Active with a lower priority: news for an open alert, no reason for a new one after somebody has resolved it. */
export const onConditionChanged = (work: EventWork, condition: Condition): Promise<void> =>
  takeCondition(work, condition, false);

export async function onConditionCleared(work: EventWork, condition: Condition): Promise<void> {
  const { hospital, tx } = work;
  const key = episodeKey(condition.patientId, condition.wardId, condition.kind);
  if (!(await isNewerCondition(tx, hospital, key, work.version))) return;
  // Whoever moves him locks all his alerts, among them what this one may hold back.
  await findWardToStay(tx, hospital, condition.patientId);
  const { open, waiting } = await lockEpisode(tx, hospital, key);
  await saveChanges(
    work,
    [...(open === undefined ? [] : [open]), ...waiting].map((each) => clearing(work, each)),
  );
}
