/** How a connection begins: upgrades, subprotocols, origins and tokens, good and bad. */
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { closeCodes } from '@carillon/contracts/errors';
import { expectAlive, expectEnd, expectErr, within, type Check } from '../check.ts';
import { subprotocol } from '../client.ts';
import { openSocket, upgradeHead } from '../wire.ts';

const foreignOrigin = 'https://foreign.example';
const connectWithinMs = 5_000;

export const upgradeChecks: readonly Check[] = [
  {
    name: 'a token in the header is answered with ready by itself, and the own room is joined',
    covers: ['server frame ready'],
    async run({ connect, me }) {
      const { ready, headers } = await connect();
      assert.equal(headers.get('sec-websocket-protocol'), subprotocol);
      assert.equal(ready['person'], me.person);
      assert.equal(ready['id'], undefined);
      assert.deepEqual(ready['rooms'], [`person:${me.person}`]);
      assert.deepEqual(Object.keys(ready['bulk'] as object).sort(), ['bytes', 'messages']);
    },
  },
  {
    name: 'a token as a second subprotocol connects, and is never sent back',
    async run({ connect, open, me }) {
      const client = await connect({ token: undefined, protocols: [subprotocol, `bearer.${me.token}`] });
      assert.equal(client.headers.get('sec-websocket-protocol'), subprotocol);
      const { headers } = await open({ token: undefined, protocols: [`bearer.${me.token}`] });
      assert(!(headers.get('sec-websocket-protocol') ?? '').includes(me.token));
    },
  },
  {
    name: 'a token in the first frame connects, the answer has its id, and a later connect is answered too',
    covers: ['client frame connect', 'server frame ready'],
    async run({ dial, me }) {
      const client = await dial({ token: undefined });
      const frame = { t: 'connect', token: me.token, client: { name: 'conformance', version: '1' }, tab: 'a' };
      assert.equal((await client.ask(frame)).t, 'ready');
      assert.equal((await client.ask({ t: 'connect' }))['person'], me.person);
      await expectAlive(client);
    },
  },
  {
    name: 'frames that arrive together with the token wait for it',
    async run({ dial, me }) {
      const client = await dial({ token: undefined });
      client.send(
        { t: 'connect', id: 1, token: me.token },
        { t: 'unsubscribe', id: 2, room: 'no:such:room' },
        { t: 'connect', id: 3 },
      );
      for (const id of [1, 2, 3]) await client.expect((frame) => frame['id'] === id, `the answer to ${id}`);
    },
  },
  {
    name: 'a subprotocol that is not carillon.v1 is closed with 4406',
    covers: ['close 4406'],
    async run({ dial }) {
      for (const protocols of [[], ['chat.v1'], ['carillon.v2', 'graphql-ws'], ['Carillon.V1']]) {
        await expectEnd(await dial({ protocols }), closeCodes.subprotocol);
      }
    },
  },
  {
    name: 'a foreign origin is refused with 403 before the upgrade, the own one is served',
    async run({ open, connect, url, expectError }) {
      for (const origin of [foreignOrigin, 'null', `https://${url.host}.foreign.example`, 'not an origin']) {
        const { status, body } = await open({ headers: { origin } });
        expectError({ status, body: JSON.parse(body) as unknown, headers: new Headers() }, 'forbidden');
      }
      await connect({ headers: { origin: url.origin } });
    },
  },
  {
    name: 'an upgrade on another path, without a key, of another version or method is refused, not opened',
    async run({ open }) {
      const refused: readonly (readonly [Parameters<typeof open>[0], readonly number[]])[] = [
        [{ path: '/realtime/ws/ward/w1' }, [404]],
        [{ path: '/realtime/nothing' }, [404]],
        [{ headers: { 'sec-websocket-key': undefined } }, [400]],
        [{ headers: { 'sec-websocket-key': 'short' } }, [400]],
        [{ headers: { 'sec-websocket-version': '12' } }, [400, 426]],
        [{ headers: { upgrade: 'h2c' } }, [400, 404, 426]],
        [{ method: 'POST' }, [400, 404, 405]],
      ];
      for (const [options, statuses] of refused) {
        const { status } = await open(options);
        assert(statuses.includes(status), `${JSON.stringify(options)} is answered ${status}`);
      }
    },
  },
  {
    name: 'a plain GET of the endpoint is told that it wants an upgrade',
    async run({ http, expectError }) {
      expectError(await http('GET', '/realtime/ws'), 'bad_input');
    },
  },
  {
    name: 'half a handshake, and headers without end, hold up nobody',
    async run({ url, connect }) {
      const head = upgradeHead(url, { path: '/realtime/ws' }, randomBytes(16).toString('base64'));
      const sockets = await Promise.all(Array.from({ length: 20 }, () => openSocket(url)));
      sockets.forEach((socket, index) => {
        if (index === 0) socket.write(`${head.slice(0, -4)}\r\nx-filling: ${'x'.repeat(100_000)}`);
        else socket.write(head.slice(0, Math.round((head.length * index) / sockets.length)));
      });
      await expectAlive(await connect());
      for (const socket of sockets) socket.destroy();
    },
  },
  {
    name: 'a frame before connect is unauthorised and closes with 4401',
    covers: ['error unauthorised', 'retry reauth', 'close 4401'],
    async run({ dial }) {
      const client = await dial({ token: undefined });
      expectErr(await client.ask({ t: 'subscribe', room: 'system' }), 'unauthorised');
      await expectEnd(client, closeCodes.unauthorised, 'unauthorised');
    },
  },
  {
    name: 'a forged token closes with 4401 wherever it stands, and is never repeated',
    covers: ['close 4401'],
    async run({ dial, me }) {
      const [head = '', claims = ''] = me.token.split('.');
      const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
      const forged = ['x', `${head}.${claims}.${'A'.repeat(43)}`, `${none}.${claims}.`];
      for (const token of forged) {
        const clients = [await dial({ token }), await dial({ token: undefined })];
        clients[1]?.send({ t: 'connect', id: 1, token });
        for (const client of clients) {
          await expectEnd(client, closeCodes.unauthorised, 'unauthorised');
          if (token.length > 1) assert(!JSON.stringify(client.frames).includes(token.slice(-40)));
        }
      }
    },
  },
  {
    name: 'a connect without a token is bad input and closes',
    covers: ['error bad_input', 'close 4401'],
    async run({ dial }) {
      const client = await dial({ token: undefined });
      expectErr(await client.ask({ t: 'connect' }), 'bad_input');
      await expectEnd(client, closeCodes.unauthorised);
    },
  },
  {
    name: 'who does not connect within 5 s is closed with 4408',
    covers: ['close 4408'],
    isSlow: true,
    async run({ dial }) {
      const client = await dial({ token: undefined });
      const startedAt = performance.now();
      await expectEnd(client, closeCodes.noConnect);
      const tookMs = performance.now() - startedAt;
      assert(tookMs > connectWithinMs - 500, `it was closed after ${tookMs} ms`);
    },
  },
  {
    name: 'who does not answer a ping is closed with 4003, whatever else he sends',
    covers: ['server frame ping', 'close 4003'],
    isSlow: true,
    async run({ connect }) {
      const client = await connect({ isSilent: true });
      const { everyMs, waitMs } = client.ready['ping'] as { everyMs: number; waitMs: number };
      const chatter = setInterval(() => client.send({ t: 'rx', n: 0 }), 1_000);
      const ending = await within(client.closed, everyMs + waitMs + 5_000, 'the end').finally(() =>
        clearInterval(chatter),
      );
      assert.equal(ending.code, closeCodes.noPong);
      assert(client.pings.length >= 1);
    },
  },
];
