/** Tokens that end while a connection lives, new ones, and those that are taken back. */
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { closeCodes } from '@carillon/contracts/errors';
import { claimOf } from '../claims.ts';
import { expectAlive, expectEnd, expectErr, isType, within, type Check } from '../check.ts';

/** Over all gateways. */
const revokedWithinMs = 2_000;
const graceMs = 25_000;

export const tokenChecks: readonly Check[] = [
  {
    name: 'an expired token closes with 4100, in header and frame alike',
    needs: ['expiredToken'],
    covers: ['error unauthorised', 'close 4100'],
    async run({ dial, need }) {
      const token = need('expiredToken');
      await expectEnd(await dial({ token }), closeCodes.tokenExpired, 'unauthorised');
      const client = await dial({ token: undefined });
      client.send({ t: 'connect', id: 1, token });
      await expectEnd(client, closeCodes.tokenExpired, 'unauthorised');
    },
  },
  {
    name: 'a token that ends soon asks for another one, and after the grace the connection is closed with 4100',
    needs: ['expiringToken'],
    covers: ['server frame reauth', 'close 4100'],
    isSlow: true,
    async run({ connect, need }) {
      const client = await connect({ token: need('expiringToken') });
      const asked = await client.expect(isType('reauth'), 'reauth');
      const askedAt = performance.now();
      assert.equal(asked['graceMs'], graceMs);
      const ending = await within(client.closed, 60_000, 'the end');
      assert.equal(ending.code, closeCodes.tokenExpired);
      assert(performance.now() - askedAt > graceMs - 1_000, 'it was closed before the grace was over');
    },
  },
  {
    name: 'a connection that sends a new token outlives the one it began with',
    needs: ['expiringToken'],
    covers: ['client frame reauth', 'server frame reauth', 'server frame ok'],
    isSlow: true,
    async run({ connect, need, me }) {
      const client = await connect({ token: need('expiringToken') });
      await client.expect(isType('reauth'), 'reauth');
      const answer = await client.ask({ t: 'reauth', token: me.token });
      assert.equal(answer.t, 'ok', JSON.stringify(answer));
      const left = Number(claimOf(need('expiringToken'), 'exp')) * 1_000 - Date.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, left) + graceMs + 2_000));
      await expectAlive(client);
    },
  },
  {
    name: 'a reauth with a forged token closes with 4401',
    covers: ['client frame reauth', 'close 4401'],
    async run({ connect }) {
      const client = await connect();
      expectErr(await client.ask({ t: 'reauth', token: 'forged' }), 'unauthorised');
      await expectEnd(client, closeCodes.unauthorised);
    },
  },
  {
    name: 'a reauth with the token of another person closes with 4401',
    needs: ['otherToken'],
    covers: ['client frame reauth', 'close 4401'],
    async run({ connect, need }) {
      const client = await connect();
      expectErr(await client.ask({ t: 'reauth', token: need('otherToken') }), 'unauthorised');
      await expectEnd(client, closeCodes.unauthorised);
    },
  },
  {
    name: 'a token that is revoked ends its connections with 4101 within 2 s, opens none and calls nothing',
    needs: ['operatorToken', 'revocableToken'],
    covers: ['close 4101'],
    async run({ connect, dial, need, operate, http, expectError }) {
      const token = need('revocableToken');
      const client = await connect({ token });
      const input = { kind: 'token', id: claimOf(token, 'jti'), reason: 'conformance' };
      const frame = { t: 'call', id: 1, op: 'access:revoke', key: randomUUID(), data: input };
      const answer = await operate('POST', '/realtime/command', frame);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const ending = await within(client.closed, revokedWithinMs, 'the end with 4101');
      assert.equal(ending.code, closeCodes.tokenRevoked);
      await expectEnd(await dial({ token }), closeCodes.tokenRevoked, 'unauthorised');
      expectError(await http('GET', '/v1/me', { token }), 'unauthorised');
    },
  },
  {
    name: 'an operator who disconnects a person ends the connections with 4440, and does not lock out',
    needs: ['operatorToken', 'otherToken'],
    covers: ['close 4440'],
    async run({ connect, need, operate }) {
      const token = need('otherToken');
      const client = await connect({ token });
      const data = { person: client.ready['person'], reason: 'conformance' };
      const frame = { t: 'call', id: 1, op: 'person:disconnect', key: randomUUID(), data };
      const answer = await operate('POST', '/realtime/command', frame);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const ending = await within(client.closed, revokedWithinMs, 'the end with 4440');
      assert.equal(ending.code, closeCodes.loggedOut);
      await expectAlive(await connect({ token }));
    },
  },
];
