import { afterAll, afterEach, expect, test } from '@jest/globals';
import { connect as connectSocket } from 'node:net';
import { connectBus } from '@carillon/bus/connection';
import { readRange } from '@carillon/bus/read-range';
import { streamState } from '@carillon/bus/stream-reader';
import type { StreamName } from '@carillon/contracts/define';
import { call, openRealtime, tokenOf, type RealtimeClient } from '@carillon/testkit/client';
import { patience } from '@carillon/testkit/patience';
import { findFaults, isMessageOf, messagesOf, sequenceOf } from '@carillon/testkit/room-history';
import { emptyFolder, removeFolders } from './folders.ts';
import { startHouse, type House } from './house.ts';
import { itemKey, readBack, startLoad, type Load } from './load.ts';
import { untilGone } from './processes.ts';
import { freePorts, serversOf, startRealProgram, type RealProgram } from './real-program.ts';

/** The time by which the critical path goes on after a crash (architecture: ε). */
const epsilonMs = 5_000;
/** The board is live again within this time of the return of what was away. */
const liveAgainMs = 3_000;
const outageMs = Number(process.env['CARILLON_TEST_OUTAGE_SECONDS'] ?? 8) * 1000;

/** What a test leaves running when it fails in the middle: the last first. */
const running: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of running.splice(0).toReversed()) await end();
});
afterAll(removeFolders);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const between = (least: number, most: number): number => least + Math.random() * (most - least);

type Page = { person: string; level: number; at: string };
type FullAlert = { alertId: string; state: string; openedAt: string; level: number; pages: Page[]; kind: string };

/** The measured figures, for who asks for them. */
function report(what: string, load: Load, figures: Record<string, unknown>): void {
  if (process.env['CARILLON_TEST_FIGURES'] === undefined) return;
  const { accepted, raised, acknowledged, refusals } = load;
  const counts = { items: accepted.length, alerts: raised.length, acknowledged: acknowledged.size };
  console.log(JSON.stringify({ what, ...figures, ...counts, refusals: [...refusals] }));
}

async function getAlert(baseUrl: string, token: string, alertId: string): Promise<FullAlert> {
  const { status, body } = await call(baseUrl, 'GET', `/v1/alerts/${alertId}`, { token });
  if (status !== 200) throw new Error(`${alertId}: ${status} ${JSON.stringify(body)}`);
  return body as FullAlert;
}

/** What was answered with success is there: vital signs, alerts, acknowledgements. */
async function expectNothingLost(baseUrl: string, load: Load, token: string, since: number): Promise<void> {
  let missing = load.accepted.map(itemKey);
  // 202 means durable; the last of it may be on its way to the database, or waits for the owner that was killed with it.
  for (const until = Date.now() + epsilonMs; missing.length > 0 && Date.now() < until; await pause(100)) {
    const stored = await readBack(baseUrl, token, since);
    missing = missing.filter((key) => !stored.has(key));
  }
  expect(missing).toEqual([]);
  for (const { alertId, kind } of load.raised) {
    const alert = await getAlert(baseUrl, token, alertId);
    expect(alert.kind).toBe(kind);
    if (load.acknowledged.has(alertId)) expect(['acknowledged', 'resolved']).toContain(alert.state);
    else expect(alert.state).toBe('open');
  }
}

/** Each person was called to each level of each alert once; a resume may repeat a message, by its id, that had come live. */
function expectPagedOnce(clients: readonly RealtimeClient[], rooms: readonly string[]): void {
  const calls = rooms.flatMap((room) =>
    [
      ...new Map(
        clients.flatMap(({ frames }) => messagesOf(frames, room)).map((frame) => [frame['mid'], frame]),
      ).values(),
    ]
      .filter((frame) => frame['ev'] === 'page:new')
      .map((frame) => {
        const { alertId, level } = frame['data'] as { alertId: string; level: number };
        return `${room} level ${level} of ${alertId}`;
      }),
  );
  expect(calls.filter((one, index) => calls.indexOf(one) !== index)).toEqual([]);
}

type Live = { vitalsMs: number; alertsMs: number };
const isTooLate = ({ vitalsMs, alertsMs }: Live): boolean => Math.max(vitalsMs, alertsMs) >= patience(liveAgainMs);

