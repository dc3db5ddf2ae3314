/**
 * Arrays as parameters in PostgreSQL's own binary form (`array_recv`), for statements of many rows: as text each element
 * is escaped here and parsed there, which costs more than storing it. A parameter's type must be the array's: `$1::text[]`.
 */
const headBytes = 20;

/** @param oid of the elements, from `pg_type` */
function writeHead(buffer: Buffer, { oid, count, hasNull }: { oid: number; count: number; hasNull: boolean }): void {
  // Dimensions, whether there are nulls, the elements' type, and of the one dimension its length and first index.
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(hasNull ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16);
}

const nullLength = -1;

/** For `text[]`. */
export function texts(values: readonly (string | null)[]): Buffer {
  const bytes = values.reduce((sum, value) => sum + 4 + (value === null ? 0 : Buffer.byteLength(value)), headBytes);
  const buffer = Buffer.allocUnsafe(bytes);
  let at = headBytes;
  let hasNull = false;
  for (const value of values) {
    if (value === null) {
      hasNull = true;
      buffer.writeInt32BE(nullLength, at);
      at += 4;
    } else {
      const length = buffer.write(value, at + 4);
      buffer.writeInt32BE(length, at);
      at += 4 + length;
    }
  }
  writeHead(buffer, { oid: 25, count: values.length, hasNull });
  return buffer;
}

/** @param write writes a value of eight bytes */
function eightBytes(
  oid: number,
  values: readonly (number | null)[],
  write: (buffer: Buffer, value: number, at: number) => void,
): Buffer {
  const buffer = Buffer.allocUnsafe(headBytes + values.length * 12);
  let at = headBytes;
  let hasNull = false;
  for (const value of values) {
    hasNull ||= value === null;
    buffer.writeInt32BE(value === null ? nullLength : 8, at);
    at += 4;
    if (value === null) continue;
    write(buffer, value, at);
    at += 8;
  }
  writeHead(buffer, { oid, count: values.length, hasNull });
  return buffer.subarray(0, at);
}

/** For `bigint[]`: whole numbers to 2^53. @throws RangeError for others */
export const bigints = (values: readonly (number | null)[]): Buffer =>
  eightBytes(20, values, (buffer, value, at) => {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no bigint`);
    buffer.writeInt32BE(Math.floor(value / 2 ** 32), at);
    buffer.writeUInt32BE(value >>> 0, at + 4);
  });

/** For `double precision[]`. */
export const doubles = (values: readonly (number | null)[]): Buffer =>
  eightBytes(701, values, (buffer, value, at) => buffer.writeDoubleBE(value, at));
