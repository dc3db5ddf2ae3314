/**
 * Whether a patient is scored by NEWS2, and on which scale of SpO2, at an instant: by his age and by what a doctor
 * decided. A decision holds from its own time on, never backwards.
 */
import type { ApplyOptions, Decision } from './patient-state.ts';

export type Scored = Pick<ApplyOptions, 'birthDate' | 'population' | 'decisions'>;
export type Withheld = 'under16' | 'notApplicable';

/** RCP 2017: not for children, that is under 16. */
const scoredFromYears = 16;

/** @returns the newest decision that holds at the instant */
export function decisionAt(decisions: readonly Decision[], atMs: number): Decision | undefined {
  let newest: Decision | undefined;
  for (const decision of decisions) {
    if (decision.decidedAtMs > atMs || decision.decidedAtMs < (newest?.decidedAtMs ?? -Infinity)) continue;
    newest = decision;
  }
  return newest === undefined || atMs >= (newest.endedAtMs ?? Infinity) ? undefined : newest;
}

/** Dates in UTC: the birthday begins with the day there. Compared as text, so that 29 February needs no calendar. */
function isUnderAge(birthDate: string, atMs: number): boolean {
  const birthday = `${Number(birthDate.slice(0, 4)) + scoredFromYears}${birthDate.slice(4)}`;
  return new Date(atMs).toISOString().slice(0, 10) < birthday;
}

/** @returns why no NEWS2 is shown at the instant. Who is of unknown age is a child where children lie. */
export function withheldAt({ birthDate, population, decisions }: Scored, atMs: number): Withheld | undefined {
  const isChild = birthDate !== undefined ? isUnderAge(birthDate, atMs) : population === 'paediatric';
  if (isChild) return 'under16';
  return decisionAt(decisions, atMs)?.isApplicable === false ? 'notApplicable' : undefined;
}

export const scaleAt = (decisions: readonly Decision[], atMs: number): 1 | 2 => decisionAt(decisions, atMs)?.scale ?? 1;
