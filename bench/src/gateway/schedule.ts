/** What is published, and when: the same for our publisher and inside the peers. */

export type Plan = {
  /** Messages go to these in turn. */
  rooms: number;
  /** Messages a second over all rooms at the start. */
  rate: number;
  /** The rate grows by this factor every so many seconds; 1 keeps it. */
  factor: number;
  everySeconds: number;
};

export const payloadBytes = 200;

/** Of the machine's monotonic clock, which wsload reads too, in microseconds. */
export const monotonicNow = (): number => Number(process.hrtime.bigint() / 1_000n);

/** @param count grows by one with each message of a room, where holes are looked for */
export function makePayload(count = 0): string {
  const head = `{"ts":${monotonicNow()},"n":${count},"pad":"`;
  return `${head.padEnd(payloadBytes - 2, 'x')}"}`;
}

/** A lost second is not made up for: what a server cannot do now it cannot do later either. */
const maxBehindMs = 1_000;
/** A server that publishes in its own process must come to read its sockets too. */
const maxInOneTurn = 16;

/** Publishes on schedule: a late message does not move those behind it. @returns how to stop */
export function runSchedule(
  { rooms, rate, factor, everySeconds }: Plan,
  publish: (room: number, payload: string) => void,
): () => void {
  const startAt = performance.now();
  let dueAt = startAt;
  let count = 0;
  let isStopped = false;
  const turn = (): void => {
    if (isStopped) return;
    const now = performance.now();
    dueAt = Math.max(dueAt, now - maxBehindMs);
    let inThisTurn = 0;
    for (; dueAt <= now && inThisTurn < maxInOneTurn; inThisTurn++) {
      publish(count % rooms, makePayload(Math.floor(count / rooms)));
      count++;
      dueAt += 1_000 / (rate * factor ** Math.floor((dueAt - startAt) / 1_000 / everySeconds));
    }
    if (dueAt <= now) setImmediate(turn);
    else setTimeout(turn, Math.max(1, dueAt - performance.now()));
  };
  turn();
  return () => (isStopped = true);
}
