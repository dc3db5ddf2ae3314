/** Rooms: who may enter, what they answer, and names that try to be more than a name. */
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { closeCodes } from '@carillon/contracts/errors';
import { expectAlive, expectEnd, expectErr, isType, range, type Check } from '../check.ts';

const endWithinMs = 2_000;

const noRooms = (person: string, hospital: string): readonly string[] => [
  'person:*',
  'person:>',
  '>',
  '*',
  `person:${person}.>`,
  `person:${person}.critical`,
  `person:${person} `,
  ` person:${person}`,
  `person:${person}\r\nSUB > 1`,
  `person:${person}\n`,
  `person:${person}\0`,
  `person:${person}:`,
  `person:${person}:extra`,
  `person::${person}`,
  `PERSON:${person}`,
  'person:ｎ１',
  'person:n\u200b1',
  'person:\u202e1n',
  'person:🏥',
  `person:${'x'.repeat(65)}`,
  `person:${person}/../other`,
  `person:%6e1`,
  `hospital:${hospital}.>`,
  `hospital:${hospital}:alerts.>`,
  'ward:>:alerts',
  'ward:*:vitals',
  'patient:<id>',
  'patient:$1',
  'presence:person:*',
  'presence:>',
  '$JS.API.STREAM.LIST',
  '_INBOX.>',
  '$SYS.>',
  '__proto__',
  'constructor',
  'no:such:room',
];