/** How long after `at` the ward saw what happened after it: a reading, and an alert. */
async function untilLive(ward: RealtimeClient, at: number): Promise<Live> {
  const seen = async (room: string, happenedAt: (data: Record<string, unknown>) => unknown): Promise<number> => {
    const isNew = (data: unknown): boolean => Date.parse(String(happenedAt(data as Record<string, unknown>))) >= at;
    await ward.expect((frame) => isMessageOf(room)(frame) && isNew(frame['data']), `news of ${room}`, 60_000);
    return Date.now() - at;
  };
  const [vitalsMs, alertsMs] = await Promise.all([
    seen('ward:w1:vitals', (data) => (data['items'] as { measuredAt: string }[]).at(-1)?.measuredAt),
    seen('ward:w1:alerts', (data) => data['openedAt']),
  ]);
  return { vitalsMs, alertsMs };
}

test('killed in the middle and started again, the program has everything that was accepted, escalates at its absolute deadlines, and clients resume without a hole', async () => {
  const home = await emptyFolder();
  const ports = await freePorts();
  const environment = {
    CARILLON_LIMIT_CALLS_STAFF: '60000',
    CARILLON_LIMIT_CALLS_DEVICE: '60000',
    CARILLON_LIMIT_HANDSHAKES: '1000',
  };
  const start = async (): Promise<RealProgram> => {
    const program = await startRealProgram({ home, ports, environment });
    let servers: number[] = [];
    running.push(async () => {
      program.signal('SIGKILL');
      await program.exited;
      // Their guards end them; the folder must not go before.
      await untilGone(servers, 10_000);
    });
    await program.line('carillon is ready', 60_000);
    servers = serversOf(home);
    return program;
  };
  const since = Date.now();
  const first = await start();
  const { baseUrl } = first;
  const servers = serversOf(home);
  const [device, n1, n2, d1] = await Promise.all(['dev1', 'n1', 'n2', 'd1'].map((person) => tokenOf(baseUrl, person)));
  const tokens = { device: device!, raiser: n1!, answerer: n2! };
  // Without a bound for delivery: nobody here says that a call has come.
  const levels = [
    { afterSeconds: 0, targets: [{ kind: 'bedNurse' }] },
    { afterSeconds: 20, targets: [{ kind: 'wardRole', role: 'nurse' }] },
    { afterSeconds: 3_600, targets: [{ kind: 'failsafe' }] },
  ];
  const policy = { token: d1!, body: { levels, repeatSeconds: 3_600 } };
  expect((await call(baseUrl, 'PUT', '/v1/policies/default', policy)).status).toBe(200);
  const before = {
    ward: await openRealtime(baseUrl, { token: d1! }),
    nurse: await openRealtime(baseUrl, { token: n1! }),
  };
  const joined = await before.ward.ask({ t: 'subscribe', room: 'ward:w1:alerts' });

  const load = startLoad({ baseUrl, tokens });
  running.push(load.abandon);
  await pause(between(4_000, 8_000));
  first.signal('SIGKILL');
  const killedAt = Date.now();
  await first.exited;
  await start();
  const readyAt = Date.now();
  expect((await untilGone(servers, 0)).filter((pid) => !serversOf(home).includes(pid))).toEqual([]);

  const after = {
    ward: await openRealtime(baseUrl, { token: d1! }),
    nurse: await openRealtime(baseUrl, { token: n1! }),
  };
  const resume = async (which: 'ward' | 'nurse', room: string): Promise<string> => {
    const from = String(messagesOf(before[which].frames, room).at(-1)?.['pos']);
    const answer = await after[which].ask({ t: 'subscribe', room, from });
    expect(answer).toMatchObject({ recovery: 'complete' });
    return from;
  };
  await after.ward.ask({ t: 'subscribe', room: 'ward:w1:vitals' });
  const live = untilLive(after.ward, readyAt);
  const [wardFrom, nurseFrom] = [await resume('ward', 'ward:w1:alerts'), await resume('nurse', 'person:n1')];
  const { vitalsMs, alertsMs } = await live;
  expect(Math.max(vitalsMs, alertsMs)).toBeLessThan(patience(epsilonMs));
  await pause(1_000);
  await load.stop();
  expect(load.raised.some(({ openedAt }) => openedAt < killedAt)).toBe(true);
  expect(load.raised.some(({ openedAt }) => openedAt > readyAt)).toBe(true);
  await expectNothingLost(baseUrl, load, d1!, since);

  const unanswered = load.raised.filter(({ alertId }) => !load.acknowledged.has(alertId));
  const lastDeadline = Math.max(...unanswered.map(({ openedAt }) => openedAt)) + 20_000;
  await pause(lastDeadline - Date.now() + 1_000);
  const lateness: number[] = [];
  for (const { alertId, openedAt } of unanswered) {
    const { pages } = await getAlert(baseUrl, d1!, alertId);
    const second = pages.filter((page) => page.level === 2);
    expect(second.length).toBeGreaterThan(0);
    for (const page of second) {
      const deadline = openedAt + 20_000;
      expect(Date.parse(page.at)).toBeGreaterThanOrEqual(deadline);
      expect(Date.parse(page.at)).toBeLessThan(Math.max(deadline, readyAt) + epsilonMs);
      lateness.push(Date.parse(page.at) - deadline);
    }
  }

  for (const [which, room, from] of [
    ['ward', 'ward:w1:alerts', wardFrom],
    ['nurse', 'person:n1', nurseFrom],
  ] as const) {
    expect(findFaults(before[which].frames, room)).toEqual([]);
    expect(findFaults(after[which].frames, room, from)).toEqual([]);
  }
  // Who joins anew at the same place is told the same, once, in one order.
  const witness = await openRealtime(baseUrl, { token: d1! });
  await witness.ask({ t: 'subscribe', room: 'ward:w1:alerts', from: joined['pos'] });
  const told = [before.ward, after.ward].flatMap(({ frames }) => messagesOf(frames, 'ward:w1:alerts'));
  const last = told.at(-1)?.['pos'];
  await witness.expect((frame) => isMessageOf('ward:w1:alerts')(frame) && frame['pos'] === last);
  const ofRecord = messagesOf(witness.frames, 'ward:w1:alerts').slice(0, told.length);
  expect(told.map((frame) => frame['mid'])).toEqual(ofRecord.map((frame) => frame['mid']));
  const isRaised = new Set(
    told.filter((frame) => frame['ev'] === 'alert:raised').map((frame) => (frame['data'] as FullAlert).alertId),
  );
  expect(load.raised.filter(({ alertId }) => !isRaised.has(alertId))).toEqual([]);
  expectPagedOnce([before.nurse, after.nurse], ['person:n1']);
  report('kill -9', load, {
    restartMs: readyAt - killedAt,
    vitalsMs,
    alertsMs,
    latestMs: Math.max(...lateness),
  });
}, 150_000);

