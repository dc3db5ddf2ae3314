/** How many must answer. */
import type { AlertState, Page } from './alert.ts';

const isOpen = ({ status }: Page): boolean => status === 'paged' || status === 'accepted';
const people = (pages: readonly Page[]): number => new Set(pages.map(({ person }) => person)).size;

/**
 * Of the highest level that was started; one before the first, and one when the condition has ended: somebody must look.
 * The last level needs no more than it has called, so that an alert can always be answered.
 */
export function needed(state: AlertState): number {
  const { level, pages, policy } = state;
  if (state.condition === 'cleared') return 1;
  const needs = policy.levels[level - 1]?.needs ?? 'any';
  if (needs === 'any') return 1;
  const called = Math.max(1, people(pages.filter((page) => page.level === level && isOpen(page))));
  if (needs === 'all') return called;
  return level === policy.levels.length ? Math.min(needs, called) : needs;
}

/** Whether enough are coming, or may still say that they come. */
export function canBeMet(state: AlertState): boolean {
  const accepted = new Set(state.accepted);
  const asked = state.pages.filter((page) => page.status === 'paged' && !accepted.has(page.person));
  return accepted.size + people(asked) >= needed(state);
}
