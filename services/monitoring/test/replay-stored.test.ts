import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Actor } from '@carillon/contracts/define';
import { getReplay, startReplay, type Replay } from '@carillon/contracts/history';
import { setLimits, type LimitSetting } from '@carillon/contracts/limits';
import { openDatabase, type Database } from '@carillon/database/database';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { createMortal } from '@carillon/testkit/mortal';
import { start } from '../src/service.ts';
import { doctor, everySecond, startWard, type Ward } from './ward.ts';

let ward: Ward;
let database: Database;
let service: RunningService;

const limits: LimitSetting[] = [{ vital: 'spo2', below: 90, persistSeconds: 5, priority: 'medium' }];
const dayMs = 86_400_000;
const patients = 7;

beforeAll(async () => {
  ward = await startWard();
  database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'monitoring' });
  service = await start(ward.infrastructure.environmentOf('monitoring'));
  // They have lain here for a week, as far as this service knows.
  await eventually(async () => {
    const { rowCount } = await database.query('update stay set from_at = $1', [new Date(Date.now() - 7 * dayMs)]);
    return rowCount === patients ? true : undefined;
  });
});
afterAll(async () => {
  await service.stop();
  await database.close();
  await ward.stop();
});

async function begin(more: object = {}): Promise<string> {
  const range = {
    from: new Date(Date.now() - 7 * dayMs).toISOString(),
    to: new Date(Date.now() + 1_000).toISOString(),
  };
  const reply = await ward.command(startReplay, { wardId: 'w1', ...range, limits, ...more });
  if (reply?.ok !== true) throw new Error(JSON.stringify(reply));
  expect(reply.data).toMatchObject({ stays: patients });
  return (reply.data as { replayId: string }).replayId;
}
const admin: Actor = { person: 'a1', hospital: 'h1', roles: ['admin'] };
async function readReplay(replayId: string, by: Actor): Promise<Replay> {
  const reply = await ward.ask(getReplay, { replayId }, by);
  if (!reply.ok) throw new Error(reply.error.code);
  return reply.data as Replay;
}
const untilDone = (replayId: string, by = doctor): Promise<Replay> =>
  eventually(
    async () => {
      const replay = await readReplay(replayId, by);
      return replay.state === 'done' ? replay : undefined;
    },
    { what: 'the end of the replay', withinMs: 30_000 },
  );
const countAlarms = async (): Promise<number> =>
  (await database.query<{ count: number }>("select count(*) as count from alarm where kind = 'spo2-below'")).rows[0]
    ?.count ?? 0;

test('what is replayed with the limits that were in force gives the alarms that were raised', async () => {
  expect(await ward.command(setLimits, { patientId: 'p1', limits })).toMatchObject({ ok: true });
  const low = (seconds: number): number[] => Array.from({ length: seconds }, () => 85);
  const good = (seconds: number): number[] => Array.from({ length: seconds }, () => 97);
  const values = [...low(8), ...good(5), ...low(3), ...good(5), ...low(9), ...good(2)];
  const samples = everySecond('p1', 'spo2', values, Date.now() - values.length * 1_000);
  // One by one: what is gathered into one transaction may begin and end unseen.
  for (const [index, sample] of samples.entries()) {
    await ward.post([sample]);
    const stored = index + 1;
    await eventually(async () => {
      const { rows } = await database.query<{ count: number }>('select count(*) as count from vital_sign');
      return rows[0]?.count === stored ? true : undefined;
    });
  }
  expect(await countAlarms()).toBe(2);
  // Of somebody who lies nowhere: he has no stay that could be replayed.
  await database.query(
    `insert into alarm (hospital, patient_id, kind, raised_at, ended_at, priority, is_technical)
     values ('h1', 'x1', 'spo2-below', $1, $1, 'medium', false)`,
    [new Date(Date.now() - dayMs)],
  );
  const inHospital = await untilDone(await begin({ wardId: undefined }), admin);
  expect(inHospital).toMatchObject({ would: { alarms: 2 }, did: { alarms: 2 } });
  const replay = await untilDone(await begin());
  const byKind = [{ kind: 'spo2-below', alarms: 2 }];
  expect(replay).toMatchObject({
    stays: patients,
    doneStays: patients,
    would: { alarms: 2, bedDays: 49, alarmsPerBedDay: 0.04, byKind },
    did: { alarms: 2, bedDays: 49, alarmsPerBedDay: 0.04, byKind },
  });
  const stricter = await untilDone(await begin({ limits: [{ ...limits[0], persistSeconds: 1 }] }));
  expect(stricter).toMatchObject({ would: { alarms: 3 }, did: { alarms: 2 } });
  const wider = await untilDone(await begin({ limits: [{ ...limits[0], below: 80 }] }));
  expect(wider).toMatchObject({ would: { alarms: 0, byKind: [] }, did: { alarms: 2 } });
});

