/** Alarm limits while somebody changes them on the page: numbers are texts until they are sent. */
import type { Limit } from './shapes.ts';

export type LimitDraft = { id: number; limit: Limit; threshold: string; seconds: string };

export const sideOf = (limit: Limit): 'above' | 'below' => (limit.above === undefined ? 'below' : 'above');

export const draftOf = (limit: Limit, id: number): LimitDraft => ({
  id,
  limit,
  threshold: String(limit[sideOf(limit)]),
  seconds: String(limit.persistSeconds),
});

/** Where an alarm ends moves with its limit, so that the distance between the two stays. */
export const limitOf = ({ limit, threshold, seconds }: LimitDraft): Limit => {
  const side = sideOf(limit);
  const next = { ...limit, [side]: Number(threshold), persistSeconds: Number(seconds) };
  if (limit.clearAt === undefined) return next;
  return { ...next, clearAt: Number((limit.clearAt + Number(threshold) - (limit[side] ?? 0)).toFixed(3)) };
};

/** Where nobody is known whose limits one could begin with. */
export const firstLimit: Limit = { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 15, priority: 'high' };
