/**
 * Who is on call when. Layers take turns by the clock on the wall, so a hand-over at 07:00 stays at 07:00 through
 * daylight saving; a later layer wins where it has somebody, an override over all, and of two the later made one.
 */
import type { Layer, Schedule } from '@carillon/contracts/plans';
import type { Issue } from '@carillon/contracts/schema';
import { addDays, daysBetween, isDate, isZone, toInstant, toLocal, weekdayOf } from './local-time.ts';

/** From (inclusive) until (exclusive), ms since the epoch. */
type Span = { from: number; until: number };
/** Null: nobody is on call. */
export type Turn = Span & { person: string | null };
export type Replacement = Span & { person: string };
export type Plan = Pick<Schedule, 'timeZone' | 'layers'>;

/** What a schedule must hold beyond its shape. */
export function findScheduleIssues({ timeZone, layers }: Plan): Issue[] {
  const days = layers.flatMap(({ startsOn }, index) =>
    isDate(startsOn) ? [] : [{ path: `layers.${index}.startsOn`, message: 'No day of the calendar' }],
  );
  return isZone(timeZone) ? days : [{ path: 'timeZone', message: 'No time zone that is known here' }, ...days];
}

/** The turns of a layer that touch the span; found by division, however long ago it began. */
function rotationOf(layer: Layer, zone: string, { from, until }: Span): Replacement[] {
  const startOf = (turn: number): number =>
    toInstant({ date: addDays(layer.startsOn, turn * layer.everyDays), time: layer.handOverAt }, zone);
  const guess = Math.floor(daysBetween(layer.startsOn, toLocal(from, zone).date) / layer.everyDays);
  const turns: Replacement[] = [];
  // The day alone does not tell whether its hand-over has been: one turn earlier is certain.
  for (let turn = Math.max(0, guess - 1); startOf(turn) < until; turn += 1) {
    const person = layer.people[turn % layer.people.length];
    if (person !== undefined) turns.push({ from: startOf(turn), until: startOf(turn + 1), person });
  }
  return turns;
}

/** When a layer is on, in order; spans may touch and overlap. */
function hoursOf({ hours }: Layer, zone: string, { from, until }: Span): Span[] {
  if (hours === undefined) return [{ from, until }];
  // A window of the day before may still be open.
  const first = addDays(toLocal(from, zone).date, -1);
  const days = daysBetween(first, toLocal(until, zone).date);
  const spans = Array.from({ length: days + 1 }, (_, index) => addDays(first, index)).flatMap((date) =>
    hours
      .filter(({ weekdays }) => weekdays.includes(weekdayOf(date)))
      .map((window) => {
        const lastDay = window.until <= window.from ? addDays(date, 1) : date;
        return {
          from: toInstant({ date, time: window.from }, zone),
          until: toInstant({ date: lastDay, time: window.until }, zone),
        };
      }),
  );
  return spans.toSorted((a, b) => a.from - b.from);
}

/** Somebody in `over` wins over who is in `under`; `under` is gapless and in order, and so is the result. */
function layOver(under: readonly Turn[], over: readonly Replacement[], isOn: readonly Span[]): Turn[] {
  const inside = ({ from, until }: Span): number[] => [from, until];
  const first = under[0]?.from ?? 0;
  const last = under.at(-1)?.until ?? 0;
  const cuts = [...new Set([...under.flatMap(inside), ...over.flatMap(inside), ...isOn.flatMap(inside)])]
    .filter((at) => at >= first && at <= last)
    .toSorted((a, b) => a - b);
  let [below, above, open] = [0, 0, 0];
  // Of overlapping windows the one that ends last keeps it open.
  let openUntil = -Infinity;
  return cuts.slice(0, -1).map((from, index) => {
    const until = cuts[index + 1] ?? last;
    while ((under[below]?.until ?? Infinity) <= from) below += 1;
    while ((over[above]?.until ?? Infinity) <= from) above += 1;
    for (let span = isOn[open]; span !== undefined && span.from <= from; span = isOn[++open]) {
      openUntil = Math.max(openUntil, span.until);
    }
    const turn = over[above];
    const isHis = turn !== undefined && turn.from <= from && openUntil > from;
    return { from, until, person: isHis ? turn.person : (under[below]?.person ?? null) };
  });
}

/** What follows without a change of person is one turn. */
function merged(turns: readonly Turn[]): Turn[] {
  const result: Turn[] = [];
  for (const turn of turns) {
    const before = result.at(-1);
    if (before !== undefined && before.person === turn.person) before.until = turn.until;
    else result.push({ ...turn });
  }
  return result;
}

/** One override wins over all turns that it touches; there may be hundreds, and most touch few. */
const replace = (turns: readonly Turn[], { from, until, person }: Replacement): Turn[] =>
  turns.flatMap((turn) =>
    turn.until <= from || turn.from >= until
      ? [turn]
      : [
          { ...turn, until: Math.max(turn.from, from) },
          { from: Math.max(turn.from, from), until: Math.min(turn.until, until), person },
          { ...turn, from: Math.min(turn.until, until) },
        ].filter((part) => part.from < part.until),
  );

/**
 * A time zone that is not known here (any more) has no turns: to fail would hold up all whom the policy calls besides.
 * @param overrides the later made one last
 * @returns gapless and in order, from `from` until `until`
 */
export function turnsBetween(plan: Plan, overrides: readonly Replacement[], from: number, until: number): Turn[] {
  const span = { from, until };
  let turns: Turn[] = [{ ...span, person: null }];
  for (const layer of isZone(plan.timeZone) ? plan.layers : []) {
    turns = merged(layOver(turns, rotationOf(layer, plan.timeZone, span), hoursOf(layer, plan.timeZone, span)));
  }
  for (const override of overrides) turns = replace(turns, override);
  return merged(turns);
}

/** @returns the turn of this instant, and until when it lasts; not looked at beyond `horizonMs` */
export function turnAt(plan: Plan, overrides: readonly Replacement[], at: number, horizonMs: number): Turn {
  return turnsBetween(plan, overrides, at, at + horizonMs)[0] ?? { from: at, until: at + horizonMs, person: null };
}
