/** Calls by frame and by `POST /realtime/command`: answers, keys, and what is refused. */
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { closeCodes } from '@carillon/contracts/errors';
import { expectAlive, expectErr, isType, range, type Check } from '../check.ts';
import { field } from '../http.ts';
import type { Setting } from '../setting.ts';

const injected = ['>', '*', 'a.b', 'a b', 'a\r\nb', 'a\0b', 'ä', '🏥', '', 'x'.repeat(65), '../a', '$1', '${a}'];
/** A kind of its own, so that no alert of anybody else is met. */
const alarm = (setting: Setting) => ({
  patientId: setting.need('patient'),
  kind: `conformance-${randomUUID().slice(0, 8)}`,
  priority: 'low',
  message: 'Conformance: a rehearsal',
});

export const callChecks: readonly Check[] = [
  {
    name: 'a query is answered, by frame and by HTTP alike',
    covers: ['client frame call', 'server frame ok'],
    async run({ connect, http, me }) {
      const client = await connect();
      const answer = await client.ask({ t: 'call', op: 'person:me' });
      assert.equal(answer.t, 'ok', JSON.stringify(answer));
      assert.equal(field(answer['data'], 'person'), me.person);
      const byHttp = await http('POST', '/realtime/command', {
        token: me.token,
        body: { t: 'call', id: 3, op: 'person:me' },
      });
      assert.deepEqual([byHttp.status, byHttp.body], [200, { t: 'ok', id: 3, data: answer['data'] }]);
      const plain = await http('GET', '/v1/me', { token: me.token });
      assert.deepEqual([plain.status, plain.body], [200, answer['data']]);
    },
  },
  {
    name: 'an operation that does not exist is not_found, also where every object has one of that name',
    covers: ['error not_found', 'retry never'],
    async run({ connect }) {
      const client = await connect();
      for (const op of ['alert:dance', '__proto__', 'constructor', 'toString', '*', '>', 'person.me', 'cmd.>']) {
        expectErr(await client.ask({ t: 'call', op }), 'not_found');
      }
      await expectAlive(client);
    },
  },
  {
    name: 'an operation that the role may not use is forbidden, before its input is looked at',
    covers: ['error forbidden'],
    async run({ connect }) {
      const client = await connect();
      for (const data of [{}, { wards: '>' }]) {
        expectErr(await client.ask({ t: 'call', op: 'hospital:import', data }), 'forbidden');
      }
    },
  },
  {
    name: 'ids that are none are bad input, and reach no subject',
    covers: ['error bad_input'],
    async run({ connect }) {
      const client = await connect();
      for (const alertId of injected) {
        expectErr(await client.ask({ t: 'call', op: 'alert:acknowledge', data: { alertId } }), 'bad_input');
      }
      for (const data of [null, [], 'x', 7, { alertId: 'a5', extra: {} }]) {
        expectErr(await client.ask({ t: 'call', op: 'alert:acknowledge', data }), 'bad_input');
      }
      await expectAlive(client);
    },
  },
  {
    name: 'the same key gives the same result, another body key_reused, and what is over is a conflict',
    needs: ['patient'],
    covers: ['error key_reused', 'error conflict', 'retry resnapshot'],
    async run(setting) {
      const client = await setting.connect();
      const key = randomUUID();
      const data = alarm(setting);
      const raise = { t: 'call', op: 'alert:raise', key, data };
      const first = await client.ask(raise);
      const second = await client.ask(raise);
      assert.deepEqual([first.t, second['data']], ['ok', first['data']], JSON.stringify([first, second]));
      expectErr(await client.ask({ ...raise, data: { ...data, message: 'Another' } }), 'key_reused');
      const alertId = field(first['data'], 'alertId');
      const resolve = { t: 'call', op: 'alert:resolve', data: { alertId } };
      assert.equal((await client.ask(resolve)).t, 'ok');
      expectErr(await client.ask(resolve), 'conflict');
    },
  },
  {
    name: 'a query whose service does not run is unavailable',
    needs: ['absentQuery'],
    covers: ['error unavailable', 'retry backoff'],
    async run({ connect, need }) {
      expectErr(await (await connect()).ask({ t: 'call', op: need('absentQuery') }), 'unavailable');
    },
  },
  {
    name: 'the command endpoint refuses as a connection does, each with the status of its code',
    async run({ http, me, expectError, connect }) {
      const { ready } = await connect();
      const { frameBytes } = ready['limits'] as { frameBytes: number };
      const ask = (body: unknown, headers: Record<string, string> = {}, token: string | undefined = me.token) =>
        http('POST', '/realtime/command', { token, body, headers });
      expectError(await ask({ t: 'call', id: 9, op: 'no:such' }), 'not_found');
      expectError(await ask({ t: 'call', id: 9, op: 'hospital:import' }), 'forbidden');
      expectError(await ask({ t: 'call', id: 9, op: 'person:me', more: 1 }), 'bad_input');
      expectError(await ask({ t: 'ack', mid: ['m'], level: 'eaten' }), 'bad_input');
      expectError(await ask('{"t":"call"'), 'bad_input');
      for (const body of [{ t: 'subscribe', id: 9, room: 'system' }, { t: 'call', op: 'person:me' }, [], null, '7']) {
        expectError(await ask(body), 'bad_frame');
      }
      expectError(await ask(`${'['.repeat(10_000)}${']'.repeat(10_000)}`), 'bad_frame');
      expectError(await ask({ t: 'call', id: 9, op: 'person:me', data: 'x'.repeat(frameBytes) }), 'too_large');
      expectError(await ask({ t: 'call', id: 9, op: 'person:me' }, { origin: 'https://foreign.example' }), 'forbidden');
      expectError(await ask({ t: 'call', id: 9, op: 'person:me' }, {}, 'forged'), 'unauthorised');
      expectError(await http('POST', '/realtime/command', { body: { t: 'signal', op: 'a:b' } }), 'unauthorised');
    },
  },
  {
    name: 'receipts and signals are taken, by frame and by HTTP',
    covers: ['client frame ack', 'client frame signal'],
    async run({ connect, http, me }) {
      const client = await connect();
      for (const level of ['delivered', 'displayed', 'read']) {
        const frame = { t: 'ack', mid: [randomUUID()], level };
        client.send(frame);
        assert.equal((await http('POST', '/realtime/command', { token: me.token, body: frame })).status, 204);
      }
      const signal = { t: 'signal', op: 'typing:start', data: { conversationId: 'c9' } };
      client.send(signal);
      assert.equal((await http('POST', '/realtime/command', { token: me.token, body: signal })).status, 204);
      await expectAlive(client);
    },
  },
];