/** When a port takes connections again, in ms since the epoch. */
async function acceptedAt(port: number): Promise<number> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connectSocket(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return Date.now();
    await pause(10);
  }
}

type Watched = {
  house: House;
  load: Load;
  since: number;
  d1: string;
  nurses: RealtimeClient[];
  ward: RealtimeClient;
};

/** A house under load, and who watches it on connections that nobody closes. */
async function startWatchedHouse(): Promise<Watched> {
  const since = Date.now();
  const house = await startHouse();
  running.push(house.stop);
  const { baseUrl } = house;
  const [device, n1, n2, d1, a1] = await Promise.all(['dev1', 'n1', 'n2', 'd1', 'a1'].map(house.token));
  // Levels that fall into the outage.
  const policy = {
    levels: [
      { afterSeconds: 0, targets: [{ kind: 'bedNurse' }] },
      { afterSeconds: 5, targets: [{ kind: 'wardRole', role: 'nurse' }] },
      { afterSeconds: 10, targets: [{ kind: 'wardRole', role: 'doctor' }, { kind: 'failsafe' }] },
    ],
    repeatSeconds: 600,
  };
  expect((await call(baseUrl, 'PUT', '/v1/policies/default', { token: a1!, body: policy })).status).toBe(200);
  const nurses = await Promise.all([n1, n2].map((token) => openRealtime(baseUrl, { token: token! })));
  const ward = await openRealtime(baseUrl, { token: d1! });
  await ward.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  await ward.ask({ t: 'subscribe', room: 'ward:w1:vitals' });
  const load = startLoad({ baseUrl, tokens: { device: device!, raiser: n1!, answerer: n2! } });
  running.push(load.abandon);
  return { house, load, since, d1: d1!, nurses, ward };
}

