/**
 * Posts that wait for a transaction. Whoever's post has waited longest is next, and with it all that waits of its
 * partition: these are the same patients, and what comes of a patient together costs him one state, one look at his
 * limits and one event. So a house that is behind gets cheaper, and catches up; one that is not has nothing to gather.
 */
import type { Delivery } from '@carillon/bus/consume';

type Taken = Pick<Delivery, 'body' | 'isHeld'>;
export type IntakeQueue<T extends Taken> = {
  push(partition: string, delivery: T): void;
  /** What goes into one transaction, of each partition in the order in which it came; what is not held any more is gone. */
  take(): { partition: string; delivery: T }[];
  isEmpty(): boolean;
  /** As much waits as a transaction takes. */
  isFull(): boolean;
};

/** @param bounds of a transaction: it ends with the post that reaches one of them */
export function createIntakeQueue<T extends Taken>(bounds: { posts: number; bytes: number }): IntakeQueue<T> {
  const byPartition = new Map<string, { came: number; delivery: T }[]>();
  let came = 0;
  let posts = 0;
  let bytes = 0;
  const isReached = (of: { posts: number; bytes: number }): boolean =>
    of.posts >= bounds.posts || of.bytes >= bounds.bytes;
  const oldest = (): string | undefined => {
    let found: { partition: string; came: number } | undefined;
    for (const [partition, [first]] of byPartition) {
      if (first !== undefined && first.came < (found?.came ?? Infinity)) found = { partition, came: first.came };
    }
    return found?.partition;
  };
  const shift = (partition: string): T | undefined => {
    const waiting = byPartition.get(partition);
    const first = waiting?.shift();
    if (waiting?.length === 0) byPartition.delete(partition);
    if (first === undefined) return undefined;
    posts--;
    bytes -= first.delivery.body.length;
    return first.delivery;
  };
  return {
    push(partition, delivery) {
      const waiting = byPartition.get(partition);
      if (waiting === undefined) byPartition.set(partition, [{ came: came++, delivery }]);
      else waiting.push({ came: came++, delivery });
      posts++;
      bytes += delivery.body.length;
    },
    take() {
      const batch: { partition: string; delivery: T }[] = [];
      const taken = { posts: 0, bytes: 0 };
      for (let partition = oldest(); partition !== undefined; partition = oldest()) {
        for (let next = shift(partition); next !== undefined; next = shift(partition)) {
          if (!next.isHeld()) continue;
          batch.push({ partition, delivery: next });
          taken.posts++;
          taken.bytes += next.body.length;
          if (isReached(taken)) return batch;
        }
      }
      return batch;
    },
    isEmpty: () => posts === 0,
    isFull: () => isReached({ posts, bytes }),
  };
}
