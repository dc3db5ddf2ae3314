/** How many must answer. */
import type { AlertState, Page } from './alert.ts';

const isOpen = ({ status }: Page): boolean => status === 'paged' || status === 'accepted';
const people = (pages: readonly Page[]): number => new Set(pages.map(({ person }) => person)).size;

/** Who may still say that they come. */
function asked({ accepted, pages }: AlertState): number {
  return people(pages.filter((page) => page.status === 'paged' && !accepted.includes(page.person)));
}

/** Who is coming and was not called by this level. */
const comingBeside = ({ accepted, pages }: AlertState, level: number): number =>
  accepted.filter((person) => !pages.some((page) => page.person === person && page.level === level)).length;

/** How many a level that was started wants to be coming in all: any one, so many, or each whom it has called. */
function wantedBy(state: AlertState, level: number): number {
  const needs = state.policy.levels[level - 1]?.needs ?? 'any';
  if (needs === 'any') return 1;
  if (needs !== 'all') return needs;
  // Whose post another has taken over counts for the level that called him: the other was called by a later one.
  const counts = (page: Page): boolean => (level === state.level ? isOpen(page) : page.status !== 'declined');
  return people(state.pages.filter((page) => page.level === level && counts(page))) + comingBeside(state, level);
}

/** How many the level that calls now wants of those whom it calls; the last no more than it has, or nobody where nobody is left. */
function wantedNow(state: AlertState): number {
  const { level, pages, policy } = state;
  const needs = policy.levels[level - 1]?.needs ?? 'any';
  const called = pages.filter((page) => page.level === level);
  const open = people(called.filter(isOpen));
  const wanted = Math.max(1, needs === 'any' ? 1 : needs === 'all' ? open : needs);
  if (level < policy.levels.length) return wanted;
  return called.length === 0 && asked(state) === 0 ? 0 : Math.max(1, Math.min(wanted, open));
}

/**
 * How many must be coming in all: as many as the most demanding of the started levels wants, or beside those who came before
 * as many as the level that calls now wants. So a level that is started since too few came never does with those few. One
 * before the first level, and one when the condition has ended: somebody must look.
 */
export function needed(state: AlertState): number {
  const { condition, level } = state;
  if (condition === 'cleared' || level === 0) return 1;
  const inAll = Array.from({ length: level }, (_, index) => wantedBy(state, index + 1));
  return Math.max(1, Math.min(Math.max(...inAll), comingBeside(state, level) + wantedNow(state)));
}

/** Whether enough are coming, or may still say that they come. */
export const canBeMet = (state: AlertState): boolean => state.accepted.length + asked(state) >= needed(state);
