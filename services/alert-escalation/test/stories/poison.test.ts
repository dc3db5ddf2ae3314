import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { raiseAlert, resolveAlert } from '@carillon/contracts/alert-escalation';
import { countOverdue } from '../../src/store-watch.ts';
import { eventually } from '@carillon/testkit/eventually';
import { openEngine } from '../database.ts';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

test('an alert that cannot be escalated holds up no other, and counts as overdue until somebody answers it', async () => {
  const raise = (kind: string) =>
    ward.send('n1', raiseAlert, { patientId: 'p1', kind, priority: 'high', message: kind });
  const broken = alertOf(await raise('broken'));
  const sound = alertOf(await raise('sound'));
  const database = openEngine(ward.infrastructure.postgres.url, 1);
  try {
    // A policy that no version of ours has written: its second level has no targets to read.
    await database.query(`update alert set policy = jsonb_set(policy, '{levels,1,targets}', '7') where alert_id = $1`, [
      broken.alertId,
    ]);
    ward.leap(20);
    const paged = await ward.expect(
      ({ event, alert, level }) => event === 'page:new' && level === 2 && alert.alertId === sound.alertId,
      'level 2 of the sound alert',
    );
    expect(paged.at - Date.parse(sound.openedAt)).toBeLessThan(22_000);
    const { rows } = await database.query<{ level: number; is_waiting: boolean }>(
      'select level, due_at is not null as is_waiting from alert where alert_id = $1',
      [broken.alertId],
    );
    expect(rows).toEqual([{ level: 1, is_waiting: true }]);
    const overdue = () => countOverdue(database, { highSeconds: 5, othersSeconds: 15 });
    const seen = await eventually(async () => {
      // The time of the engine is not that of the database.
      await database.query(
        `update alert set due_at = now() + interval '1 hour',
           failing_since = case when failing_since is not null then now() - interval '1 hour' end`,
      );
      const found = await overdue();
      return found.length > 0 ? found : undefined;
    });
    expect(seen).toMatchObject([{ isHigh: true, count: 1 }]);
    await ward.send('n1', resolveAlert, { alertId: broken.alertId });
    expect(await overdue()).toEqual([]);
  } finally {
    await database.close();
  }
});
