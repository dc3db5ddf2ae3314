import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, raiseAlert } from '@carillon/contracts/alert-escalation';
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
