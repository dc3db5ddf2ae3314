/**
 * A patient who lies in another ward takes his alerts with him. Who holds which post is looked at by the due loop itself,
 * so that no news of a shift or of a bed's nurse can be missed.
 */
import type { DirectoryChange } from '@carillon/runtime/directory-projection';
import type { EventWork } from '@carillon/runtime/subscriptions';
import { timeFor, unchanged } from '../domain/alert.ts';
import { move } from '../domain/move.ts';
import { lockAdmission, lockAlertsOfPatient } from '../store.ts';
import { factsOf, loadFacts } from './facts.ts';
import { saveChanges } from './save.ts';

/** One who was discharged leaves his alerts where he lay: somebody must still look at them. */
export async function onDirectoryNews(work: EventWork, change: DirectoryChange): Promise<void> {
  if (change.kind !== 'admission' || change.after === undefined) return;
  const wardId = change.after;
  await lockAdmission(work.tx, work.hospital, change.patientId);
  const alerts = await lockAlertsOfPatient(work.tx, work.hospital, change.patientId);
  const moving = alerts.filter((alert) => alert.wardId !== wardId);
  const facts = await loadFacts(
    work.tx,
    moving.map((alert) => ({ ...alert, wardId })),
    work.now,
  );
  await saveChanges(
    work,
    moving.map((before) => {
      const own = factsOf(facts, before.alertId);
      return { before, change: move(unchanged(before), timeFor(before, work.now), wardId, own) };
    }),
  );
}
