import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { partitionOf } from '@carillon/contracts/streams';
import { openDatabase, type Database } from '@carillon/database/database';
import { listLeases } from '@carillon/database/lease';
import { createMortal } from '@carillon/testkit/mortal';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { startWard, type Ward } from './ward.ts';

let ward: Ward;
let database: Database;
beforeAll(async () => {
  ward = await startWard();
  database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'monitoring' });
});
afterAll(async () => {
  await database.close();
  await ward.stop();
});

test('M11 when the owner of a partition dies after a sensor fell off, the other misses it, once, by its own listening', async () => {
  const mortal = createMortal({});
  const corpse = await start(ward.infrastructure.environmentOf('monitoring'), mortal.dependencies);
  const [first] = await listLeases(database, 'intake:');
  const living = await start(ward.infrastructure.environmentOf('monitoring'));
  const patient = await eventually(
    async () => {
      const own = (await listLeases(database, 'intake:')).filter(({ owner }) => owner === first?.owner);
      const names = own.map(({ name }) => name);
      return names.length === 8
        ? ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'].find((id) => names.includes(`intake:${partitionOf(id)}`))
        : undefined;
    },
    { what: 'an even share' },
  );
  // A stream of twelve seconds, by the receipts of the edge.
  const endedAt = Date.now();
  for (let second = 12; second >= 0; second--) {
    const measuredAt = endedAt - second * 1_000;
    await ward.post([{ patientId: patient, vital: 'spo2', value: 97, measuredAt }], measuredAt);
  }
  await eventually(() =>
    ward.told.filter(({ event }) => event === 'vitals:recorded').flatMap(({ data }) => data['items']).length === 13
      ? true
      : undefined,
  );
  mortal.kill();
  await mortal.dead;
  const diedAt = Date.now();
  const raised = await eventually(() => ward.told.find(({ event }) => event === 'condition:raised'), {
    withinMs: 30_000,
    what: 'the missing sensor',
  });
  expect(raised.data).toMatchObject({ patientId: patient, kind: 'spo2-absent', isTechnical: true });
  expect(Date.parse(String(raised.data['at']))).toBeGreaterThan(diedAt + 15_000);
  expect(ward.told.filter(({ event }) => event === 'condition:raised')).toHaveLength(1);
  await living.stop();
  await corpse.stop();
}, 90_000);
