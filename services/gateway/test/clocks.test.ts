/** What happens when somebody is silent for long. The waits are those of the protocol, so they are waited out side by side. */
import { afterAll, expect, test } from '@jest/globals';
import { openRealtime } from '@carillon/testkit/client';
import { patience } from '@carillon/testkit/patience';
import { WebSocket } from 'ws';
import { startDesk } from './desk.ts';

const desk = await startDesk();
afterAll(() => desk.stop());

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const longer = 45_000;

test.concurrent('who does not connect within 5 s is closed with 4408', async () => {
  const startedAt = performance.now();
  const client = await openRealtime(desk.baseUrl);
  expect(await client.closed).toEqual({ code: 4408, reason: 'noConnect' });
  const tookMs = performance.now() - startedAt;
  expect(tookMs).toBeGreaterThan(4_900);
  expect(tookMs).toBeLessThan(patience(7_000));
});

test.concurrent(
  'who does not answer a ping is closed with 4003, whatever else he sends',
  async () => {
    const socket = new WebSocket(desk.baseUrl.replace('http', 'ws') + '/realtime/ws', ['carillon.v1'], {
      headers: { authorization: `Bearer ${await desk.tokenOf('n1')}` },
    });
    const startedAt = performance.now();
    const pinged = new Promise<number>((resolve) => {
      socket.on('message', (data: Buffer) => {
        if (data.toString() === '{"t":"ping"}') {
          resolve(performance.now() - startedAt);
          socket.send('{"t":"call","id":1,"op":"alert:list"}');
        }
      });
    });
    const closed = new Promise<number>((resolve) => {
      socket.once('close', resolve);
    });
    const [pingedMs, code] = await Promise.all([pinged, closed]);
    expect(code).toBe(4003);
    expect(pingedMs).toBeGreaterThan(14_500);
    expect(performance.now() - startedAt - pingedMs).toBeGreaterThan(6_500);
  },
  longer,
);

test.concurrent(
  'an expiring token asks for another, and after the grace the connection is closed with 4100',
  async () => {
    const client = await desk.connect('p2', { token: await desk.tokenOf('p2', { exp: inSeconds(3) }) });
    expect(await client.expect((frame) => frame.t === 'reauth')).toEqual({ t: 'reauth', graceMs: 25_000 });
    const askedAt = performance.now();
    expect(await client.closed).toEqual({ code: 4100, reason: 'tokenExpired' });
    expect(performance.now() - askedAt).toBeGreaterThan(24_500);
  },
  longer,
);

test.concurrent(
  'a connection with a new token outlives the old one, rooms and all',
  async () => {
    const client = await desk.connect('p1', { token: await desk.tokenOf('p1', { exp: inSeconds(3) }) });
    await client.ask({ t: 'subscribe', room: 'patient:p1' });
    await client.expect((frame) => frame.t === 'reauth');
    expect(await client.ask({ t: 'reauth', token: await desk.tokenOf('p1') })).toMatchObject({ t: 'ok' });
    const end = await Promise.race([
      client.closed,
      new Promise((resolve) => {
        setTimeout(() => resolve('open'), 27_000);
      }),
    ]);
    expect(end).toBe('open');
    await desk.emit({ subject: 'care.h1.w1.p1.critical.alert.raised' });
    await client.expect((frame) => frame.t === 'msg');
    client.close();
  },
  longer,
);
