import { expect, test } from '@jest/globals';
import { asyncApi } from './asyncapi.ts';
import { ownersOf } from './define.ts';
import { durables, natsPermissions, operationSubjects } from './nats-permissions.ts';
import { openApi } from './openapi.ts';
import { factsOf, receiptLevels, receiptOwners, recordReceipts } from './receipts.ts';
import { Shape } from './schema.ts';
import { commands, events, operations } from './surface.ts';

test('whatever asks for receipts has an owner that keeps them', () => {
  for (const { name, owner } of events.filter(({ ack }) => ack === true)) {
    expect(`${name}: ${receiptOwners.find((each) => each === owner)}`).toBe(`${name}: ${owner}`);
  }
});

test('an internal command is none that clients can call, and only its own services hear of it', () => {
  expect(commands).toContain(recordReceipts);
  expect(operations.has(recordReceipts.name)).toBe(false);
  expect(JSON.stringify(openApi())).not.toContain(recordReceipts.name);
  const envelopes = { command: Shape({}), query: Shape({}) };
  expect(JSON.stringify(asyncApi(envelopes))).toContain('Internal: no client can call it.');
  expect(ownersOf(recordReceipts)).toEqual(receiptOwners);
  const subjects = operationSubjects.filter((subject) => subject.endsWith('receipt.record'));
  expect(subjects).toEqual(receiptOwners.map((owner) => `cmd.${owner}.normal.receipt.record`));
  for (const owner of receiptOwners) expect(durables.map(({ name }) => name)).toContain(`${owner}-normal`);
  expect(natsPermissions('gateway').publish.allow).toEqual(expect.arrayContaining(subjects));
});

test('a receipt implies those before it, and none happened later than now', () => {
  const at = '2026-11-21T08:00:00.000Z';
  const now = Date.parse(at) - 1_000;
  const levelsOf = (level: (typeof receiptLevels)[number]) =>
    factsOf([{ mid: 'm1', person: 'n1', level, at }], now).map((fact) => `${fact.level} ${fact.at - now}`);
  expect(levelsOf('read')).toEqual(['delivered 0', 'displayed 0', 'read 0']);
  expect(levelsOf('displayed')).toEqual(['delivered 0', 'displayed 0']);
  expect(levelsOf('delivered')).toEqual(['delivered 0']);
});
