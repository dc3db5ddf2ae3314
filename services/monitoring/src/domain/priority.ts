import type { Priority } from '@carillon/contracts/monitoring';

const rank: Readonly<Record<Priority, number>> = { low: 0, medium: 1, high: 2 };

export const isAtLeast = (priority: Priority | undefined, other: Priority): boolean =>
  priority !== undefined && rank[priority] >= rank[other];

/** A condition that becomes more urgent pages again. */
export const reportOf = (before: Priority | undefined, after: Priority): 'raised' | 'changed' =>
  isAtLeast(before, after) ? 'changed' : 'raised';
