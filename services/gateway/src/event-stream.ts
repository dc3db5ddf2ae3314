/**
 * The format of Server-Sent Events (HTML standard, 9.2): a field a line, an empty line ends an event. What stands in a
 * field may come from a header of a message, so that no field may end its line.
 */
import type { StreamName } from '@carillon/contracts/define';
import { parsePosition, positionText, type Position } from './frames.ts';

/** CR and LF end a line; an `id` with NUL is ignored by clients. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n\0]/g, ' ').trim();

const data = Buffer.from('data: ');
const end = Buffer.from('\n\n');

/** @param frame one line, as over WebSocket */
export function eventBytes(event: string, id: string, frame: Buffer): Buffer {
  // A browser gives an event without a name to those who listen to `message`.
  const name = oneLine(event) || 'message';
  const head = `event: ${name}\n${id === '' ? '' : `id: ${oneLine(id)}\n`}`;
  return Buffer.concat([Buffer.from(head), data, frame, end]);
}

export const pingBytes = Buffer.from(': ping\n\n');
export const retryBytes = (retryMs: number): Buffer => Buffer.from(`retry: ${Math.round(retryMs)}\n\n`);

/** Where a client stands in each stream that its rooms need. */
export type Positions = Map<StreamName, Position>;

/** `CARE:e7-4711,PERSON:e7-12` */
export const eventId = (positions: ReadonlyMap<StreamName, Position>): string =>
  [...positions].map(([stream, at]) => `${stream}:${positionText(at)}`).join(',');

/** No stream has this epoch: a position of it is lost. */
const nowhere: Position = { epoch: '0', sequence: 0 };
const maxIdLength = 8_192;

/**
 * @returns the position in each of the streams of which the id tells, and in all of them one that is lost when it cannot
 *   be read: whoever sends one has missed something
 */
export function parseEventId(id: string, streams: readonly StreamName[]): Positions {
  const found: Positions = new Map();
  for (const part of id.slice(0, maxIdLength).split(',')) {
    const colon = part.indexOf(':');
    const at = colon < 0 ? undefined : parsePosition(part.slice(colon + 1));
    const isName = /^[A-Z]{1,32}$/.test(part.slice(0, colon));
    if (at === undefined || !isName) return new Map(streams.map((stream) => [stream, nowhere]));
    const stream = streams.find((each) => each === part.slice(0, colon));
    if (stream !== undefined) found.set(stream, at);
  }
  return found;
}

/** Moves forward only: rooms of the newest values begin with what is older than their position. */
export function advance(positions: Positions, stream: StreamName, to: Position): void {
  const at = positions.get(stream);
  const isOlder =
    at !== undefined &&
    at.epoch === to.epoch &&
    (to.sequence < at.sequence || (to.sequence === at.sequence && at.upToRoom === undefined));
  if (!isOlder) positions.set(stream, to);
}
