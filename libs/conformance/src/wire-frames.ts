/** WebSocket frames (RFC 6455, section 5.2) as bytes: also those that no library would send. */
import { randomBytes } from 'node:crypto';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type WireFrame = {
  opcode: number;
  isFinal: boolean;
  /** RSV1 to RSV3 as one number: 0 unless an extension was agreed upon. */
  reservedBits: number;
  isMasked: boolean;
  payload: Buffer;
};

export type Draft = Partial<Omit<WireFrame, 'payload'>> & {
  payload?: Uint8Array | string;
  /** What the header says, where that is not the length of the payload. */
  claimedLength?: bigint;
};

function lengthBytes(length: bigint, maskBit: number): Buffer {
  if (length < 126n) return Buffer.from([maskBit | Number(length)]);
  if (length < 65_536n) return Buffer.from([maskBit | 126, Number(length >> 8n), Number(length & 255n)]);
  const bytes = Buffer.alloc(9);
  bytes[0] = maskBit | 127;
  bytes.writeBigUInt64BE(length, 1);
  return bytes;
}

/** XOR with four bytes in turn; masks and unmasks alike. */
function mask(payload: Buffer, key: Buffer): Buffer {
  const masked = Buffer.alloc(payload.length);
  for (let index = 0; index < payload.length; index++) {
    masked[index] = (payload[index] ?? 0) ^ (key[index % 4] ?? 0);
  }
  return masked;
}

/** A frame of a client; what is not said otherwise is a good text frame. */
export function encodeWireFrame(draft: Draft): Buffer {
  const { opcode = opcodes.text, isFinal = true, reservedBits = 0, isMasked = true } = draft;
  const payload = Buffer.from(draft.payload ?? '');
  const first = Buffer.from([(isFinal ? 0x80 : 0) | (reservedBits << 4) | opcode]);
  const length = lengthBytes(draft.claimedLength ?? BigInt(payload.length), isMasked ? 0x80 : 0);
  if (!isMasked) return Buffer.concat([first, length, payload]);
  const key = randomBytes(4);
  return Buffer.concat([first, length, key, mask(payload, key)]);
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: Uint8Array | string = ''): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(code);
  return Buffer.concat([bytes, Buffer.from(reason)]);
}

function readLength(bytes: Buffer): { length: number; headerLength: number } | undefined {
  const short = (bytes[1] ?? 0) & 0x7f;
  if (short < 126) return { length: short, headerLength: 2 };
  if (short === 126) return bytes.length < 4 ? undefined : { length: bytes.readUInt16BE(2), headerLength: 4 };
  return bytes.length < 10 ? undefined : { length: Number(bytes.readBigUInt64BE(2)), headerLength: 10 };
}

/** Bytes as they come in, to the frames that they complete. */
export function createDecoder(): (chunk: Uint8Array) => WireFrame[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames: WireFrame[] = [];
    while (rest.length >= 2) {
      const size = readLength(rest);
      if (size === undefined) break;
      const [first = 0, second = 0] = rest;
      const isMasked = (second & 0x80) !== 0;
      const start = size.headerLength + (isMasked ? 4 : 0);
      const end = start + size.length;
      if (rest.length < end) break;
      const payload = rest.subarray(start, end);
      frames.push({
        opcode: first & 0x0f,
        isFinal: (first & 0x80) !== 0,
        reservedBits: (first >> 4) & 7,
        isMasked,
        payload: isMasked ? mask(payload, rest.subarray(start - 4, start)) : payload,
      });
      rest = rest.subarray(end);
    }
    return frames;
  };
}

/** What a server's frame does that none may do. */
export function wireFault({ opcode, isFinal, reservedBits, isMasked, payload }: WireFrame): string | undefined {
  if (isMasked) return 'a masked frame';
  if (reservedBits !== 0) return 'reserved bits';
  if (!(Object.values(opcodes) as number[]).includes(opcode)) return `opcode ${opcode}`;
  if (opcode >= opcodes.close && !isFinal) return 'a fragmented control frame';
  if (opcode >= opcodes.close && payload.length > 125) return 'a control frame above 125 bytes';
  return undefined;
}
