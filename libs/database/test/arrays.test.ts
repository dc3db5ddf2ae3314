import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bigints, doubles, texts } from '@carillon/database/arrays';
import { openDatabase, type Database } from '@carillon/database/database';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import fc from 'fast-check';

let infrastructure: Infrastructure;
let database: Database;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  database = openDatabase({ url: infrastructure.postgres.url, service: 'arrays' });
});
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

/** What the server makes of an array, element by element. */
async function elementsOf(type: string, array: Buffer): Promise<unknown[]> {
  const { rows } = await database.query<{ value: unknown }>(
    `select value from unnest($1::${type}[]) with ordinality as given (value, position) order by position`,
    [array],
  );
  return rows.map(({ value }) => value);
}

const check = <T>(type: string, element: fc.Arbitrary<T>, encode: (values: (T | null)[]) => Buffer): Promise<void> =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.option(element)), async (values) => {
      expect(await elementsOf(type, encode(values))).toEqual(values);
    }),
    { numRuns: 200 },
  );

test('texts arrive as they are, whatever they hold', () =>
  // The server stores no NUL.
  check(
    'text',
    fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
    texts,
  ));

test('whole numbers arrive as they are, as far as a number is exact', async () => {
  await check('bigint', fc.maxSafeInteger(), bigints);
  expect(() => bigints([1.5])).toThrow('1.5 is no bigint');
});

test('numbers arrive as they are, those that are none too', () =>
  check(
    'double precision',
    fc.double().map((value) => value + 0),
    doubles,
  ));
