/** What a client was told of a room, held against the promises of `carillon.v1`: order, no holes, no doubles. */
import type { Frame } from './client.ts';

export const isMessageOf =
  (room: string) =>
  (frame: Frame): boolean =>
    frame.t === 'msg' && frame['room'] === room;

export const messagesOf = (frames: readonly Frame[], room: string): Frame[] => frames.filter(isMessageOf(room));

export const sequenceOf = (position: unknown): number => Number(String(position).split('-')[1]);

/**
 * The faults of one subscription. There is a hole exactly if `prev` is later than both the position in `subscribed` and
 * the last one received. A replay (`recovery: complete`) goes on from `from`: in it the position in `subscribed`, which
 * is where the stream stood, excuses nothing.
 */
export function findFaults(frames: readonly Frame[], room: string, from?: string): string[] {
  const faults: string[] = [];
  const subscribed = frames.find((frame) => frame.t === 'subscribed' && frame['room'] === room);
  const joinedAt = sequenceOf(subscribed?.['pos'] ?? 'e-0');
  let last = from === undefined ? joinedAt : sequenceOf(from);
  const seen = new Set<unknown>();
  const begin = subscribed === undefined ? 0 : frames.indexOf(subscribed);
  for (const frame of frames.slice(begin).filter(isMessageOf(room))) {
    const [at, before] = [sequenceOf(frame['pos']), sequenceOf(frame['prev'])];
    const floor = at > joinedAt ? Math.max(joinedAt, last) : last;
    // Who was put into his own room at connect knows no position before the first message.
    const isKnown = subscribed !== undefined || seen.size > 0;
    if (isKnown && before > floor) faults.push(`hole: ${floor} … ${before} before ${at}`);
    if (isKnown && at <= last) faults.push(`out of order: ${at} after ${last}`);
    if (seen.has(frame['mid'])) faults.push(`double: ${String(frame['mid'])} at ${at}`);
    seen.add(frame['mid']);
    last = at;
  }
  return faults;
}
