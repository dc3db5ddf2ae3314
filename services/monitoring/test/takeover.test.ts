import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { partitionCount, partitionName, partitionOf } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { openDatabase, type Database } from '@carillon/database/database';
import { listLeases } from '@carillon/database/lease';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { everySecond, startWard, type Ward } from './ward.ts';

let ward: Ward;
let database: Database;

beforeAll(async () => {
  ward = await startWard();
}, 60_000);
afterAll(async () => {
  await database.close();
  await ward.stop();
});

type Replica = { service: RunningService; owner(): string; kill(): Promise<void> };

/** A replica that can die as by kill −9: from then on it says nothing to anybody and hears no answer. */
async function startReplica(): Promise<Replica> {
  let isDead = false;
  let owner = '';
  let bus: Bus | undefined;
  const unlessDead = <T>(run: () => Promise<T>): Promise<T> => (isDead ? new Promise(() => {}) : run());
  const service = await start(ward.infrastructure.environment, {
    async connectBus(options) {
      bus = await connectBus(options);
      return bus;
    },
    openDatabase(options) {
      const real = openDatabase(options);
      return {
        ...real,
        query(text, values) {
          if (text.startsWith('insert into lease')) owner = String(values?.[1]);
          return unlessDead(() => real.query(text, values));
        },
        transaction: (work) => unlessDead(() => real.transaction(work)),
      };
    },
  });
  return {
    service,
    owner: () => owner,
    async kill() {
      isDead = true;
      await bus?.nc.close();
    },
  };
}

const ownersOf = async (): Promise<Map<string, string>> =>
  new Map((await listLeases(database, 'intake:')).map((lease) => [lease.name, lease.owner]));

test('M11 when the owner of a partition dies within a persistence window, the other raises the alarm at the same measurement time', async () => {
  const replicas = [await startReplica(), await startReplica()];
  database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'monitoring' });
  await eventually(
    async () => {
      const owners = [...(await ownersOf()).values()];
      return replicas.every((replica) => owners.filter((owner) => owner === replica.owner()).length === 8)
        ? true
        : undefined;
    },
    { what: 'an even share' },
  );
  const partition = `intake:${partitionOf('p1')}`;
  const owner = (await ownersOf()).get(partition);
  const dying = replicas.find((replica) => replica.owner() === owner);
  const living = replicas.find((replica) => replica !== dying);
  if (dying === undefined || living === undefined) throw new Error('nobody owns it');

  const startAt = Date.now() - 30_000;
  const samples = everySecond('p1', 'spo2', Array.from({ length: 25 }, () => 84), startAt);
  for (const sample of samples.slice(0, 8)) await ward.post([sample]);
  await eventually(() => {
    const items = ward.told.filter((told) => told.event === 'vitals:recorded').flatMap((told) => told.data['items']);
    return items.length === 8 ? true : undefined;
  });
  await dying.kill();
  const killedAt = performance.now();
  for (const sample of samples.slice(8)) await ward.post([sample]);
  const raised = await eventually(() => ward.told.find((told) => told.event === 'condition:raised'), {
    withinMs: 6_000,
    what: 'the alarm',
  });
  console.info(`raised ${Math.round(performance.now() - killedAt)} ms after the death of the owner`);
  expect(raised.data).toMatchObject({ kind: 'spo2-below', at: new Date(startAt + 15_000).toISOString() });
  expect(ward.told.filter((told) => told.event === 'condition:raised')).toHaveLength(1);

  // All partitions have an owner again, and each patient's samples one engine.
  await eventually(async () => {
    const owners = await ownersOf();
    const all = Array.from({ length: partitionCount }, (_, index) => `intake:${partitionName(index)}`);
    return all.every((name) => owners.get(name) === living.owner()) ? true : undefined;
  });
  await eventually(async () => {
    const { rows } = await database.query<{ stored: number }>('select count(*) as stored from vital_sign');
    return rows[0]?.stored === 25 ? true : undefined;
  });
  await living.service.stop();
}, 60_000);
