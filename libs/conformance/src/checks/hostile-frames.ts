/** Good WebSocket frames that hold no good frame of the protocol, too many of them, and too large ones. */
import { strict as assert } from 'node:assert';
import { closeCodes } from '@carillon/contracts/errors';
import { expectAlive, expectEnd, expectErr, range, type Check } from '../check.ts';
import { opcodes } from '../wire-frames.ts';

const notFrames: readonly (readonly [string, string])[] = [
  ['what is no JSON', '{"t":'],
  ['a frame of an unknown type', '{"t":"dance","id":9}'],
  ['a frame of a type that every object has', '{"t":"__proto__","id":9}'],
  ['a frame without a type', '{"id":9}'],
  ['a frame of the server', '{"t":"ok","id":9}'],
  ['a list', '[]'],
  ['null', 'null'],
  ['a number', '7'],
  ['a call without an id', '{"t":"call","op":"person:me"}'],
  ['an id that is a text', '{"t":"call","id":"9","op":"person:me"}'],
  ['an id that is a fraction', '{"t":"call","id":9.5,"op":"person:me"}'],
  ['a negative id', '{"t":"call","id":-1,"op":"person:me"}'],
  ['an id beyond what numbers hold', '{"t":"call","id":9007199254740993,"op":"person:me"}'],
  ['an ack of an unknown level', '{"t":"ack","mid":["m1"],"level":"eaten"}'],
  ['a credit below zero', '{"t":"rx","n":-1}'],
  ['a frame nested 10,000 deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
  ['objects nested 5,000 deep', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
];

const deepData = `{"t":"call","id":1,"op":"person:me","data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;

/** They count against no limit of calls, so that the flood itself is what is judged. */
const unsubscribes = (count: number): Record<string, unknown>[] =>
  range(1, count).map((id) => ({ t: 'unsubscribe', id, room: 'a' }));

export const hostileFrameChecks: readonly Check[] = [
  ...notFrames.map(([what, text]): Check => ({
    name: `${what} is answered bad_frame and closes with 4400`,
    covers: ['server frame err', 'error bad_frame', 'retry never', 'close 4400'],
    async run({ connect }) {
      const client = await connect();
      client.wire.send({ payload: text });
      await expectEnd(client, closeCodes.badFrame, 'bad_frame');
    },
  })),
  {
    name: 'a binary frame is answered bad_frame and closes with 4400',
    covers: ['close 4400'],
    async run({ connect }) {
      const client = await connect();
      client.wire.send({ opcode: opcodes.binary, payload: '{"t":"pong"}' });
      await expectEnd(client, closeCodes.badFrame, 'bad_frame');
    },
  },
  {
    name: 'what is no frame closes before the token came as well',
    covers: ['close 4400'],
    async run({ dial }) {
      const client = await dial({ token: undefined });
      client.wire.send({ payload: 'GET / HTTP/1.1' });
      await expectEnd(client, closeCodes.badFrame, 'bad_frame');
    },
  },
  {
    name: 'an id that comes twice or falls closes with 4400',
    covers: ['error bad_frame', 'close 4400'],
    async run({ connect }) {
      for (const second of [5, 4, 0]) {
        const client = await connect();
        client.send({ t: 'unsubscribe', id: 5, room: 'a' });
        assert.equal((await client.expect((frame) => frame['id'] === 5, 'the answer')).t, 'ok');
        client.send({ t: 'unsubscribe', id: second, room: 'a' });
        await expectEnd(client, closeCodes.badFrame, 'bad_frame');
      }
    },
  },
  {
    name: 'ids may begin at 0 and have gaps',
    async run({ connect }) {
      const client = await connect();
      for (const id of [0, 7, Number.MAX_SAFE_INTEGER]) {
        client.send({ t: 'unsubscribe', id, room: 'a' });
        assert.equal((await client.expect((frame) => frame['id'] === id, `the answer to ${id}`)).t, 'ok');
      }
    },
  },
  {
    name: 'a known frame with a good id and something wrong is bad input with issues, and the connection lives',
    covers: ['client frame subscribe', 'error bad_input', 'retry never'],
    async run({ connect }) {
      const client = await connect();
      for (const frame of [
        { t: 'subscribe' },
        { t: 'subscribe', room: '' },
        { t: 'subscribe', room: 7 },
        { t: 'subscribe', room: 'x'.repeat(201) },
        { t: 'subscribe', room: 'system', from: 7 },
        { t: 'subscribe', room: 'system', more: 1 },
        { t: 'call', op: '' },
        { t: 'call', op: 'person:me', key: 'two words' },
        { t: 'call', op: 'person:me', key: 'x'.repeat(129) },
        { t: 'call', op: 'person:me', key: 'a\0' },
        { t: 'unsubscribe', room: null },
      ]) {
        const answer = await client.ask(frame);
        expectErr(answer, 'bad_input');
        assert((answer['issues'] as unknown[]).length > 0);
      }
      await expectAlive(client);
    },
  },
  {
    name: 'data nested 10,000 deep is answered, and the connection lives',
    covers: ['error bad_input'],
    async run({ connect }) {
      const client = await connect();
      client.wire.send({ payload: deepData });
      expectErr(await client.expect((frame) => frame['id'] === 1, 'the answer'), 'bad_input');
      client.send({ t: 'unsubscribe', id: 2, room: 'a' });
      assert.equal((await client.expect((frame) => frame['id'] === 2, 'the answer')).t, 'ok');
    },
  },
  {
    name: 'a frame of exactly frameBytes is taken, one byte more is too_large and closes with 4413',
    covers: ['error too_large', 'close 4413'],
    async run({ connect }) {
      const client = await connect();
      const { frameBytes } = client.ready['limits'] as { frameBytes: number };
      const question = '{"t":"unsubscribe","id":1,"room":"a"}';
      client.wire.send({ payload: question.padEnd(frameBytes) });
      assert.equal((await client.expect((frame) => frame['id'] === 1, 'the answer')).t, 'ok');
      client.wire.send({ payload: question.padEnd(frameBytes + 1) });
      await expectEnd(client, closeCodes.tooBig, 'too_large');
    },
  },
  {
    name: 'a frame above frameBytes in fragments closes with 4413 as well',
    covers: ['close 4413'],
    async run({ connect }) {
      const client = await connect();
      const { frameBytes } = client.ready['limits'] as { frameBytes: number };
      client.wire.send({ isFinal: false, payload: ' '.repeat(frameBytes) });
      client.wire.send({ opcode: opcodes.continuation, payload: ' ' });
      await expectEnd(client, closeCodes.tooBig, 'too_large');
    },
  },
  {
    name: 'more frames at once than may wait for their answers close with 4429',
    covers: ['close 4429'],
    async run({ connect }) {
      const client = await connect();
      client.send(...unsubscribes(600));
      await expectEnd(client, closeCodes.abuse);
    },
  },
  {
    name: 'a flood of pongs, receipts and credits is borne or ended, and takes nothing from others',
    covers: ['client frame pong', 'client frame rx', 'client frame ack', 'client frame signal'],
    async run({ connect }) {
      const client = await connect();
      for (let round = 0; round < 50; round++) {
        for (const frame of [
          { t: 'pong' },
          { t: 'rx', n: round },
          { t: 'ack', mid: ['m1'], level: 'delivered' },
          { t: 'signal', op: 'typing:start', data: {} },
        ]) {
          client.send(...Array.from({ length: 100 }, () => frame));
        }
      }
      await Promise.race([client.pong(), client.closed]);
      await expectAlive(await connect());
    },
  },
  {
    name: 'a hundred thousand empty lines are nothing',
    async run({ connect }) {
      const client = await connect();
      for (let round = 0; round < 10; round++) client.wire.send({ payload: '\n'.repeat(10_000) });
      await expectAlive(client);
    },
  },
];
