import { afterEach, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { startClient, stopClients } from './person.ts';
import { createHistory, startSmallGateway, type Peer, type SmallGateway } from './small-gateway.ts';

const gateways: SmallGateway[] = [];
const startGateway = async () => {
  const gateway = await startSmallGateway(createHistory());
  gateways.push(gateway);
  return gateway;
};
afterEach(async () => {
  stopClients();
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
});
const room = 'person:n1';
const told = (peer: Peer | undefined, level: string): unknown[] =>
  (peer?.ofType('ack') ?? []).filter((frame) => frame['level'] === level).flatMap((frame) => frame['mid']);

test('what asks for receipts is told as delivered at once, in one frame for what comes at once', async () => {
  const { history, peer: at, url } = await startGateway();
  const client = startClient({ url });
  client.enter(room);
  await eventually(() => client.loads[0]);
  history.publish(room, 1, { ack: true });
  history.publish(room, 2, { ack: true });
  history.publish(room, 3);
  const peer = await at(0);
  await eventually(() => (told(peer, 'delivered').length === 2 ? true : undefined));
  expect(peer.ofType('ack').length).toBeLessThanOrEqual(2);
  expect(told(peer, 'delivered')).toEqual(['m1', 'm2']);
});

test('displayed is told once, when the page is visible, and read when the program says so', async () => {
  const { history, peer: at, url } = await startGateway();
  const client = startClient({ url });
  client.enter(room);
  await eventually(() => client.loads[0]);
  client.page.set({ isVisible: false });
  history.publish(room, 1, { ack: true });
  const message = await eventually(() => client.messages[0]);
  const peer = await at(0);
  message.displayed();
  message.displayed();
  message.read();
  await eventually(() => told(peer, 'read')[0]);
  expect(told(peer, 'displayed')).toEqual([]);
  client.page.set({ isVisible: true });
  client.page.tell('shown');
  await eventually(() => told(peer, 'displayed')[0]);
  message.displayed();
  message.read();
  await client.call('person:me', {});
  expect([told(peer, 'displayed'), told(peer, 'read')]).toEqual([['m1'], ['m1']]);
});

test('receipts outlive a lost connection, those told shortly before included', async () => {
  const { history, peer: at, url } = await startGateway();
  const client = startClient({ url, speed: 10 });
  client.enter(room);
  await eventually(() => client.loads[0]);
  history.publish(room, 1, { ack: true });
  await eventually(() => told(client.messages.length > 0 ? gateways[0]?.peers[0] : undefined, 'delivered')[0]);
  (await at(0)).cut();
  await client.until('waiting');
  client.messages[0]?.displayed();
  const peer = await at(1);
  await eventually(() => told(peer, 'displayed')[0]);
  expect(told(peer, 'delivered')).toEqual(['m1']);
});

test('what nobody listens to is not called delivered', async () => {
  const { history, peer: at, url } = await startGateway();
  const client = startClient({ url });
  client.subscribe(room, { on: { 'page:withdrawn': () => {} } });
  const peer = await at(0);
  await peer.expect('subscribe');
  history.publish(room, 1, { ack: true, ev: 'page:new' });
  history.publish(room, 2, { ack: true, ev: 'page:withdrawn' });
  await eventually(() => told(peer, 'delivered')[0]);
  expect(told(peer, 'delivered')).toEqual(['m2']);
});

test('what was on the screen is told before a client is stopped', async () => {
  const { history, peer: at, url } = await startGateway();
  const client = startClient({ url });
  client.enter(room);
  await eventually(() => client.loads[0]);
  history.publish(room, 1, { ack: true });
  const message = await eventually(() => client.messages[0]);
  message.displayed();
  client.stop();
  const peer = await at(0);
  await eventually(() => told(peer, 'displayed')[0]);
});
