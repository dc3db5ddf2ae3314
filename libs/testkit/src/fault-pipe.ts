/** One direction of one connection through the fault proxy. */
import type { Socket } from 'node:net';

export type Faults = {
  /** Added to each byte and to the end, ms. Order is kept. */
  delayMs: number;
  /** Of each connection; Infinity is no limit. */
  bytesPerSecond: number;
  /** What is read is thrown away, and so is the end: whoever sends believes that it arrives. */
  isSwallowing: boolean;
  /** Nothing is read: the sender's window closes once the buffers of both kernels are full. */
  isStalled: boolean;
  /** The connection is cut when so many bytes of this direction were passed on, counted from its beginning. */
  cutAfterBytes: number;
  cutBy: 'fin' | 'reset';
};

export const noFaults: Readonly<Faults> = {
  delayMs: 0,
  bytesPerSecond: Infinity,
  isSwallowing: false,
  isStalled: false,
  cutAfterBytes: Infinity,
  cutBy: 'reset',
};

export type Count = { read: number; forwarded: number };
export type Pipe = { faultsChanged(): void; stop(): void };

/** What is kept here when the other side takes no more; with one read of the system on top, 64 KiB at most. */
const bufferBytes = 16 * 1024;
/** A throttled line carries this much of its second at once, so that timers of a millisecond are fine enough. */
const sliceMs = 10;

/** A reset that comes together with data is taken for an orderly end by libuv. */
const cutAfterMs = 20;

/**
 * @param faults read anew each time, so they may change while bytes are on their way
 * @param count added to
 * @param onCut called once, a moment after `cutAfterBytes` went out
 */
export function createPipe(
  { source, sink }: { source: Socket; sink: Socket },
  { faults, count, onCut }: { faults: () => Readonly<Faults>; count: Count; onCut: () => void },
): Pipe {
  const queue: { bytes: Buffer; dueAt: number }[] = [];
  let queuedBytes = 0;
  let forwarded = 0;
  let endDueAt: number | undefined;
  let lineFreeAt = 0;
  let isDone = false;
  let timer: NodeJS.Timeout | undefined;

  const isLost = (): boolean => isDone || faults().isSwallowing || sink.destroyed;
  /** A delayed line holds what is on its way; only what waits at its end is held against the sender. */
  const isFull = (): boolean => queuedBytes >= bufferBytes && (queue[0]?.dueAt ?? 0) <= performance.now();
  const decideReading = (): void => {
    if (faults().isStalled || (isFull() && !isLost())) source.pause();
    else source.resume();
  };
  const wakeAt = (at: number): void => {
    timer = setTimeout(pump, Math.max(1, at - performance.now()));
  };
  const stop = (): void => {
    isDone = true;
    clearTimeout(timer);
    queue.length = 0;
    queuedBytes = 0;
  };

  /** @returns how many bytes of the head may go now; 0 when the line is taken until `lineFreeAt` */
  const allowance = (now: number): number => {
    const { bytesPerSecond, cutAfterBytes } = faults();
    const untilCut = cutAfterBytes - forwarded;
    if (bytesPerSecond === Infinity) return untilCut;
    if (lineFreeAt > now) return 0;
    return Math.min(untilCut, Math.max(1, Math.floor((bytesPerSecond * sliceMs) / 1000)));
  };
  const forward = (head: { bytes: Buffer; dueAt: number }, length: number, now: number): void => {
    const part = head.bytes.subarray(0, length);
    if (part.length === head.bytes.length) queue.shift();
    else head.bytes = head.bytes.subarray(part.length);
    queuedBytes -= part.length;
    forwarded += part.length;
    count.forwarded += part.length;
    // A timer that was late may be caught up with, by one slice.
    lineFreeAt = Math.max(now - sliceMs, lineFreeAt) + (part.length / faults().bytesPerSecond) * 1000;
    sink.write(part);
  };
  const cut = (): void => {
    stop();
    timer = setTimeout(onCut, cutAfterMs);
    source.resume();
  };
  function pump(): void {
    if (isDone) return;
    clearTimeout(timer);
    while (!isDone && !sink.destroyed && !sink.writableNeedDrain) {
      if (forwarded >= faults().cutAfterBytes) {
        cut();
        break;
      }
      const now = performance.now();
      const head = queue[0];
      if (head === undefined) {
        if (endDueAt === undefined) break;
        if (endDueAt > now) wakeAt(endDueAt);
        else {
          endDueAt = undefined;
          sink.end();
        }
        break;
      }
      if (head.dueAt > now) {
        wakeAt(head.dueAt);
        break;
      }
      const length = allowance(now);
      if (length === 0) {
        wakeAt(lineFreeAt);
        break;
      }
      forward(head, length, now);
    }
    if (!isDone) decideReading();
  }

  source.on('data', (bytes: Buffer) => {
    count.read += bytes.length;
    if (isLost()) return;
    queue.push({ bytes, dueAt: performance.now() + faults().delayMs });
    queuedBytes += bytes.length;
    pump();
  });
  source.on('end', () => {
    if (isLost()) return;
    endDueAt = performance.now() + faults().delayMs;
    pump();
  });
  sink.on('drain', pump);
  return {
    faultsChanged() {
      lineFreeAt = 0;
      // What waits on a line that swallows from now on is lost as well.
      if (faults().isSwallowing) {
        queue.length = 0;
        queuedBytes = 0;
        endDueAt = undefined;
      }
      pump();
    },
    stop,
  };
}