test('a process that dies in the middle of a replay changes nothing', async () => {
  await service.stop();
  const mortal = createMortal({});
  const corpse = await start(ward.infrastructure.environmentOf('monitoring'), mortal.dependencies);
  const replayId = await begin();
  await eventually(async () => {
    const { rows } = await database.query<{ attempts: number }>(
      'select attempts from replay_stay where replay_id = $1 and attempts > 0 and alarms is null',
      [replayId],
    );
    return rows[0];
  });
  mortal.kill();
  await mortal.dead;
  // What the dead process held is free when its time has passed; here at once.
  await database.query('update replay_stay set due_at = now()');
  service = await start(ward.infrastructure.environmentOf('monitoring'));
  expect(await untilDone(replayId)).toMatchObject({ would: { alarms: 2 }, doneStays: patients });
  await corpse.stop();
});

test('a replay is for those who may set limits there, and its answer for nobody else', async () => {
  const replayId = await begin();
  const strangers: Actor[] = [
    { person: 'n1', hospital: 'h1', roles: ['nurse'] },
    { person: 'd2', hospital: 'h1', roles: ['doctor'] },
    { person: 'a2', hospital: 'h2', roles: ['admin'] },
  ];
  for (const stranger of strangers) {
    expect(await ward.ask(getReplay, { replayId }, stranger)).toMatchObject({ error: { code: 'forbidden' } });
  }
  const ago = (days: number): string => new Date(Date.now() - days * dayMs).toISOString();
  const refusal = (path: string): object => ({ error: { code: 'bad_input', issues: [{ path }] } });
  expect(await ward.command(startReplay, { from: ago(33), to: ago(1), limits })).toMatchObject(refusal('to'));
  // What is older than the readings would pass for a time without alarms.
  expect(await ward.command(startReplay, { from: ago(36), to: ago(30), limits })).toMatchObject(refusal('from'));
  const both = { vital: 'spo2', below: 90, above: 80, persistSeconds: 5, priority: 'medium' };
  expect(await ward.command(startReplay, { from: ago(2), to: ago(1), limits: [both] })).toMatchObject(refusal('0'));
});

test('a replay finds the few alarms of a calm day that minutes were made of', async () => {
  const end = Math.floor(Date.now() / dayMs) * dayMs - dayMs;
  const begun = end - dayMs;
  const lows = [begun, begun + 7_195_000, end - 3_610_000, end - 20_000].map((at) => new Date(at));
  // Each for 20 s, also over the ends of what is read at once.
  await database.query(
    `insert into vital_sign (hospital, patient_id, vital, measured_at, device_id, value, quality, received_value,
       received_at, posted_by)
     select 'h1', 'p2', 'spo2', at, 'd2', case when exists (select from unnest($3::timestamptz[]) low
         where at >= low and at < low + interval '20 seconds') then 80 else 97 end, 'good', '', at, 'd2'
     from generate_series($1::timestamptz, $2::timestamptz - interval '5 seconds', interval '5 seconds') at`,
    [new Date(begun), new Date(end), lows],
  );
  await database.query(
    `insert into minutes_due select distinct 'h1', 'p2', date_trunc('hour', measured_at, 'UTC') from vital_sign
     where patient_id = 'p2'`,
  );
  await eventually(
    async () => {
      const { rows } = await database.query<{ count: number }>(
        "select count(*) as count from minutes_due where patient_id = 'p2'",
      );
      return rows[0]?.count === 0 ? true : undefined;
    },
    { what: 'the minutes of the day', withinMs: 60_000 },
  );
  const range = { from: new Date(begun).toISOString(), to: new Date(end).toISOString() };
  expect(await untilDone(await begin(range))).toMatchObject({ would: { alarms: lows.length } });
}, 120_000);

test('a replay scores a patient as he was scored: by his age, his ward then, and what was decided on him', async () => {
  const begun = Date.now() - 2 * dayMs;
  // p3 is an adult as far as anybody knows; c1 is a child, p4 is not to be scored, p5 lay among children.
  await database.query(
    `insert into vital_sign (hospital, patient_id, vital, measured_at, device_id, value, quality, received_value,
       received_at, posted_by)
     select 'h1', patient_id, 'spo2', at, '', case when at < $1::timestamptz + interval '1 minute' then 97 else 90 end,
       'good', '', at, 'n1'
     from unnest('{p3,c1,p4,p5}'::text[]) patient_id,
       generate_series($1::timestamptz, $1::timestamptz + interval '80 seconds', interval '1 second') at`,
    [new Date(begun)],
  );
  await database.query(
    `insert into score_decision (hospital, patient_id, decided_at, scale, is_applicable, reason, decided_by, version)
     values ('h1', 'p4', $1, 1, false, 'palliative', 'd1', 1)`,
    [new Date(begun - dayMs)],
  );
  await database.query("insert into directory_ward values ('h1', 'w9', 'Children', 4, 'paediatric', 1)");
  await database.query("update stay set ward_id = 'w9' where patient_id = 'p5'");
  const worse = { name: 'worse', vital: 'news2', direction: 'rising', change: 3, windowMinutes: 5, priority: 'medium' };
  const range = { from: new Date(begun - 1).toISOString(), to: new Date(begun + 3_600_000).toISOString() };
  const replay = await untilDone(await begin({ ...range, wardId: undefined, limits: [], trends: [worse] }), admin);
  expect(replay).toMatchObject({ would: { byKind: [{ kind: 'trend-worse', alarms: 1 }] } });
});