export const roomChecks: readonly Check[] = [
  {
    name: 'a room is entered, left and entered anew; to leave a room in which one is not is no error',
    covers: ['client frame subscribe', 'client frame unsubscribe', 'server frame subscribed', 'server frame ok'],
    async run({ connect, me }) {
      const client = await connect();
      const room = `hospital:${me.hospital}`;
      for (let round = 0; round < 2; round++) {
        const answer = await client.ask({ t: 'subscribe', room });
        assert.deepEqual([answer.t, answer['room'], answer['recovery']], ['subscribed', room, 'fresh']);
        assert.equal(typeof answer['pos'], 'string');
        for (let again = 0; again < 2; again++) assert.equal((await client.ask({ t: 'unsubscribe', room })).t, 'ok');
      }
    },
  },
  {
    name: 'system is the own hospital and says so',
    covers: ['recovery fresh', 'lane normal'],
    async run({ connect, me }) {
      const answer = await (await connect()).ask({ t: 'subscribe', room: 'system' });
      assert.deepEqual([answer['room'], answer['lane']], [`hospital:${me.hospital}`, 'normal']);
    },
  },
  {
    name: 'names that are no rooms, wildcards and other tricks included, answer alike to the letter',
    covers: ['error forbidden', 'retry never'],
    async run({ connect, me }) {
      const client = await connect();
      const answers = new Set<string>();
      const names = [...noRooms(me.person, me.hospital), `person:${randomUUID()}`, `patient:${randomUUID()}`];
      for (const room of names) {
        const { id: _, ...answer } = await client.ask({ t: 'subscribe', room });
        expectErr(answer, 'forbidden');
        answers.add(JSON.stringify(answer));
      }
      assert.deepEqual([...answers], [...answers].slice(0, 1));
      await expectAlive(client);
    },
  },
  {
    name: 'a room of another person answers as one that does not exist',
    needs: ['otherToken'],
    covers: ['error forbidden'],
    async run({ connect, need }) {
      const other = await connect({ token: need('otherToken') });
      const client = await connect();
      const { id: first, ...his } = await client.ask({
        t: 'subscribe',
        room: `person:${String(other.ready['person'])}`,
      });
      const { id: second, ...none } = await client.ask({ t: 'subscribe', room: `person:${randomUUID()}` });
      assert.deepEqual(his, none);
      assert(first !== second);
    },
  },
  {
    name: 'a path joins its rooms from the start',
    async run({ connect, me }) {
      const client = await connect({ path: `/realtime/ws/hospital/${me.hospital}` });
      const rooms = client.ready['rooms'] as string[];
      assert(rooms.includes(`person:${me.person}`) && rooms.includes(`hospital:${me.hospital}`), rooms.join(' '));
    },
  },
  {
    name: 'a path that names a room of others, or none, ends with forbidden and 4403',
    covers: ['error forbidden', 'close 4403'],
    async run({ greet }) {
      for (const path of [
        '/realtime/ws/hospital/nowhere',
        '/realtime/ws/patient/nobody',
        '/realtime/ws/patient/%3E',
        '/realtime/ws/patient/%2e%2e',
      ]) {
        await expectEnd(await greet({ path }), closeCodes.forbidden, 'forbidden');
      }
    },
  },
  {
    name: 'positions that are none are lost, whatever they hold',
    covers: ['recovery lost'],
    async run({ connect, me }) {
      const client = await connect();
      for (const from of [
        'x',
        '*',
        '>',
        '0',
        '-1',
        '0-0',
        'zzzz-1',
        `zzzz-${'9'.repeat(15)}`,
        "e7-1'; --",
        'a\0b',
        '🏥',
      ]) {
        const answer = await client.ask({ t: 'subscribe', room: `person:${me.person}`, from });
        assert.deepEqual([answer.t, answer['recovery']], ['subscribed', 'lost'], JSON.stringify([from, answer]));
      }
      expectErr(await client.ask({ t: 'subscribe', room: 'system', from: 'x'.repeat(65) }), 'bad_input');
      expectErr(await client.ask({ t: 'subscribe', room: 'system', from: '' }), 'bad_input');
    },
  },
  {
    name: 'more rooms than the limit are refused, and one that is left makes place',
    covers: ['error rate_limited'],
    async run({ connect }) {
      const client = await connect();
      const { rooms: limit } = client.ready['limits'] as { rooms: number };
      // A directory keeps no list of devices: any id makes a room.
      const room = (index: number): string => `device:conformance:d${index}`;
      for (const index of range(1, limit - 1)) {
        assert.equal((await client.ask({ t: 'subscribe', room: room(index) })).t, 'subscribed');
      }
      const refused = await client.ask({ t: 'subscribe', room: room(limit) });
      assert.deepEqual([refused.t, refused['code']], ['err', 'rate_limited']);
      assert.equal((await client.ask({ t: 'unsubscribe', room: room(1) })).t, 'ok');
      assert.equal((await client.ask({ t: 'subscribe', room: room(limit) })).t, 'subscribed');
    },
  },
  {
    name: 'an operator who ends a subscription takes the person out of that room, and the connection lives',
    needs: ['operatorToken'],
    covers: ['server frame unsubscribed', 'end ended'],
    async run({ connect, operate, me }) {
      const client = await connect();
      const room = `hospital:${me.hospital}`;
      await client.ask({ t: 'subscribe', room });
      const data = { person: me.person, room, reason: 'conformance' };
      const frame = { t: 'call', id: 1, op: 'subscription:end', key: randomUUID(), data };
      const answer = await operate('POST', '/realtime/command', frame);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const ended = await client.expect(isType('unsubscribed'), 'unsubscribed', endWithinMs);
      assert.deepEqual([ended['room'], ended['code']], [room, 'ended']);
      await expectAlive(client);
    },
  },
  {
    name: 'without a fresh second factor nobody breaks the glass, with one he enters until it ends',
    needs: ['mfaToken', 'foreignPatient'],
    covers: ['error mfa_required', 'server frame unsubscribed', 'end relation_ended'],
    async run({ connect, need }) {
      const patientId = need('foreignPatient');
      const room = `patient:${patientId}`;
      const stale = await connect();
      const data = { patientId, reason: 'Conformance: an emergency is rehearsed' };
      expectErr(await stale.ask({ t: 'subscribe', room }), 'forbidden');
      expectErr(await stale.ask({ t: 'call', op: 'access:breakGlass', data }), 'mfa_required');
      const fresh = await connect({ token: need('mfaToken') });
      const broken = await fresh.ask({ t: 'call', op: 'access:breakGlass', data });
      assert.equal(broken.t, 'ok', JSON.stringify(broken));
      // The right reaches the gateway by another way than the answer.
      const deadline = performance.now() + endWithinMs;
      let answer = await fresh.ask({ t: 'subscribe', room });
      while (answer.t === 'err' && performance.now() < deadline) answer = await fresh.ask({ t: 'subscribe', room });
      assert.equal(answer.t, 'subscribed', JSON.stringify(answer));
      const over = await fresh.ask({ t: 'call', op: 'access:endBreakGlass', data: { patientId } });
      assert.equal(over.t, 'ok', JSON.stringify(over));
      const ended = await fresh.expect(isType('unsubscribed'), 'unsubscribed', endWithinMs);
      assert.deepEqual([ended['room'], ended['code']], [room, 'relation_ended']);
      expectErr(await fresh.ask({ t: 'subscribe', room }), 'forbidden');
    },
  },
];
