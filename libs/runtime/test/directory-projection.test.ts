import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  admissionChanged,
  breakGlassChanged,
  followDirectory,
  personChanged,
  wardChanged,
} from '@carillon/contracts/directory';
import type { EventDefinition } from '@carillon/contracts/define';
import { connectBus } from '@carillon/bus/connection';
import { consumeDurable, removeDurable } from '@carillon/bus/consume';
import { provisionStreams } from '@carillon/bus/provision';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import {
  assertPermitted,
  directoryProjectionMigrations,
  directorySubscription,
  type DirectoryChange,
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
});
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
const changes: DirectoryChange[] = [];
async function tellOf({ name }: EventDefinition, version: number, data: object): Promise<DirectoryChange[]> {
  const subscription = directorySubscription(followDirectory('monitoring'), (_, change) => {
    changes.push(change);
    return Promise.resolve();
  });
  const handler = subscription.handlers.find(({ definition }) => definition.name === name);
  const work = { tx: database, hospital: 'h1', version } as unknown as EventWork;
  await handler?.handle(work, { ...data, version });
  return changes.splice(0);
}
const tell = (version: number, patients: { patientId: string; until: string }[]): Promise<unknown> =>
  tellOf(breakGlassChanged, version, { personId: 'n1', patients });

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

test('whoever follows the directory is told what became different, and of nothing that is old', async () => {
  const admit = (version: number, wardId: string | null) =>
    tellOf(admissionChanged, version, { patientId: 'p1', wardId, bedId: wardId });
  const move = { kind: 'admission', patientId: 'p1' };
  expect(await admit(1, 'w1')).toEqual([{ ...move, before: undefined, after: 'w1' }]);
  expect(await admit(3, 'w2')).toEqual([{ ...move, before: 'w1', after: 'w2' }]);
  expect(await admit(2, 'w9')).toEqual([]);
  expect(await admit(4, null)).toEqual([{ ...move, before: 'w2', after: undefined }]);
});

test('a ward is kept with the number of its beds and its population, a person with the date of birth', async () => {
  const beds = [
    { bedId: 'b1', label: '1' },
    { bedId: 'b2', label: '2' },
  ];
  expect(await tellOf(wardChanged, 1, { wardId: 'w1', name: 'Ward', beds, population: 'paediatric' })).toHaveLength(1);
  const ward = await database.query('select name, beds, population from directory_ward where ward_id = $1', ['w1']);
  expect(ward.rows).toEqual([{ name: 'Ward', beds: 2, population: 'paediatric' }]);
  const child = { personId: 'p1', name: 'A', roles: ['patient'], wards: [], birthDate: '2019-02-28' };
  await tellOf(personChanged, 1, child);
  const { rows } = await database.query(`select birth_date::text as born from directory_person where person_id = 'p1'`);
  expect(rows).toEqual([{ born: '2019-02-28' }]);
});

test('a service removes the durable by which an earlier release followed the directory, and those of others stay', async () => {
  const { url, urlOf } = infrastructure.nats;
  const administrator = await connectBus({ url, name: 'directory' });
  await provisionStreams(administrator, ['DIRECTORY'], { replicas: 1 });
  const old = 'alert-escalation-directory';
  const known = [old, 'monitoring-directory', 'monitoring-directory-2'];
  const settings = { stream: 'DIRECTORY', filter: 'directory.>', ackWaitMs: 4_000, maxInFlight: 1 } as const;
  for (const durable of known) {
    const consumption = await consumeDurable(administrator, { ...settings, durable, onDelivery() {} });
    await consumption.stop(0);
  }
  const bus = await connectBus({ url: urlOf('monitoring'), name: 'monitoring' });
  const [replaced = ''] = followDirectory('monitoring').replaces ?? [];
  await removeDurable(bus, 'DIRECTORY', replaced);
  // Nor is it a mistake when another replica was quicker.
  await removeDurable(bus, 'DIRECTORY', replaced);
  expect((await administrator.jsm.consumers.list('DIRECTORY').next()).map(({ name }) => name).toSorted()).toEqual([
    old,
    'monitoring-directory-2',
  ]);
  await Promise.all([bus.close(), administrator.close()]);
});
