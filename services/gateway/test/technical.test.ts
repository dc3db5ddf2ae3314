import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { beatSubject, type Beat, type TechnicalState } from '@carillon/contracts/technical';
import { encode } from '@carillon/bus/request';
import { call, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startDesk, type Desk } from './desk.ts';

let desk: Desk;
const heartbeats = new Set<NodeJS.Timeout>();
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(async () => {
  for (const heartbeat of heartbeats) clearInterval(heartbeat);
  await desk.stop();
});

/** An engine that finds this, until it is stopped. */
function startEngine(instance: string): { find(findings: Beat['findings']): void; stop(): void } {
  let found: Beat['findings'] = [];
  const beat = (): void => desk.bus.nc.publish(beatSubject, encode({ instance, findings: found } satisfies Beat));
  const heartbeat = setInterval(beat, 200);
  heartbeats.add(heartbeat);
  return {
    find(findings) {
      found = findings;
      beat();
    },
    stop: () => clearInterval(heartbeat),
  };
}

const since = '2026-11-21T08:00:00.000Z';

/** In the room of his hospital: what is told next must be these alarms and no others. */
async function enter(person: string) {
  const client = await desk.connect(person);
  const entered = await client.ask({ t: 'subscribe', room: 'technical:h1' });
  let seen = 0;
  return {
    entered,
    close: client.close,
    async next(...kinds: string[]): Promise<TechnicalState> {
      const isTold = (frame: Frame): boolean =>
        frame['ev'] === 'technical:changed' && client.frames.indexOf(frame) >= seen;
      const frame = await client.expect(isTold, `the alarms ${kinds.join()}`);
      seen = client.frames.indexOf(frame) + 1;
      const state = frame['data'] as TechnicalState;
      expect(state.alarms.map(({ kind }) => kind)).toEqual(kinds);
      return state;
    },
  };
}

test('what an engine finds is told to the staff, and asked for by HTTP, until it is mended', async () => {
  const engine = startEngine('e1');
  const nurse = await enter('n1');
  expect(nurse.entered).toMatchObject({ t: 'subscribed', recovery: 'snapshot', data: { alarms: [] } });
  engine.find([{ kind: 'overdueHigh', since, detail: '1 alert' }]);
  const alarms = [{ kind: 'overdueHigh', since, detail: '1 alert', isStopped: true }];
  expect(await nurse.next('overdueHigh')).toEqual({ alarms });
  const asked = await call(desk.baseUrl, 'GET', '/v1/technical', { token: await desk.tokenOf('o1') });
  expect(asked).toMatchObject({ status: 200, body: { alarms } });
  expect(await desk.metric('carillon_technical_alarms')).toBe(1);
  engine.find([]);
  await nurse.next();
  expect(await desk.metric('carillon_technical_alarms')).toBe(0);
  engine.stop();
  nurse.close();
});

test('patients, devices and other hospitals are not told', async () => {
  for (const [person, room] of [
    ['p1', 'technical:h1'],
    ['dev1', 'technical:h1'],
    ['n1', 'technical:h2'],
  ] as const) {
    const client = await desk.connect(person);
    expect(await client.ask({ t: 'subscribe', room })).toMatchObject({ t: 'err', code: 'forbidden' });
    client.close();
  }
  const asked = await call(desk.baseUrl, 'GET', '/v1/technical', { token: await desk.tokenOf('p1') });
  expect(asked.status).toBe(403);
});

test('what is wrong with the plans of one hospital is told to its own people alone', async () => {
  const engine = startEngine('e1');
  const nurse = await enter('n1');
  const detail = '2 wards';
  engine.find([{ kind: 'noCoverage', since, detail: '7 wards', hospital: 'h2' }]);
  await eventually(async () => ((await desk.metric('carillon_technical_alarms')) === 1 ? true : undefined));
  engine.find([
    { kind: 'noCoverage', since, detail: '7 wards', hospital: 'h2' },
    { kind: 'noCoverage', since, detail, hospital: 'h1' },
  ]);
  const alarms = [{ kind: 'noCoverage', since, detail, isStopped: false }];
  // The first that is told: of the other hospital's nothing was.
  expect(await nurse.next('noCoverage')).toEqual({ alarms });
  const asked = await call(desk.baseUrl, 'GET', '/v1/technical', { token: await desk.tokenOf('o1') });
  expect(asked).toMatchObject({ status: 200, body: { alarms } });
  engine.find([]);
  await nurse.next();
  engine.stop();
  nurse.close();
});

test('I20: when the last engine falls silent, and when NATS is away, that is told within 10 s', async () => {
  const [first, second] = [startEngine('e1'), startEngine('e2')];
  const nurse = await enter('n1');
  first.stop();
  second.stop();
  const { alarms } = await nurse.next('silent');
  expect(alarms).toMatchObject([{ kind: 'silent', isStopped: true, detail: 'no engine is heard' }]);
  const third = startEngine('e3');
  await nurse.next();
  desk.infrastructure.nats.kill();
  const cutOff = await nurse.next('silent');
  expect(cutOff.alarms).toMatchObject([{ detail: 'this gateway is cut off from NATS' }]);
  await desk.infrastructure.restartNats();
  await nurse.next();
  third.stop();
  nurse.close();
});
