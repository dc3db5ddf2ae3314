import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { partitionCount, partitionName, partitionOf } from '@carillon/contracts/streams';
import { openDatabase, type Database } from '@carillon/database/database';
import { listLeases } from '@carillon/database/lease';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { createMortal } from '@carillon/testkit/mortal';
import { start } from '../src/service.ts';
import { everySecond, startWard, type Ward } from './ward.ts';

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

const lease = (partition: string): string => `intake:${partition}`;
const all = Array.from({ length: partitionCount }, (_, index) => lease(partitionName(index)));
const ownersOf = async (): Promise<Map<string, string>> =>
  new Map((await listLeases(database, 'intake:')).map(({ name, owner }) => [name, owner]));

test('M11 when the owner of a partition dies within a persistence window, the other raises the alarm at the same measurement time', async () => {
  const mortal = createMortal({});
  const corpse = await start(ward.infrastructure.environmentOf('monitoring'), mortal.dependencies);
  const dying = (await ownersOf()).get(lease('00'));
  const living = await start(ward.infrastructure.environmentOf('monitoring'));
  const patient = await eventually(
    async () => {
      const owners = await ownersOf();
      const shares = [...owners.values()].filter((owner) => owner === dying).length;
      return shares === 8
        ? ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'].find((id) => owners.get(lease(partitionOf(id))) === dying)
        : undefined;
    },
    { what: 'an even share' },
  );

  const startAt = Date.now() - 30_000;
  const samples = everySecond(
    patient,
    'spo2',
    Array.from({ length: 25 }, () => 84),
    startAt,
  );
  for (const sample of samples.slice(0, 8)) await ward.post([sample]);
  await eventually(() => {
    const items = ward.told.filter((told) => told.event === 'vitals:recorded').flatMap((told) => told.data['items']);
    return items.length === 8 ? true : undefined;
  });
  mortal.kill();
  await mortal.dead;
  const killedAt = performance.now();
  for (const sample of samples.slice(8)) await ward.post([sample]);
  const raised = await eventually(() => ward.told.find((told) => told.event === 'condition:raised'), {
    withinMs: 6_000,
    what: 'the alarm',
  });
  figure(`raised ${Math.round(performance.now() - killedAt)} ms after the death of the owner`);
  expect(raised.data).toMatchObject({ kind: 'spo2-below', at: new Date(startAt + 15_000).toISOString() });
  expect(ward.told.filter((told) => told.event === 'condition:raised')).toHaveLength(1);

  // All partitions have an owner again, and no reading was lost or doubled.
  await eventually(async () => {
    const owners = await ownersOf();
    return all.every((name) => ![undefined, dying].includes(owners.get(name))) ? true : undefined;
  });
  await eventually(async () => {
    const { rows } = await database.query<{ stored: number }>('select count(*) as stored from vital_sign');
    return rows[0]?.stored === 25 ? true : undefined;
  });
  await living.stop();
  await corpse.stop();
});
