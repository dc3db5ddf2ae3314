import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, raiseAlert } from '@carillon/contracts/alert-escalation';
import type { InputOf } from '@carillon/contracts/define';
import { sendPush, sendPushLater } from '@carillon/contracts/push';
import { validate } from '@carillon/contracts/schema';
import { commandSubject, streams } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { decode } from '@carillon/bus/request';
import type { CommandEnvelope } from '@carillon/runtime/commands';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;
let bus: Bus;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
  bus = await connectBus({ url: ward.infrastructure.nats.url, name: 'push' });
});
afterAll(async () => {
  await bus.close();
  await ward.stop();
});

type Waiting = { subject: string; envelope: CommandEnvelope; text: string };

/** What nobody has taken away. */
async function readWaiting(): Promise<Waiting[]> {
  const manager = await bus.nc.jetstreamManager();
  const { state } = await manager.streams.info('PUSH');
  const found: Waiting[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    // What is too old is gone.
    const message = await manager.streams.getMessage('PUSH', { seq }).catch(() => undefined);
    if (message === undefined) continue;
    const text = Buffer.from(message.data).toString();
    found.push({ subject: message.subject, envelope: decode(message.data) as CommandEnvelope, text });
  }
  return found;
}

test('each page, and its end, waits as a command for the devices of its person, and names no patient', async () => {
  await ward.condition('raised', 'spo2-below');
  const page = await ward.page('n1', 1);
  await ward.condition('raised', 'temperature-above', 'medium');
  await ward.send('n2', acknowledgeAlert, { alertId: page.alert.alertId });
  const withdrawn = await ward.expect((one) => one.event === 'page:withdrawn' && one.person === 'n1', 'its end');
  const told = await eventually(
    async () => {
      const waiting = await readWaiting();
      return waiting.length >= 3 ? waiting : undefined;
    },
    { what: 'three commands for push' },
  );
  const found = told.map(({ subject, envelope }) => {
    const data = envelope.data as { messageId: string; person: string; isWithdrawn: boolean };
    return {
      subject,
      key: envelope.key,
      messageId: data.messageId,
      person: data.person,
      isWithdrawn: data.isWithdrawn,
    };
  });
  const urgent = commandSubject(sendPush);
  expect(found).toContainEqual({
    subject: urgent,
    key: page.mid,
    messageId: page.mid,
    person: 'n1',
    isWithdrawn: false,
  });
  expect(found).toContainEqual({
    subject: urgent,
    key: withdrawn.mid,
    messageId: withdrawn.mid,
    person: 'n1',
    isWithdrawn: true,
  });
  expect(found).toContainEqual(expect.objectContaining({ subject: commandSubject(sendPushLater), isWithdrawn: false }));
  for (const { text, envelope } of told) {
    expect(text).not.toMatch(/p1|spo2|temperature|w1/);
    expect(validate(sendPush.input, envelope.data).ok).toBe(true);
  }
});

test('who joins a call that is repeated for long is rung at once, and all who were rung are told of the end', async () => {
  await ward.condition('raised', 'heartRate-above');
  const calls = (person: string) =>
    ward.heard.filter(
      (one) => one.event === 'page:new' && one.person === person && one.alert.kind === 'heartRate-above',
    );
  /** Time goes on until the operator on duty has been called as often. */
  const callTo = (person: string, count: number) =>
    eventually(
      () => {
        if (calls(person).length >= count) return calls(person)[0];
        ward.leap(10);
        return undefined;
      },
      { what: `${count} calls of ${person}`, withinMs: 20_000 },
    );
  const { alertId } = (await callTo('o1', 12)).alert;
  await ward.shift('o2', { from: ward.now() - 1000, role: 'operator' });
  await callTo('o2', 1);
  const pushes = async () =>
    (await readWaiting())
      .map(({ envelope }) => envelope.data as InputOf<typeof sendPush>)
      .filter((each) => each.alertId === alertId);
  const rung = async (person: string) => (await pushes()).filter((each) => each.person === person && !each.isWithdrawn);
  await eventually(async () => ((await rung('o2')).length > 0 ? true : undefined), { what: 'a push to the new one' });
  expect((await rung('o1')).length).toBeLessThan(calls('o1').length);
  await ward.send('n2', acknowledgeAlert, { alertId });
  await eventually(
    async () => {
      const told = (await pushes()).filter(({ isWithdrawn }) => isWithdrawn).map(({ person }) => person);
      return ['o1', 'o2'].every((person) => told.includes(person)) ? true : undefined;
    },
    { what: 'the end for both' },
  );
});

test('while nobody takes them and there is room for few, the oldest go: people are called, and answer, as ever', async () => {
  const { config } = await bus.jsm.streams.info('PUSH');
  expect(config).toMatchObject({ discard: 'old', max_bytes: streams.PUSH.maxBytes });
  await bus.jsm.streams.update('PUSH', { ...config, max_bytes: 2_000 });
  const raise = async (index: number) =>
    alertOf(
      await ward.send('n1', raiseAlert, { patientId: 'p1', kind: `call-${index}`, priority: 'high', message: 'Come' }),
    );
  for (let index = 0; index < 10; index++) {
    const { alertId } = await raise(index);
    await ward.expect(({ event, alert }) => event === 'page:new' && alert.alertId === alertId, `call ${index}`);
    expect(alertOf(await ward.send('n2', acknowledgeAlert, { alertId }))).toMatchObject({ acknowledgedBy: 'n2' });
  }
  const { state } = await bus.jsm.streams.info('PUSH');
  expect(state.bytes).toBeLessThanOrEqual(2_000);
  expect(state.messages).toBeLessThan(10);
});
