import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert, resolveAlert, type Alert } from '@carillon/contracts/alert-escalation';
import type { Receipt, ReceiptLevel } from '@carillon/contracts/receipts';
import { openDatabase } from '@carillon/database/database';
import type { AlarmHop } from '@carillon/runtime/metrics';
import { alertOf, openWard, type Engine, type Heard, type WardStory } from '../ward.ts';

let ward: WardStory;
let engines: readonly Engine[];

beforeAll(async () => {
  ward = await openWard({ receives: false });
  // Two of them, so that what is told twice may meet.
  engines = await Promise.all([ward.startEngine(), ward.startEngine()]);
});
afterAll(() => ward.stop());

const iso = (at: number): string => new Date(at).toISOString();
const receipt = ({ mid, person }: Heard, level: ReceiptLevel, at = ward.now()): Receipt => ({
  mid,
  person,
  level,
  at: iso(at),
});
const recorded = (count: number) => ({ ok: true, data: { recorded: count } });
const pageOf = (person: string, level: number, kind: string, after = 0): Promise<Heard> =>
  ward.expect(
    (one) =>
      one.event === 'page:new' &&
      one.person === person &&
      one.level === level &&
      one.alert.kind === kind &&
      one.at > after,
    `the page of ${kind} to ${person}`,
  );
const told = (event: string, alertId: string): Heard[] =>
  ward.heard.filter((one) => one.event === event && one.alert.alertId === alertId);
/** How many pages were timed on their way, by all engines. */
async function timed(hop: AlarmHop): Promise<number> {
  const figures = await Promise.all(engines.map(({ service }) => service.metrics.alarmHopSeconds.get()));
  return figures
    .flatMap(({ values }) => values)
    .filter(({ metricName, labels }) => metricName?.endsWith('_count') === true && labels.hop === hop)
    .reduce((sum, { value }) => sum + value, 0);
}
async function read(alertId: string): Promise<Alert> {
  return alertOf(await ward.ask('n1', getAlert, { alertId }));
}
const facts = ({ timeline }: Alert): string[] =>
  timeline
    .filter(({ kind }) => ['delivered', 'displayed', 'read'].includes(kind))
    .map(({ kind, actor, level }) => `${kind} ${actor} ${level}`);

test('who got a page and had it on his screen is kept once, shown with the alert and told to the ward', async () => {
  await ward.condition('raised', 'fall');
  const page = await pageOf('n1', 1, 'fall');
  const { alertId } = page.alert;
  const at = ward.now();
  expect(await ward.receive([receipt(page, 'delivered', at)])).toEqual(recorded(1));
  expect(await ward.receive([receipt(page, 'displayed'), receipt(page, 'displayed')])).toEqual(recorded(1));
  const displayed = await ward.expect(
    (one) => one.event === 'alert:displayed' && one.alert.alertId === alertId,
    'that it was displayed',
  );
  expect(displayed.alert).toMatchObject({ patientId: 'p1', wardId: 'w1', pages: [{ person: 'n1', level: 1 }] });

  const alert = await read(alertId);
  expect(alert.pages).toMatchObject([{ person: 'n1', level: 1, deliveredAt: iso(at) }]);
  expect(alert.pages[0]?.displayedAt).toBe((displayed.alert.pages[0] as { at?: string } | undefined)?.at);
  expect(alert.pages[0]?.readAt).toBeUndefined();
  expect(facts(alert)).toEqual(['delivered n1 1', 'displayed n1 1']);
  // A fact beside the state: what everybody has of the alert is as good as before.
  expect(alert.version).toBe(page.alert.version);

  // The first time counts, whichever gateway tells of it again; what came since then is in every later summary.
  expect(await ward.receive([receipt(page, 'delivered'), receipt(page, 'read')])).toEqual(recorded(1));
  const acknowledged = alertOf(await ward.send('n1', acknowledgeAlert, { alertId }));
  expect(acknowledged.pages[0]).toMatchObject({ deliveredAt: iso(at), displayedAt: alert.pages[0]?.displayedAt });
  expect(acknowledged.pages[0]?.readAt).toBeDefined();
  expect([told('alert:delivered', alertId), told('alert:displayed', alertId)].map((all) => all.length)).toEqual([1, 1]);
  await ward.condition('cleared', 'fall');
  expect([await timed('paged_delivered'), await timed('paged_displayed')]).toEqual([1, 1]);
});

test('what two gateways tell at once is recorded and told once, and read implies the rest', async () => {
  await ward.condition('raised', 'pulse-above');
  const page = await pageOf('n1', 1, 'pulse-above');
  const replies = await Promise.all(Array.from({ length: 8 }, () => ward.receive([receipt(page, 'read')])));
  const counts = replies.map((reply) => (reply?.ok === true ? (reply.data as { recorded: number }).recorded : -1));
  expect(counts.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 0, 0, 0, 0, 3]);
  const { alertId } = page.alert;
  await ward.expect((one) => one.event === 'alert:displayed' && one.alert.alertId === alertId, 'that it was displayed');
  expect(facts(await read(alertId))).toEqual(['delivered n1 1', 'displayed n1 1', 'read n1 1']);
  await ward.send('n1', resolveAlert, { alertId });
  await ward.condition('cleared', 'pulse-above');
  expect([told('alert:delivered', alertId), told('alert:displayed', alertId)].map((all) => all.length)).toEqual([1, 1]);
});

