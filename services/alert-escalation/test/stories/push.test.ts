import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert } from '@carillon/contracts/alert-escalation';
import { sendPush, sendPushLater } from '@carillon/contracts/push';
import { validate } from '@carillon/contracts/schema';
import { commandSubject } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { decode } from '@carillon/bus/request';
import type { CommandEnvelope } from '@carillon/runtime/commands';
import { eventually } from '@carillon/testkit/eventually';
import { openWard, type WardStory } from '../ward.ts';

let ward: WardStory;
let bus: Bus;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
  bus = await connectBus({ url: ward.infrastructure.nats.url, name: 'push' });
}, 60_000);
afterAll(async () => {
  await bus.close();
  await ward.stop();
});

type Waiting = { subject: string; envelope: CommandEnvelope; text: string };

/** What nobody has taken away. */
async function readWaiting(): Promise<Waiting[]> {
  const manager = await bus.nc.jetstreamManager();
  const { state } = await manager.streams.info('COMMANDS');
  const found: Waiting[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    // What was done is gone.
    const message = await manager.streams.getMessage('COMMANDS', { seq }).catch(() => undefined);
    if (message?.subject.startsWith('cmd.push.') !== true) continue;
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
