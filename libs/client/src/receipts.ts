/**
 * Receipts on their way: gathered for a turn of the event loop, told once each, and told again on the next connection
 * when the one that took them ended soon after. They are facts, so that telling one twice changes nothing.
 */
import type { Environment } from './environment.ts';
import type { Telling } from './frames.ts';

export type ReceiptFrame = Extract<Telling, { t: 'ack' }>;
export type ReceiptLevel = ReceiptFrame['level'];

export type Receipts = {
  add(mid: string, level: ReceiptLevel): void;
  /** A connection lives. */
  resume(): void;
  /** Now, since there will be no later. */
  flush(): void;
};

export type ReceiptOptions = { tell: (frame: ReceiptFrame) => boolean } & Pick<Environment, 'now' | 'after'>;

/** What a frame may hold. */
const most = 500;
/** Beyond these the oldest are given up: whoever was away that long is told by other means. */
const limit = 2_000;
const longestMs = 10 * 60_000;
/** As long as a dead link can pass for a living one. */
const doubtMs = 25_000;

type Receipt = { mid: string; level: ReceiptLevel; at: number; toldAt: number | undefined };

export function createReceipts({ tell, now, after }: ReceiptOptions): Receipts {
  const kept = new Map<string, Receipt>();
  let isGathering = false;

  const tidy = (): void => {
    for (const [name, { at, toldAt }] of kept) {
      const isOver = kept.size > limit || now() - at > longestMs || (toldAt !== undefined && now() - toldAt > doubtMs);
      if (isOver) kept.delete(name);
    }
  };
  const flush = (): void => {
    isGathering = false;
    const waiting = [...kept.values()].filter(({ toldAt }) => toldAt === undefined);
    for (const level of new Set(waiting.map((each) => each.level))) {
      const his = waiting.filter((each) => each.level === level);
      for (let start = 0; start < his.length; start += most) {
        const some = his.slice(start, start + most);
        if (!tell({ t: 'ack', mid: some.map(({ mid }) => mid), level })) return;
        for (const each of some) each.toldAt = now();
      }
    }
  };
  return {
    add(mid, level) {
      const name = `${level} ${mid}`;
      if (kept.has(name)) return;
      tidy();
      kept.set(name, { mid, level, at: now(), toldAt: undefined });
      if (isGathering) return;
      isGathering = true;
      after(0, flush);
    },
    resume() {
      tidy();
      for (const each of kept.values()) each.toldAt = undefined;
      flush();
    },
    flush,
  };
}
