/** Messages: their order, resume, lanes, credit, state rooms, and readers that do not read. */
import { strict as assert } from 'node:assert';
import { closeCodes } from '@carillon/contracts/errors';
import { personPresenceSchema, presenceSnapshotSchema } from '@carillon/contracts/presence';
import { validate, type TSchema } from '@carillon/contracts/schema';
import { expectAlive, isType, range, until, within, type Check } from '../check.ts';
import type { Client } from '../client.ts';
import { field } from '../http.ts';
import type { Frame } from '../recorder.ts';

const numberOf = (frame: Frame): unknown => field(frame['data'], 'number');
const isNumber = (room: string, number: number) => (frame: Frame) =>
  frame.t === 'msg' && frame['room'] === room && numberOf(frame) === number;
const numbers = (client: Client, room: string): unknown[] => client.messages(room).map(numberOf);

const expectShape = (schema: TSchema, value: unknown): void => {
  const checked = validate(schema, value);
  assert(checked.ok, JSON.stringify([checked, value]));
};

/** Every message names the one before it, so that a hole can be seen. */
function expectChain(client: Client, room: string): void {
  const messages = client.messages(room);
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    if (before !== undefined) assert.equal(message['prev'], before['pos']);
  });
}

/** Above the 8 MiB that may wait for 10 s, and what kernels hold besides. */
const slowMessages = 28;
const slowBytes = 900_000;
const slowWithinMs = 60_000;

