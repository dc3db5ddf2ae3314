import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { breakGlassChanged, followDirectory } from '@carillon/contracts/directory';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import {
  assertPermitted,
  directoryProjectionMigrations,
  directorySubscription,
} from '@carillon/runtime/directory-projection';
import type { EventWork } from '@carillon/runtime/subscriptions';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';

let infrastructure: Infrastructure;
let database: Database;
beforeAll(async () => {
  infrastructure = await startInfrastructure();
  const url = infrastructure.postgres.url;
  await migrate(url, 'monitoring', [directoryProjectionMigrations]);
  database = openDatabase({ url, service: 'monitoring' });
}, 60_000);
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

const endsAt = Date.parse('2026-11-21T09:00:00Z');
const rules = [{ roles: ['nurse'], relation: 'wardOfPatient', field: 'patientId' }] as const;
const mayAt = (now: number, patientId = 'p7', role: 'nurse' | 'patient' = 'nurse'): Promise<boolean> =>
  assertPermitted(database, rules, { actor: { person: 'n1', hospital: 'h1', roles: [role] }, now }, { patientId }).then(
    () => true,
    () => false,
  );
async function tell(version: number, patients: { patientId: string; until: string }[]): Promise<void> {
  const subscription = directorySubscription(followDirectory('monitoring'));
  const handler = subscription.handlers.find(({ definition }) => definition.name === breakGlassChanged.name);
  const work = { tx: database, hospital: 'h1', version } as unknown as EventWork;
  await handler?.handle(work, { personId: 'n1', patients, version });
}

test('broken glass permits what the ward of the patient would, for that patient, until its end and no longer', async () => {
  expect(await mayAt(endsAt - 1)).toBe(false);
  const until = new Date(endsAt).toISOString();
  const later = new Date(endsAt + 60_000).toISOString();
  await tell(3, [
    { patientId: 'p7', until },
    { patientId: 'p8', until: later },
  ]);
  expect(await mayAt(endsAt - 1)).toBe(true);
  expect(await mayAt(endsAt)).toBe(false);
  expect(await mayAt(endsAt, 'p8')).toBe(true);
  expect(await mayAt(endsAt - 1, 'p9')).toBe(false);
  expect(await mayAt(endsAt - 1, 'p7', 'patient')).toBe(false);
});

test('older news of broken glass changes nothing', async () => {
  await tell(5, []);
  await tell(4, [{ patientId: 'p7', until: new Date(endsAt).toISOString() }]);
  expect(await mayAt(endsAt - 1)).toBe(false);
});
