import { expect, test } from '@jest/globals';
import type { Role } from '@carillon/contracts/define';
import { closeReasonOf, endedRoomOf, type AccessChange } from './access.ts';
import type { Identity } from './tokens.ts';

const at = 1_000_000;
const who = (more: Partial<Identity> = {}): Identity => ({
  person: 'n1',
  hospital: 'h1',
  roles: ['nurse'],
  name: 'n1',
  expiresAt: at + 10_000,
  issuedAt: at,
  tokenId: 't1',
  ...more,
});
const change = (kind: AccessChange['kind'], id: string, more: Partial<AccessChange> = {}): AccessChange => ({
  kind,
  hospital: 'h1',
  id,
  at,
  until: null,
  ...more,
});
const device: readonly Role[] = ['device'];

test.each<[string, AccessChange, Identity, ReturnType<typeof closeReasonOf>]>([
  ['its token', change('token', 't1'), who(), 'tokenRevoked'],
  ['its token by logging out', change('token', 't1', { isLogout: true }), who(), 'loggedOut'],
  ['another token', change('token', 't2'), who(), undefined],
  ['a token, where its own has no name', change('token', 't1'), { ...who(), tokenId: undefined as never }, undefined],
  ['its person', change('person', 'n1'), who(), 'tokenRevoked'],
  ['its person, before the token was issued', change('person', 'n1'), who({ issuedAt: at + 1 }), undefined],
  [
    'its person, with a token of no date',
    change('person', 'n1'),
    { ...who(), issuedAt: undefined as never },
    'tokenRevoked',
  ],
  ['another person', change('person', 'n2'), who(), undefined],
  ['its person in another hospital', change('person', 'n1', { hospital: 'h2' }), who(), undefined],
  ['its device', change('device', 'd1'), who({ deviceId: 'd1' }), 'tokenRevoked'],
  ['itself, a device', change('device', 'n1'), who({ roles: device }), 'tokenRevoked'],
  ['a device of its person’s name', change('device', 'n1'), who(), undefined],
  ['connections of the person', change('disconnect', 'n1'), who(), 'loggedOut'],
  ['a subscription', change('subscription', 'n1', { room: 'ward:w1:alerts' }), who(), undefined],
])('a change of %s ends a connection as it should', (_, changed, identity, reason) => {
  expect(closeReasonOf(changed, identity, at)).toBe(reason);
});

test('a disconnect ends no connection that began after it', () => {
  expect(closeReasonOf(change('disconnect', 'n1'), who(), at + 1)).toBeUndefined();
});

test('the end of a subscription names the room, to its person only', () => {
  const ended = change('subscription', 'n1', { room: 'ward:w1:alerts' });
  expect(endedRoomOf(ended, who())).toBe('ward:w1:alerts');
  expect(endedRoomOf(ended, who({ person: 'n2' }))).toBeUndefined();
  expect(endedRoomOf(change('person', 'n1'), who())).toBeUndefined();
});