export const deliveryChecks: readonly Check[] = [
  {
    name: 'messages of a critical room come in order, each names the one before it, and a resume is complete',
    needs: ['operatorToken'],
    covers: ['server frame msg', 'recovery fresh', 'recovery complete', 'lane critical'],
    async run({ connect, publish, me }) {
      const room = `person:${me.person}`;
      const client = await connect();
      const { pos, lane, recovery } = await client.ask({ t: 'subscribe', room });
      assert.deepEqual([lane, recovery], ['critical', 'fresh']);
      for (const number of range(1, 3)) await publish(room, { number });
      await client.expect(isNumber(room, 3), 'the third message');
      client.wire.destroy();
      for (const number of range(4, 6)) await publish(room, { number });
      const resumed = await connect();
      const last = client.messages(room).at(-1);
      assert.equal((await resumed.ask({ t: 'subscribe', room, from: last?.['pos'] }))['recovery'], 'complete');
      await resumed.expect(isNumber(room, 6), 'the sixth message');
      const fromStart = await connect();
      assert.equal((await fromStart.ask({ t: 'subscribe', room, from: pos }))['recovery'], 'complete');
      await fromStart.expect(isNumber(room, 6), 'the sixth message');
      const mine = (each: Client): unknown[] => numbers(each, room).filter((number) => typeof number === 'number');
      assert.deepEqual([mine(client), mine(resumed), mine(fromStart)], [range(1, 3), range(4, 6), range(1, 6)]);
      for (const each of [client, resumed, fromStart]) expectChain(each, room);
    },
  },
  {
    name: 'a bulk room resumes with the newest of each key, and its messages name none before them',
    needs: ['operatorToken', 'ward'],
    covers: ['recovery latest', 'lane bulk'],
    async run({ connect, publish, need }) {
      const room = `ward:${need('ward')}:vitals`;
      const client = await connect();
      const { pos, lane } = await client.ask({ t: 'subscribe', room });
      assert.equal(lane, 'bulk');
      for (const number of range(1, 3)) await publish(room, { number });
      assert.equal((await client.expect(isNumber(room, 3), 'the third message'))['prev'], undefined);
      const resumed = await connect();
      assert.equal((await resumed.ask({ t: 'subscribe', room, from: pos }))['recovery'], 'latest');
      await resumed.expect(isNumber(room, 3), 'the newest message');
      assert(!numbers(resumed, room).includes(1), 'an older message of the same key came');
    },
  },
  {
    name: 'who sends rx gets no more of bulk rooms than his credit, an alert passes, and the newest says what it skipped',
    needs: ['operatorToken', 'ward'],
    covers: ['client frame rx', 'lane bulk'],
    async run({ connect, publish, need, me }) {
      const bulk = `ward:${need('ward')}:vitals`;
      const critical = `person:${me.person}`;
      const client = await connect();
      const { messages: window } = client.ready['bulk'] as { messages: number };
      await client.ask({ t: 'subscribe', room: bulk });
      client.send({ t: 'rx', n: 0 });
      await expectAlive(client);
      const last = window + 8;
      for (const number of range(1, last)) await publish(bulk, { number });
      await publish(critical, { number: 1 });
      await client.expect(isNumber(critical, 1), 'the alert');
      await expectAlive(client);
      const before = client.messages(bulk);
      assert(before.length > 0 && before.length <= window, `${before.length} came with a credit of ${window}`);
      client.send({ t: 'rx', n: before.length });
      await client.expect(isNumber(bulk, last), 'the newest message');
      const all = client.messages(bulk);
      const skipped = all.reduce((sum, frame) => sum + Number(frame['skipped'] ?? 0), 0);
      const own = all.filter((frame) => typeof numberOf(frame) === 'number').length;
      assert.equal(own + skipped, last, `${own} came and ${skipped} were skipped of ${last}`);
    },
  },
  {
    name: 'a state room begins with its state and goes on with changes that have no position',
    covers: ['recovery snapshot', 'lane bulk', 'server frame msg'],
    async run({ connect, me }) {
      const room = `presence:person:${me.person}`;
      const client = await connect();
      const joined = await client.ask({ t: 'subscribe', room });
      assert.deepEqual([joined.t, joined['recovery']], ['subscribed', 'snapshot'], JSON.stringify(joined));
      assert.equal(joined['pos'], undefined);
      expectShape(presenceSnapshotSchema, joined['data']);
      for (const state of ['busy', 'online']) {
        const answer = await client.ask({ t: 'call', op: 'presence:set', data: { state } });
        assert.equal(answer.t, 'ok', JSON.stringify(answer));
        const isChange = (frame: Frame): boolean =>
          frame['room'] === room && frame['ev'] === 'presence:changed' && field(frame['data'], 'state') === state;
        const change = await client.expect(isChange, `the change to ${state}`);
        assert.deepEqual([change.t, change['pos'], change['prev']], ['msg', undefined, undefined]);
        expectShape(personPresenceSchema, change['data']);
      }
    },
  },
  {
    name: 'a message of a hundred thousand bytes comes whole',
    needs: ['operatorToken'],
    covers: ['server frame msg'],
    async run({ connect, publish, me }) {
      const room = `person:${me.person}`;
      const client = await connect();
      await client.ask({ t: 'subscribe', room });
      const text = `${'x'.repeat(99_990)}ü🏥\n"\\`;
      const mid = await publish(room, { text });
      const message = await client.expect((frame) => frame['mid'] === mid, 'the message');
      assert.equal(field(message['data'], 'text'), text);
    },
  },
  {
    name: 'who does not read is closed with 4001, and resumes complete',
    needs: ['operatorToken', 'otherToken'],
    covers: ['close 4001', 'recovery complete'],
    async run({ connect, publish, operate, need }) {
      const token = need('otherToken');
      const client = await connect({ token });
      const room = `person:${String(client.ready['person'])}`;
      const { pos } = await client.ask({ t: 'subscribe', room });
      const isAnybodyFull = async (): Promise<boolean> =>
        Number(field(field((await operate('GET', '/realtime/stats')).body, 'queues'), 'full')) > 0;
      client.wire.pause();
      const filling = 'x'.repeat(slowBytes);
      for (const number of range(1, slowMessages)) await publish(room, { number, filling });
      // What waits is sent for 2 s only: to see the code one must read as soon as the gateway has had enough.
      // Its pongs go on: only what it does not read is held against it.
      const pongs = setInterval(() => client.send({ t: 'pong' }), 500);
      const isOver = async (): Promise<boolean> => !(await isAnybodyFull());
      await until(isAnybodyFull, slowWithinMs)
        .then(() => until(isOver, slowWithinMs))
        .finally(() => clearInterval(pongs));
      client.wire.resume();
      const { code } = await within(client.closed, 10_000, 'the end with 4001');
      assert.equal(code, closeCodes.slowConsumer);
      const got = numbers(client, room);
      assert.deepEqual(got, range(1, got.length));
      await publish(room, { number: slowMessages + 1 });
      const resumed = await connect({ token });
      const from = client.messages(room).at(-1)?.['pos'] ?? pos;
      assert.equal((await resumed.ask({ t: 'subscribe', room, from }))['recovery'], 'complete');
      await resumed.expect(isNumber(room, slowMessages + 1), 'the last message', 30_000);
      assert.deepEqual(numbers(resumed, room), range(got.length + 1, slowMessages + 1));
    },
  },
  {
    name: 'a page of an operator’s test arrives in every connection of the person',
    needs: ['operatorToken'],
    async run({ connect, publish, me }) {
      const room = `person:${me.person}`;
      const clients = [await connect(), await connect(), await connect()];
      // Entered at connect: without a subscribe.
      for (const client of clients) await client.expect(isType('ready'), 'ready');
      const mid = await publish(room, {});
      await Promise.all(clients.map((client) => client.expect((frame) => frame['mid'] === mid, 'the message')));
    },
  },
];
