/**
 * Receipts: facts about people. A message that asks for them (`ack`) is owned by one service; gateways gather what
 * clients say, and hand it to that service in batches.
 */
import { defineCommand, eachService, type ServiceName } from './define.ts';
import { Id, Instant, OneOf, Shape, Type, type Static } from './schema.ts';

/** From the least to the most: each implies those before it. */
export const receiptLevels = ['delivered', 'displayed', 'read'] as const;
export type ReceiptLevel = (typeof receiptLevels)[number];
/** What is true of a message at `level`: who has read it had it on his screen. */
const impliedLevels = (level: ReceiptLevel): readonly ReceiptLevel[] =>
  receiptLevels.slice(0, receiptLevels.indexOf(level) + 1);

/** Those whose events ask for receipts. */
export const receiptOwners = ['alert-escalation', 'directory'] as const satisfies readonly ServiceName[];
export type ReceiptOwner = (typeof receiptOwners)[number];

/** A message stays below the 1 MB of NATS by far, and a transaction below what delays its neighbours. */
export const maxReceipts = 200;

export const receiptSchema = Shape({
  mid: Type.String({ minLength: 1, maxLength: 128, description: 'Id of the message' }),
  person: Id('Who got it'),
  level: OneOf(receiptLevels, 'How far it came'),
  at: Instant('When the gateway heard of it'),
});
export type Receipt = Static<typeof receiptSchema>;

/** Times in ms since the epoch. */
export type Fact = Pick<Receipt, 'mid' | 'person' | 'level'> & { at: number };
/** Each receipt with what it implies. The clock of a gateway may be ahead: nothing happened later than now. */
export const factsOf = (receipts: readonly Receipt[], now: number): Fact[] =>
  receipts.flatMap(({ mid, person, level, at }) =>
    impliedLevels(level).map((implied) => ({ mid, person, level: implied, at: Math.min(Date.parse(at), now) })),
  );

/**
 * In the lane normal: a shift change makes hundreds of them at once, and the workers of the critical lane are for
 * answers to alarms. An escalation that waits for `delivered` waits for seconds; this lane takes milliseconds, since
 * hardly anything else is in it.
 */
export const recordReceipts = defineCommand({
  name: 'receipt:record',
  version: 1,
  owner: eachService,
  services: receiptOwners,
  internal: true,
  description:
    'Keeps what people got, had on their screens and read. Messages that the service does not know are none.',
  lane: 'normal',
  input: Shape({
    service: OneOf(receiptOwners, 'Whose messages'),
    items: Type.Array(receiptSchema, { minItems: 1, maxItems: maxReceipts }),
  }),
  result: Shape({ recorded: Type.Integer({ minimum: 0, description: 'How many facts were new' }) }),
  // A fact stays one, however long the way was.
  maxAgeMs: 24 * 3_600_000,
  allow: [{ roles: ['service'], relation: 'hospital' }],
});