/** Stops the load, and holds everything that was promised against what is there and what was told. */
async function expectWhole({ house, load, since, d1, nurses, ward }: Watched): Promise<void> {
  const { baseUrl, environment } = house;
  await load.stop(30_000);
  // The last level of the last alert, and a moment for its way.
  await pause(Math.max(...load.raised.map(({ openedAt }) => openedAt)) + 10_000 + 1_500 - Date.now());
  await expectNothingLost(baseUrl, load, d1, since);
  for (const { alertId, openedAt } of load.raised) {
    if (load.acknowledged.has(alertId)) continue;
    const { level, pages } = await getAlert(baseUrl, d1, alertId);
    expect({ alertId, level, openedAt }).toEqual({ alertId, level: 3, openedAt });
    expect(pages.map((page) => page.person)).toEqual(expect.arrayContaining(['n2', 'd1', 'o1']));
  }
  // Against the streams themselves: the connections never closed, so they saw all of it, in order, once.
  const bus = await connectBus({ url: environment['NATS_URL']!, name: 'witness' });
  const ofStream = async (stream: StreamName, filter: string): Promise<number[]> => {
    const { lastSequence: toSequence } = await streamState(bus, stream);
    const found = await readRange(bus, { stream, filter, afterSequence: 0, toSequence, limit: 100_000 });
    return found?.map(({ sequence }) => sequence) ?? [];
  };
  const rooms: [RealtimeClient, StreamName, string, string][] = [
    [ward, 'CARE', 'ward:w1:alerts', 'care.h1.w1.*.*.alert.*'],
    [ward, 'PERSON', 'person:d1', 'person.h1.d1.>'],
    [nurses[0]!, 'PERSON', 'person:n1', 'person.h1.n1.>'],
    [nurses[1]!, 'PERSON', 'person:n2', 'person.h1.n2.>'],
  ];
  for (const [client, stream, room, filter] of rooms) {
    const stored = await ofStream(stream, filter);
    const last = stored.at(-1);
    await client.expect((frame) => isMessageOf(room)(frame) && sequenceOf(frame['pos']) === last, `the end of ${room}`);
    expect(messagesOf(client.frames, room).map((frame) => sequenceOf(frame['pos']))).toEqual(stored);
    expect(findFaults(client.frames, room)).toEqual([]);
  }
  await bus.close();
  expectPagedOnce([ward, ...nurses], ['person:d1', 'person:n1', 'person:n2']);
  const raised = messagesOf(ward.frames, 'ward:w1:alerts')
    .filter((frame) => frame['ev'] === 'alert:raised')
    .map((frame) => frame['data'] as FullAlert)
    // On a slow machine the load falls silent for so long that its sensors count as off, which is an alert, too.
    .filter(({ kind }) => kind.startsWith('load-'))
    .map(({ alertId }) => alertId);
  expect(raised.toSorted()).toEqual(load.raised.map(({ alertId }) => alertId).toSorted());
}

test('nats-server killed and restarted under load: the board is live again within 3 s, with no hole, and nothing accepted is lost', async () => {
  const watched = await startWatchedHouse();
  const { infrastructure } = watched.house;
  // Twice: the second time everything was connected anew before.
  const returns: Live[] = [];
  for (let round = 0; round < 2; round++) {
    await pause(between(1_500, 3_500));
    infrastructure.nats.kill();
    await infrastructure.nats.exited;
    await pause(between(500, 3_000));
    const [at] = await Promise.all([acceptedAt(infrastructure.nats.port), infrastructure.restartNats()]);
    returns.push(await untilLive(watched.ward, at));
  }
  await pause(1_000);
  report('nats-server', watched.load, { returns });
  await expectWhole(watched);
  expect(returns.filter(isTooLate)).toEqual([]);
}, 150_000);

test('PostgreSQL stopped for a while under load: vitals are accepted meanwhile, the board is live again within 3 s, what fell due is paged, and nothing is lost', async () => {
  const watched = await startWatchedHouse();
  const { house, load } = watched;
  const { infrastructure } = house;
  await pause(between(2_000, 4_000));
  await infrastructure.postgres.stop();
  const before = load.accepted.length;
  await pause(outageMs);
  // Readings are durable without the database: devices noticed nothing.
  expect(load.accepted.length - before).toBeGreaterThan(outageMs / 200);
  expect([...load.refusals].filter(([what]) => !what.startsWith('202'))).toEqual([]);
  const [at] = await Promise.all([acceptedAt(infrastructure.postgres.port), infrastructure.restartPostgres()]);
  const live = await untilLive(watched.ward, at);
  await pause(1_000);
  report('PostgreSQL', load, { live });
  await expectWhole(watched);
  expect([live].filter(isTooLate)).toEqual([]);
}, 150_000);