/** They use up what a person has for a minute: to run last. */
export const limitChecks: readonly Check[] = [
  {
    name: 'a flood of calls is told when to come again, and the connection lives',
    needs: ['otherToken'],
    covers: ['error rate_limited', 'retry after'],
    async run({ connect, need }) {
      const client = await connect({ token: need('otherToken') });
      const { callsPerMinute } = client.ready['limits'] as { callsPerMinute: number };
      const maxWaiting = 100;
      let limited = undefined;
      for (let first = 1; limited === undefined && first <= callsPerMinute + 1 + maxWaiting; first += maxWaiting) {
        const ids = range(first, first + maxWaiting - 1);
        client.send(...ids.map((id) => ({ t: 'call', id, op: 'person:me' })));
        for (const id of ids) await client.expect((frame) => frame['id'] === id, `the answer to ${id}`);
        limited = client.frames.find((frame) => frame['code'] === 'rate_limited');
      }
      assert(limited !== undefined, 'no call was refused');
      assert.equal(limited['retry'], 'after');
      assert(Number(limited['afterMs']) > 0);
      client.send({ t: 'unsubscribe', id: Number.MAX_SAFE_INTEGER, room: 'a' });
      await client.expect((frame) => frame['id'] === Number.MAX_SAFE_INTEGER, 'an answer');
    },
  },
  {
    name: 'more connections than a person may have are refused with rate_limited and 4301',
    needs: ['otherToken'],
    covers: ['error rate_limited', 'retry after', 'close 4301'],
    async run({ dial, need }) {
      const token = need('otherToken');
      for (let count = 0; count < 1_000; count++) {
        const client = await dial({ token });
        const first = await client.expect((frame) => isType('ready')(frame) || isType('err')(frame), 'ready or err');
        if (first.t === 'ready') continue;
        expectErr(first, 'rate_limited');
        assert(Number(first['afterMs']) > 0);
        const { code } = await client.closed;
        assert.equal(code, closeCodes.rateLimited);
        return;
      }
      assert.fail('a thousand connections of one person were taken');
    },
  },
];
