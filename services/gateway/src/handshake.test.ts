import { afterEach, expect, test } from '@jest/globals';
import { CodedError } from '@carillon/contracts/errors';
import { gatewayConfig } from '../test/config.ts';
import { claimsOf, signed } from '../test/tokens.ts';
import { createAdmission, parseNetworks, type Gatekeeper } from './handshake.ts';
import { connectionCeiling, createBuckets, type Buckets } from './limits.ts';
import { createTokens, type Identity } from './tokens.ts';

let time = 0;
const made: Buckets[] = [];
afterEach(() => {
  for (const buckets of made.splice(0)) buckets.stop();
});
function open(environment: Record<string, string> = {}, countOf = (): number => 0): Gatekeeper {
  time = 1_000;
  const config = gatewayConfig(environment);
  const [buckets, strangers] = [createBuckets(() => time), createBuckets(() => time)];
  made.push(buckets, strangers);
  const tokens = createTokens(config, () => Date.now());
  return createAdmission({ config, tokens, buckets, strangers, countOf });
}
const refusal = (act: () => void): CodedError | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
};
const codes = async (keeper: Gatekeeper, address: string, count: number): Promise<string[]> => {
  const found: string[] = [];
  for (let index = 0; index < count; index++) {
    const error: unknown = await keeper.admit(`bad-${index}`, address).catch((thrown: unknown) => thrown);
    found.push((error as CodedError).code);
  }
  return found;
};

test('an address that tries one bad token after another comes to its ceiling, and valid tokens from there do not', async () => {
  const keeper = open({ CARILLON_LIMIT_FAILED_HANDSHAKES_ADDRESS: '3' });
  expect(await codes(keeper, '10.0.0.1', 4)).toEqual(['unauthorised', 'unauthorised', 'unauthorised', 'rate_limited']);
  expect(await keeper.admit(await signed(claimsOf('n1', ['nurse'])), '10.0.0.1')).toMatchObject({ person: 'n1' });
  expect(await codes(keeper, '10.0.0.2', 1)).toEqual(['unauthorised']);
  time += 20_000;
  expect(await codes(keeper, '10.0.0.1', 2)).toEqual(['unauthorised', 'rate_limited']);
});

test('a trusted network has no ceiling, and each bad token still has its own', async () => {
  const keeper = open({
    CARILLON_LIMIT_FAILED_HANDSHAKES_ADDRESS: '1',
    CARILLON_LIMIT_FAILED_HANDSHAKES: '2',
    CARILLON_TRUSTED_NETWORKS: '10.0.0.0/8, 2001:db8::/32',
  });
  expect(new Set(await codes(keeper, '10.200.3.4', 20))).toEqual(new Set(['unauthorised']));
  expect(new Set(await codes(keeper, '2001:db8::7', 20))).toEqual(new Set(['unauthorised']));
  expect(await codes(keeper, '192.0.2.1', 2)).toEqual(['unauthorised', 'rate_limited']);
  for (const code of ['unauthorised', 'unauthorised', 'rate_limited']) {
    await expect(keeper.admit('the same', '10.0.0.9')).rejects.toMatchObject({ code });
  }
});

test('networks are addresses with or without a length, and an address that is none is in no network', () => {
  const isTrusted = parseNetworks(['192.0.2.7', '10.0.0.0/8', '::1']);
  for (const address of ['192.0.2.7', '10.255.0.1', '::ffff:10.1.2.3', '::1']) {
    expect([address, isTrusted(address)]).toEqual([address, true]);
  }
  for (const address of ['192.0.2.8', '11.0.0.1', '::2', 'unknown', '', '10.0.0.1, 10.0.0.2']) {
    expect([address, isTrusted(address)]).toEqual([address, false]);
  }
  for (const network of ['10.0.0.0/33', '10.0.0/8', 'hospital', '10.0.0.0/', '::1/129', '/8']) {
    expect(() => parseNetworks([network])).toThrow('CARILLON_TRUSTED_NETWORKS');
  }
});

test('beyond the ceiling of connections nobody is let in, and everybody is told to come back at another time', () => {
  const keeper = open({ CARILLON_LIMIT_CONNECTIONS: '10' });
  expect(refusal(() => keeper.checkAdmission(9))).toBeUndefined();
  const waits = new Set<number | undefined>();
  for (let index = 0; index < 50; index++) {
    const refused = refusal(() => keeper.checkAdmission(10));
    expect(refused).toMatchObject({ code: 'unavailable', message: 'The gateway is full' });
    waits.add(refused?.afterMs);
  }
  expect(waits.size).toBeGreaterThan(20);
  expect(Math.min(...[...waits].map(Number))).toBeGreaterThanOrEqual(5_000);
});

test('more new connections in a second than may be are sent away, and the next second’s are not', () => {
  const keeper = open({ CARILLON_LIMIT_HANDSHAKES_TOTAL: '20' });
  const letIn = (): number => {
    let count = 0;
    for (let index = 0; index < 100; index++) if (refusal(() => keeper.checkAdmission(0)) === undefined) count++;
    return count;
  };
  expect(letIn()).toBe(20);
  expect(refusal(() => keeper.checkAdmission(0))).toMatchObject({ code: 'unavailable', afterMs: expect.any(Number) });
  time += 1_000;
  expect(letIn()).toBe(20);
  time += 60_000;
  expect(letIn()).toBe(20);
});

test('the ceiling is half of the memory at 32 kB each, or what it is set to', () => {
  expect(connectionCeiling(gatewayConfig({ CARILLON_LIMIT_CONNECTIONS: '7' }))).toBe(7);
  const derived = connectionCeiling(gatewayConfig());
  expect(derived).toBeGreaterThan(1_000);
  expect(derived).toBeLessThan(1_000_000);
});

test('at the limit of a person one of his connections may give way, and only then is another let in', () => {
  let count = 2;
  const keeper = open({ CARILLON_LIMIT_CONNECTIONS_PERSON: '2' }, () => count);
  const patient = { person: 'p1', hospital: 'h1', roles: ['patient'] } as unknown as Identity;
  expect(refusal(() => keeper.checkPlace(patient))).toMatchObject({ code: 'rate_limited', afterMs: 10_000 });
  expect(refusal(() => keeper.checkPlace(patient, () => false))).toMatchObject({ code: 'rate_limited' });
  expect(refusal(() => keeper.checkPlace(patient, () => true))).toMatchObject({ code: 'rate_limited' });
  const giveWay = (): boolean => {
    count = 1;
    return true;
  };
  expect(refusal(() => keeper.checkPlace(patient, giveWay))).toBeUndefined();
});
