import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { closePayload, createDecoder, encodeWireFrame, opcodes, wireFault, type Draft } from './wire-frames.ts';

test('what is encoded is decoded, wherever the bytes are cut', () => {
  const frame = fc.record({
    opcode: fc.integer({ min: 0, max: 15 }),
    isFinal: fc.boolean(),
    reservedBits: fc.integer({ min: 0, max: 7 }),
    isMasked: fc.boolean(),
    payload: fc
      .oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(125, 126, 65_535, 65_536))
      .map((length) => Buffer.alloc(length, 'x')),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 4 }), fc.array(fc.nat(70_000), { maxLength: 5 }), (drafts, cuts) => {
      const bytes = Buffer.concat(drafts.map(encodeWireFrame));
      const decode = createDecoder();
      const ends = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const decoded = ends.flatMap((end, index) => decode(bytes.subarray(ends[index - 1] ?? 0, end)));
      // As text: a matcher takes its time over bytes.
      const shown = (frames: readonly Draft[]) => frames.map((each) => ({ ...each, payload: String(each.payload) }));
      expect(shown(decoded)).toEqual(shown(drafts));
    }),
    { numRuns: 30 },
  );
});

test('the example of RFC 6455 is decoded', () => {
  const [hello] = createDecoder()(Buffer.from('818537fa213d7f9f4d5158', 'hex'));
  expect(hello).toMatchObject({ opcode: opcodes.text, isFinal: true, isMasked: true });
  expect(hello?.payload.toString()).toBe('Hello');
});

test('a header may claim a length that does not follow', () => {
  const bytes = encodeWireFrame({ payload: 'x', claimedLength: 2n ** 62n, isMasked: false });
  expect(bytes.toString('hex')).toBe('817f400000000000000078');
  expect(createDecoder()(bytes)).toEqual([]);
});

test('a close frame carries its code, and faults of a server have names', () => {
  expect(closePayload(4000, 'drain').toString('hex')).toBe(`0fa0${Buffer.from('drain').toString('hex')}`);
  const good = { opcode: opcodes.text, isFinal: true, reservedBits: 0, isMasked: false, payload: Buffer.from('{}') };
  expect(wireFault(good)).toBeUndefined();
  expect(wireFault({ ...good, isMasked: true })).toBe('a masked frame');
  expect(wireFault({ ...good, reservedBits: 4 })).toBe('reserved bits');
  expect(wireFault({ ...good, opcode: 3 })).toBe('opcode 3');
  expect(wireFault({ ...good, opcode: opcodes.ping, isFinal: false })).toBe('a fragmented control frame');
  expect(wireFault({ ...good, opcode: opcodes.ping, payload: Buffer.alloc(126) })).toContain('above 125');
});
