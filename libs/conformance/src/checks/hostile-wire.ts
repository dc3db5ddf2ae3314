/** What no WebSocket library sends: frames that break RFC 6455, and messages in unusual pieces. */
import { strict as assert } from 'node:assert';
import { expectAlive, expectEnd, within, type Check } from '../check.ts';
import { closePayload, encodeWireFrame, opcodes, type Draft } from '../wire-frames.ts';

const protocolError = 1002;
const notUtf8 = 1007;
const tooBig = 1009;
const megabyte = 1024 * 1024;
const { continuation, text, binary, close, ping, pong } = opcodes;
const question = '{"t":"unsubscribe","id":1,"room":"no:such:room"}';

const endings: readonly (readonly [string, number, readonly Draft[]])[] = [
  ['an unmasked frame', protocolError, [{ payload: question, isMasked: false }]],
  ['a frame with reserved bits', protocolError, [{ payload: question, reservedBits: 1 }]],
  ['a frame marked as compressed, which was not agreed upon', protocolError, [{ payload: question, reservedBits: 4 }]],
  ['a reserved data opcode', protocolError, [{ opcode: 3, payload: question }]],
  ['a reserved control opcode', protocolError, [{ opcode: 11, payload: 'x' }]],
  ['a ping of 126 bytes', protocolError, [{ opcode: ping, payload: 'x'.repeat(126) }]],
  ['a close of 126 bytes', protocolError, [{ opcode: close, payload: closePayload(1000, 'x'.repeat(124)) }]],
  ['a fragmented ping', protocolError, [{ opcode: ping, isFinal: false }]],
  ['a continuation of nothing', protocolError, [{ opcode: continuation, payload: question }]],
  [
    'a new message within a fragmented one',
    protocolError,
    [
      { opcode: text, isFinal: false, payload: '{' },
      { opcode: text, payload: question },
    ],
  ],
  ['a close with half a code', protocolError, [{ opcode: close, payload: 'x' }]],
  ['a close with a code that may not be sent', protocolError, [{ opcode: close, payload: closePayload(1005) }]],
  ['a close with a code that does not exist', protocolError, [{ opcode: close, payload: closePayload(999) }]],
  ['a close whose reason is no UTF-8', notUtf8, [{ opcode: close, payload: closePayload(1000, Buffer.from([0xff])) }]],
  ['text that is no UTF-8', notUtf8, [{ payload: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }]],
  ['half a surrogate pair as UTF-8', notUtf8, [{ payload: Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]) }]],
  [
    'text that is no UTF-8, in fragments',
    notUtf8,
    [
      { isFinal: false, payload: Buffer.from([0x22, 0xc3]) },
      { opcode: continuation, payload: Buffer.from([0x28, 0x22]) },
    ],
  ],
  ['a frame above a megabyte', tooBig, [{ payload: Buffer.alloc(megabyte + 1, ' ') }]],
  ['a header that claims 2^62 bytes', tooBig, [{ payload: 'x', claimedLength: 2n ** 62n }]],
  ['a header that claims 2^63 bytes and more', tooBig, [{ payload: 'x', claimedLength: 2n ** 64n - 1n }]],
  [
    'fragments without end',
    tooBig,
    [
      { isFinal: false, payload: Buffer.alloc(16_384, ' ') },
      ...Array.from({ length: 80 }, () => ({
        opcode: continuation,
        isFinal: false,
        payload: Buffer.alloc(16_384, ' '),
      })),
    ],
  ],
];

