/** Server-Sent Events and the endpoints of operators: statuses, frames, resume. */
import { strict as assert } from 'node:assert';
import { realtimeStatsSchema } from '@carillon/contracts/gateway-stats';
import { validate } from '@carillon/contracts/schema';
import type { ErrorCode } from '@carillon/contracts/errors';
import { range, type Check } from '../check.ts';
import { field } from '../http.ts';
import type { StreamEvent } from '../event-stream.ts';
import type { Setting } from '../setting.ts';

const events = '/realtime/events';
const isFrame =
  (type: string) =>
  ({ frame }: StreamEvent) =>
    frame.t === type;
const isNumber =
  (number: number) =>
  ({ frame }: StreamEvent) =>
    frame.t === 'msg' && field(frame['data'], 'number') === number;

type Refusal = readonly [
  path: string,
  code: ErrorCode,
  options?: { token?: string | undefined; headers?: Record<string, string> },
];

async function expectRefused(setting: Setting, [path, code, options]: Refusal): Promise<void> {
  const stream = await setting.events(path, options);
  const text = await stream.text;
  assert.notEqual(stream.status, 200, `${path} is answered by a stream`);
  setting.expectError({ status: stream.status, body: JSON.parse(text) as unknown, headers: new Headers() }, code);
}

export const eventStreamChecks: readonly Check[] = [
  {
    name: 'an event stream begins with retry and ready, then says each room with an id',
    covers: ['server frame ready', 'server frame subscribed'],
    async run({ events: open, me }) {
      const stream = await open(`${events}?room=system&room=person:${me.person}`);
      assert.equal(stream.status, 200);
      assert.match(stream.headers['content-type'] ?? '', /^text\/event-stream/);
      assert.equal(stream.headers['cache-control'], 'no-store');
      const ready = await stream.expect(isFrame('ready'), 'ready');
      assert.equal(ready.event, 'ready');
      assert.match(stream.others[0] ?? '', /^retry: ?\d+$/);
      for (const room of [`hospital:${me.hospital}`, `person:${me.person}`]) {
        const joined = await stream.expect(({ frame }) => frame.t === 'subscribed' && frame['room'] === room, room);
        assert.equal(joined.event, 'subscribed');
        assert.equal(joined.frame['recovery'], 'fresh');
      }
      assert(stream.events.at(-1)?.id !== '');
    },
  },
  {
    name: 'an idle event stream gets comments',
    isSlow: true,
    async run({ events: open }) {
      const stream = await open(events);
      const { frame } = await stream.expect(isFrame('ready'), 'ready');
      const { everyMs, waitMs } = frame['ping'] as { everyMs: number; waitMs: number };
      await stream.expectComment(everyMs + waitMs);
    },
  },
  {
    name: 'an event stream that breaks resumes complete after the last id, by header and by parameter',
    needs: ['operatorToken'],
    covers: ['server frame msg', 'recovery complete'],
    async run({ events: open, publish, me }) {
      const room = `person:${me.person}`;
      const stream = await open(events);
      await stream.expect(isFrame('subscribed'), 'subscribed');
      for (const number of range(1, 2)) await publish(room, { number }, 'test:numbered');
      const last = await stream.expect(isNumber(2), 'the second message');
      assert.equal(last.event, 'test:numbered');
      stream.close();
      for (const number of range(3, 4)) await publish(room, { number });
      const byHeader = await open(events, { headers: { 'last-event-id': last.id } });
      const byParameter = await open(`${events}?lastEventId=${encodeURIComponent(last.id)}`);
      for (const resumed of [byHeader, byParameter]) {
        await resumed.expect(isNumber(4), 'the fourth message');
        const joined = resumed.events.find(isFrame('subscribed'));
        assert.equal(joined?.frame['recovery'], 'complete');
        const got = resumed.events.filter(isFrame('msg')).map(({ frame }) => field(frame['data'], 'number'));
        assert.deepEqual(
          got.filter((number) => typeof number === 'number'),
          [3, 4],
        );
      }
    },
  },
  {
    name: 'an id of an event stream that cannot be read is lost',
    covers: ['recovery lost'],
    async run({ events: open }) {
      for (const id of ['*', 'PERSON:x', `PERSON:zzzz-1`, 'x'.repeat(1_000)]) {
        const stream = await open(events, { headers: { 'last-event-id': id } });
        assert.equal((await stream.expect(isFrame('subscribed'), 'subscribed')).frame['recovery'], 'lost', id);
        stream.close();
      }
    },
  },
  {
    name: 'what is wrong with an event stream is answered before it begins',
    async run(setting) {
      const wrong: readonly Refusal[] = [
        [events, 'unauthorised', { token: undefined }],
        [events, 'unauthorised', { token: 'forged' }],
        [`${events}?room=person:*`, 'forbidden'],
        [`${events}?room=person:%3E`, 'forbidden'],
        [`${events}?room=person:a%0d%0ab`, 'forbidden'],
        [`${events}?room=no:such:room`, 'forbidden'],
        [`${events}/hospital/nowhere`, 'forbidden'],
        [`${events}/patient/nobody`, 'forbidden'],
        [`${events}?rooms=system`, 'bad_input'],
        [events, 'forbidden', { headers: { origin: 'https://foreign.example' } }],
      ];
      for (const refusal of wrong) await expectRefused(setting, refusal);
    },
  },
  {
    name: 'stats and test events are for operators only',
    async run({ http, me, expectError }) {
      expectError(await http('GET', '/realtime/stats'), 'unauthorised');
      expectError(await http('GET', '/realtime/stats', { token: me.token }), 'forbidden');
      const body = { room: 'system', event: 'test:happened', data: 1 };
      const answer = await http('POST', '/realtime/test/publish', { token: me.token, body });
      expectError(answer, answer.status === 404 ? 'not_found' : 'forbidden');
    },
  },
  {
    name: 'stats have their schema, and count this very connection',
    needs: ['operatorToken'],
    async run({ operate, connect }) {
      await connect();
      const { status, body } = await operate('GET', '/realtime/stats');
      const checked = validate(realtimeStatsSchema, body);
      assert.equal(status, 200);
      assert(checked.ok, JSON.stringify(checked));
      assert(checked.value.connections.byTransport.webSocket >= 1);
    },
  },
  {
    name: 'test events into what is no room, or with a name that is none, are refused',
    needs: ['operatorToken'],
    async run({ operate, expectError }) {
      const path = '/realtime/test/publish';
      for (const room of ['patient:*', 'hospital:nowhere', 'person:a.b', 'nowhere']) {
        expectError(await operate('POST', path, { room, event: 'a:b', data: 1 }), 'forbidden');
      }
      for (const event of ['a', 'a:b\nid: 1', 'A:b', `a:${'b'.repeat(100)}`]) {
        expectError(await operate('POST', path, { room: 'system', event, data: 1 }), 'bad_input');
      }
      expectError(
        await operate('POST', path, { room: 'system', event: 'a:b', data: 'x'.repeat(1_100_000) }),
        'too_large',
      );
    },
  },
];