test('the same key answers the same, and its facts are told once', async () => {
  await ward.condition('raised', 'temperature-above');
  const page = await pageOf('n1', 1, 'temperature-above');
  const items = [receipt(page, 'delivered')];
  expect(await ward.receive(items, { key: 'batch-1' })).toEqual(recorded(1));
  expect(await ward.receive(items, { key: 'batch-1' })).toEqual(recorded(1));
  expect(facts(await read(page.alert.alertId))).toEqual(['delivered n1 1']);
  await ward.condition('cleared', 'temperature-above');
  await ward.send('n1', acknowledgeAlert, { alertId: page.alert.alertId });
});

test('a receipt of somebody else, of another hospital or of an unknown message changes nothing', async () => {
  await ward.condition('raised', 'spo2-below');
  const page = await pageOf('n1', 1, 'spo2-below');
  const mine = receipt(page, 'read');
  expect(await ward.receive([{ ...mine, person: 'n2' }])).toEqual(recorded(0));
  expect(await ward.receive([{ ...mine, mid: 'unknown' }])).toEqual(recorded(0));
  expect(await ward.receive([mine], { hospital: 'h2' })).toEqual(recorded(0));
  expect(facts(await read(page.alert.alertId))).toEqual([]);
  await ward.send('n1', resolveAlert, { alertId: page.alert.alertId });
  await ward.condition('cleared', 'spo2-below');
});

test('a page from before receipts were kept has none, and is shown and answered like any other', async () => {
  await ward.condition('raised', 'weight-above');
  const page = await pageOf('n1', 1, 'weight-above');
  const { alertId } = page.alert;
  const database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'alert-escalation' });
  await database.query('update page set mid = null where alert_id = $1', [alertId]);
  await database.close();
  expect(await ward.receive([receipt(page, 'read')])).toEqual(recorded(0));
  const [shown] = (await read(alertId)).pages;
  expect(shown).toEqual({ person: 'n1', level: 1, at: iso(page.at), status: 'paged' });
  await ward.condition('cleared', 'weight-above');
  await ward.expect(
    (one) => one.event === 'alert:cleared' && one.alert.alertId === alertId,
    'the end of the condition',
  );
  expect(alertOf(await ward.send('n1', acknowledgeAlert, { alertId })).state).toBe('resolved');
});

test('no receipt is older than its page or later than now, whatever the clock of a gateway says', async () => {
  await ward.condition('raised', 'heartRate-above');
  const page = await pageOf('n1', 1, 'heartRate-above');
  const early = receipt(page, 'delivered', page.at - 60_000);
  const late = receipt(page, 'displayed', page.at + 3_600_000);
  expect(await ward.receive([early, late])).toEqual(recorded(2));
  const [shown] = (await read(page.alert.alertId)).pages;
  expect(shown?.deliveredAt).toBe(shown?.at);
  expect(Date.parse(shown?.displayedAt ?? '')).toBeLessThanOrEqual(ward.now());
  await ward.send('n1', resolveAlert, { alertId: page.alert.alertId });
  await ward.condition('cleared', 'heartRate-above');
});

test('I17: a page that everybody has read is escalated at its time, and one of an earlier run is recorded still', async () => {
  await ward.condition('raised', 'news2-high');
  const first = await pageOf('n1', 1, 'news2-high');
  await ward.receive([receipt(first, 'read')]);
  ward.leap(20);
  const second = await pageOf('n2', 2, 'news2-high');
  const third = await pageOf('n3', 2, 'news2-high');
  expect(second.at - Date.parse(first.alert.openedAt)).toBeGreaterThanOrEqual(20_000);
  await ward.receive([receipt(second, 'read'), receipt(third, 'read')]);
  ward.leap(20);
  await pageOf('d1', 3, 'news2-high');

  const { alertId } = first.alert;
  await ward.send('n1', acknowledgeAlert, { alertId });
  ward.leap(600);
  await pageOf('n1', 1, 'news2-high', second.at);
  const doctor = await pageOf('d1', 3, 'news2-high');
  expect(await ward.receive([receipt(doctor, 'displayed')])).toEqual(recorded(2));
  const alert = await read(alertId);
  expect(alert.pages.map(({ displayedAt }) => displayedAt)).toEqual(alert.pages.map(() => undefined));
  expect(facts(alert)).toContain('displayed d1 3');
});

test('where nobody is connected each level is followed by the next after ten seconds, until all are called', async () => {
  const openedAt = ward.now();
  await ward.condition('raised', 'apnoea');
  for (const [person, level] of [
    ['n1', 1],
    ['n3', 2],
    ['d1', 3],
    ['o1', 4],
  ] as const) {
    const page = await pageOf(person, level, 'apnoea');
    expect(page.at - openedAt).toBeGreaterThanOrEqual((level - 1) * 10_000);
    expect(page.at - openedAt).toBeLessThan(level * 20_000);
    if (level < 4) ward.leap(10);
  }
  const { alertId } = (await pageOf('n1', 1, 'apnoea')).alert;
  const levels = (await read(alertId)).timeline.filter(({ kind }) => kind === 'level');
  expect(levels.map(({ reason }) => reason)).toEqual(['due', 'undelivered', 'undelivered', 'undelivered']);
  await ward.send('n1', resolveAlert, { alertId });
  await ward.condition('cleared', 'apnoea');
});