export const hostileWireChecks: readonly Check[] = [
  ...endings.map(([what, code, drafts]): Check => ({
    name: `${what} is closed with ${code}`,
    async run({ connect }) {
      const client = await connect();
      for (const draft of drafts) client.wire.send(draft);
      await expectEnd(client, code);
    },
  })),
  {
    name: 'a message in fragments is one, also with a ping between them and a character that is cut',
    async run({ connect }) {
      const client = await connect();
      const bytes = Buffer.from('{"t":"unsubscribe","id":7,"room":"zimmer:ü:🏥"}');
      const cuts = [bytes.indexOf('ü') + 1, bytes.indexOf('🏥') + 2];
      client.wire.send({ isFinal: false, payload: bytes.subarray(0, cuts[0]) });
      await client.pong('between');
      client.wire.send({ opcode: continuation, isFinal: false, payload: bytes.subarray(cuts[0], cuts[1]) });
      client.wire.send({ opcode: continuation, isFinal: false });
      client.wire.send({ opcode: continuation, payload: bytes.subarray(cuts[1]) });
      const answer = await client.expect((frame) => frame['id'] === 7, 'the answer');
      assert.equal(answer.t, 'ok');
    },
  },
  {
    name: 'a frame that comes byte by byte is one',
    async run({ connect }) {
      const client = await connect();
      for (const byte of encodeWireFrame({ payload: question })) {
        client.wire.write(Uint8Array.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal((await client.expect((frame) => frame['id'] === 1, 'the answer')).t, 'ok');
    },
  },
  {
    name: 'many frames in one segment are answered each',
    async run({ connect }) {
      const client = await connect();
      const ids = Array.from({ length: 100 }, (_, index) => index + 1);
      const frames = ids.map((id) => encodeWireFrame({ payload: JSON.stringify({ t: 'unsubscribe', id, room: 'a' }) }));
      client.wire.write(Buffer.concat(frames));
      for (const id of ids) await client.expect((frame) => frame['id'] === id, `the answer to ${id}`);
    },
  },
  {
    name: 'empty fragments without end, with a ping now and then, stop nobody else',
    async run({ connect }) {
      const client = await connect();
      client.wire.send({ isFinal: false, payload: '{' });
      const empty = encodeWireFrame({ opcode: continuation, isFinal: false });
      client.wire.write(Buffer.concat(Array.from({ length: 20_000 }, () => empty)));
      // Both are good: to go on, or to end it.
      await Promise.race([client.pong(), client.closed]);
    },
  },
  {
    name: 'a header that claims more than comes is waited for, and its end leaves nothing',
    async run({ connect }) {
      const client = await connect();
      client.wire.send({ payload: '{"t":"pong"', claimedLength: 30_000n });
      client.wire.destroy();
      await expectAlive(await connect());
    },
  },
  {
    name: 'an empty message and a pong that nobody asked for are passed over',
    async run({ connect }) {
      const client = await connect();
      client.wire.send({ payload: '' });
      client.wire.send({ payload: '\n \r\n\n' });
      client.wire.send({ opcode: pong, payload: 'unasked' });
      await expectAlive(client);
    },
  },
  {
    name: 'pings of WebSocket itself are answered with their payload',
    async run({ connect }) {
      const client = await connect();
      for (const payload of ['', 'x', 'x'.repeat(125)]) await client.pong(payload);
    },
  },
  {
    name: 'a close is answered with its code, and what comes behind it is not looked at',
    async run({ connect }) {
      const client = await connect();
      client.wire.send({ opcode: close, payload: closePayload(1000) });
      client.wire.send({ payload: question });
      const ending = await within(client.closed, 5_000, 'the end');
      assert.equal(ending.code, 1000);
      assert(!client.frames.some((frame) => frame['id'] === 1));
    },
  },
  {
    name: 'an offer of compression is declined',
    async run({ connect }) {
      // A server that takes it up fails in `openWire`: nothing here can inflate.
      const client = await connect({
        headers: { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' },
      });
      await client.pong();
    },
  },
  {
    name: 'a connection that is cut within a frame leaves nothing, two hundred times over',
    async run({ dial, connect }) {
      const bytes = encodeWireFrame({ opcode: binary, payload: 'x'.repeat(200) });
      for (let round = 0; round < 200; round += 20) {
        const clients = await Promise.all(Array.from({ length: 20 }, () => dial({ token: undefined })));
        clients.forEach((client, index) => {
          client.wire.write(bytes.subarray(0, 1 + index));
          client.wire.destroy();
        });
      }
      await expectAlive(await connect());
    },
  },
];
