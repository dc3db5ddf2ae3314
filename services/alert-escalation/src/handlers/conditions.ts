/** What `monitoring` found becomes an alert; an older event of a condition than what was seen changes nothing. */
import type { Condition } from '@carillon/contracts/monitoring';
import { assertKnown } from '@carillon/runtime/directory-projection';
import { observeHop } from '@carillon/runtime/metrics';
import type { EventWork } from '@carillon/runtime/subscriptions';
import { clear, episodeKey } from '../domain/alert.ts';
import { isNewerCondition, lockEpisode, lockOpenAlert } from '../store.ts';
import { raise } from './alerts.ts';
import { saveChange } from './save.ts';

export async function onConditionActive(work: EventWork, condition: Condition): Promise<void> {
  const { patientId, wardId, kind, priority, message } = condition;
  const { hospital, tx } = work;
  await assertKnown(tx, hospital, [patientId], { since: Date.parse(condition.at), now: work.now });
  const key = episodeKey(patientId, wardId, kind);
  if (!(await isNewerCondition(tx, hospital, key, work.version))) return;
  // A condition that is raised while an earlier alert of it waits to reopen: the new alert is that reopening.
  const { open, waiting } = await lockEpisode(tx, hospital, key);
  for (const each of waiting) await saveChange(work, each, clear(each, work.now));
  const alert = await raise(
    work,
    { hospital, patientId, wardId, kind, priority, message, source: 'condition' },
    { open },
  );
  // Not when it joined an alert that is open already.
  if (alert.openedAt === work.now) {
    observeHop(work, 'measured_opened', alert.priority, work.now - Date.parse(condition.at));
  }
}

/** Active with a lower priority: news for an open alert, no reason for a new one after somebody has resolved it. */
export async function onConditionChanged(work: EventWork, condition: Condition): Promise<void> {
  const key = episodeKey(condition.patientId, condition.wardId, condition.kind);
  if ((await lockOpenAlert(work.tx, work.hospital, key)) !== undefined) await onConditionActive(work, condition);
  else await isNewerCondition(work.tx, work.hospital, key, work.version);
}

export async function onConditionCleared(work: EventWork, condition: Condition): Promise<void> {
  const { hospital, tx } = work;
  const key = episodeKey(condition.patientId, condition.wardId, condition.kind);
  if (!(await isNewerCondition(tx, hospital, key, work.version))) return;
  const { open, waiting } = await lockEpisode(tx, hospital, key);
  if (open !== undefined) await saveChange(work, open, clear(open, work.now));
  for (const each of waiting) await saveChange(work, each, clear(each, work.now));
}
