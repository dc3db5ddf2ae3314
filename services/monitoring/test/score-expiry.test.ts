/** What people charted stops counting when its time is over, although nothing is measured. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chartVitals } from '@carillon/contracts/scores';
import { realDependencies, type RunningService } from '@carillon/runtime/service';
import { createVirtualClock, type VirtualClock } from '@carillon/testkit/clock';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { nurse, startWard, type Ward } from './ward.ts';

const hourMs = 3_600_000;
let ward: Ward;
let service: RunningService;
let clock: VirtualClock;

beforeAll(async () => {
  ward = await startWard();
  clock = createVirtualClock(Date.now());
  service = await start(ward.infrastructure.environmentOf('monitoring'), { ...realDependencies, clock });
});
afterAll(async () => {
  await service.stop();
  await ward.stop();
});

test('M7 a score becomes partial when what was charted expires, and names what to ask for; its alarm goes on', async () => {
  const told = (event: string) => ward.told.filter((one) => one.event === event && one.data['patientId'] === 'p1');
  const values = { consciousness: 'V', onOxygen: false, temperature: 39.4 };
  expect(await ward.command(chartVitals, { patientId: 'p1', ...values }, nurse)).toMatchObject({
    ok: true,
    data: { score: { lower: 5 }, conditions: [{ kind: 'news2', priority: 'medium' }] },
  });
  await eventually(() => told('score:updated')[0]);
  clock.advance(4 * hourMs);
  clock.advance(1_000);
  const partial = await eventually(() => told('score:updated')[1], { what: 'the end of the temperature' });
  expect(partial.data).toMatchObject({ lower: 3, missing: expect.arrayContaining(['temperature']) });
  clock.advance(8 * hourMs);
  const empty = await eventually(() => told('score:updated')[2], { what: 'the end of the rest' });
  expect(empty.data).toMatchObject({ lower: 0, upper: 20, parts: {} });
  expect(told('condition:cleared')).toEqual([]);
});
