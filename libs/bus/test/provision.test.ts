import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { streams } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { RetentionPolicy, nanos } from 'nats';

let infrastructure: Infrastructure;
let owner: Bus;
let other: Bus;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  owner = await connectBus({ url: infrastructure.nats.url, name: streams.COMMANDS.owner });
  other = await connectBus({ url: infrastructure.nats.url, name: 'directory' });
});
afterAll(async () => {
  await Promise.all([owner.close(), other.close()]);
  await infrastructure.stop();
});

const maxAgeOf = async (bus: Bus): Promise<number> => (await bus.jsm.streams.info('COMMANDS')).config.max_age;

test('a stream that is there already gets the age of its contract by its owner alone', async () => {
  const subjects = [...streams.COMMANDS.subjects];
  await owner.jsm.streams.add({ name: 'COMMANDS', subjects, retention: RetentionPolicy.Workqueue, max_age: 0 });
  await provisionStreams(other, ['COMMANDS'], { replicas: 1 });
  expect(await maxAgeOf(other)).toBe(0);
  await provisionStreams(owner, ['COMMANDS'], { replicas: 1 });
  expect(await maxAgeOf(owner)).toBe(nanos(streams.COMMANDS.maxAgeMs));
});

test('a command that nobody takes is gone when it is older than its stream keeps it', async () => {
  await provisionStreams(owner, ['COMMANDS'], { replicas: 1 });
  const { config } = await owner.jsm.streams.info('COMMANDS');
  // 25 h are not waited for: the server drops by age, whatever the age is.
  await owner.jsm.streams.update('COMMANDS', { ...config, max_age: nanos(1_000), duplicate_window: nanos(1_000) });
  await publish(owner, { subject: 'cmd.push.critical.message.push', body: encode({}), headers: {} });
  const count = async (): Promise<number> => (await owner.jsm.streams.info('COMMANDS')).state.messages;
  expect(await count()).toBe(1);
  await eventually(async () => ((await count()) === 0 ? true : undefined), { withinMs: 5_000, what: 'its end' });
});
