/** Whether levels start when they must, and no earlier, and call whom they must: I1, I5, I7. */
import {
  baseOf,
  callsOf,
  comingAt,
  hasDeclined,
  isHeldAt,
  isHeldBy,
  isOverAt,
  openCallsAt,
  wardAt,
  type Run,
  type Start,
  type Story,
} from './judge-fold.ts';
import type { PageRow } from './judge-rows.ts';
import { reachableAt, type World } from './world.ts';

/** What correction leaves between the clocks of two engines, and what happens at the same time. */
export const leewayMs = 50;

/** An alert with all that is known about it. */
type Judged = {
  patient: string;
  story: Story;
  pages: readonly PageRow[];
  world: World;
  /** When an engine had done everything that was due. */
  ticks: readonly number[];
};

const waitsOf = ({ policy }: Run, level: number): number =>
  (policy.levels[level - 1]?.afterSeconds ?? Number.NaN) * 1000;
/** As it is at a position of the log. */
export const deadline = (run: Run, level: number, position: number): number =>
  baseOf(run, position) + waitsOf(run, level);
const lastLevel = ({ policy }: Run): number => policy.levels.length;
const levelAt = ({ starts }: Run, position: number): number =>
  Math.max(0, ...starts.filter((start) => start.position < position).map(({ level }) => level));

/** Who can be reached by a level, as the log stood at a position. */
const reach = ({ patient, story, world }: Judged, run: Run, level: number, at: number, position: number): string[] =>
  reachableAt(world, { policy: run.policy, patient, ward: wardAt(story, position) }, level, at);

/**
 * Who was there is what the clock of an engine says, and what it decides is never written as earlier than what was decided
 * before: it may have looked a little before the time that the log names.
 */
const looksFor = (at: number): readonly number[] => [at - leewayMs, at];

/** Who can be reached by a level whenever in that moment an engine looked. */
const surelyReach = (judged: Judged, run: Run, { level, at, position }: Start): string[] => {
  const [before = [], now = []] = looksFor(at).map((each) => reach(judged, run, level, each, position));
  return now.filter((person) => before.includes(person));
};

/**
 * The first look of an engine at which something must have been done; none while it was held, and none if it had become
 * needless by then.
 */
function lookAt({ ticks }: Judged, { stretches }: Run, dueOf: (baseAt: number) => number): number | undefined {
  for (const { at, baseAt, until } of stretches) {
    const tickAt = ticks.find((tick) => tick >= Math.max(at, dueOf(baseAt)));
    if (tickAt !== undefined && tickAt + leewayMs < until) return tickAt;
  }
  return undefined;
}

/** I1: a level whose deadline has come unanswered was started by the next tick, and whoever it reaches was called. */
export function pagedInTime(judged: Judged): string[] {
  return judged.story.runs.flatMap((run) =>
    run.policy.levels.flatMap((_, index) => {
      const level = index + 1;
      const tickAt = lookAt(judged, run, (baseAt) => baseAt + waitsOf(run, level));
      if (tickAt === undefined) return [];
      const start = run.starts.find((one) => one.level === level);
      if (start === undefined || start.at > tickAt + leewayMs)
        return [`I1: level ${level} of run ${run.run} was not started in time`];
      return surelyReach(judged, run, start).flatMap((person) => {
        const isPaged = callsOf(run).some(
          (one) => one.at === start.at && one.level <= level && one.people.includes(person),
        );
        const isExcused =
          comingAt(run, start.position).includes(person) ||
          (level < lastLevel(run) && hasDeclined(run, person, start.position));
        return isPaged || isExcused ? [] : [`I1: ${person} was not paged by level ${level}`];
      });
    }),
  );
}

const isDeclined = ({ declines }: Run, person: string, after: number, before: number): boolean =>
  declines.some((each) => each.person === person && each.position > after && each.position < before);

/**
 * How many must be coming in all: as many as the most demanding level that has called wants, or, beside those who came
 * before, as many as the newest wants of those whom it has called. One where the condition is over.
 */
function neededAt(run: Run, story: Story, position: number): number {
  const newest = levelAt(run, position);
  if (isOverAt(story, position) || newest === 0) return 1;
  const coming = comingAt(run, position);
  const open = openCallsAt(run, position);
  const calls = callsOf(run).filter((call) => call.position < position);
  const calledBy = (level: number): string[] =>
    calls.filter((call) => call.level === level).flatMap((call) => call.people);
  const beside = (level: number): number => coming.filter((person) => !calledBy(level).includes(person)).length;
  const openBy = (level: number): number =>
    new Set(open.filter((call) => call.level === level).map(({ person }) => person)).size;
  // Whose post another has taken over still counts where he was called.
  const standing = (level: number): number => {
    const people = calls
      .filter((call) => call.level === level)
      .flatMap((call) => call.people.filter((person) => !isDeclined(run, person, call.position, position)));
    return new Set(people).size;
  };
  const wanted = Array.from({ length: newest }, (_, index): number => {
    const needs = run.policy.levels[index]?.needs ?? 'any';
    if (needs !== 'all') return needs === 'any' ? 1 : needs;
    return (index + 1 === newest ? openBy(newest) : standing(index + 1)) + beside(index + 1);
  });
  const needs = run.policy.levels[newest - 1]?.needs ?? 'any';
  const ofNewest = Math.max(1, needs === 'any' ? 1 : needs === 'all' ? openBy(newest) : needs);
  const isIdle = calledBy(newest).length === 0 && open.every(({ person }) => coming.includes(person));
  const atLast = isIdle ? 0 : Math.max(1, Math.min(ofNewest, openBy(newest)));
  const now = beside(newest) + (newest === lastLevel(run) ? atLast : ofNewest);
  return Math.max(1, Math.min(Math.max(...wanted), now));
}

/** Fewer come, or may still say so, than must. */
function cannotBeMet(run: Run, story: Story, position: number): boolean {
  const asked = openCallsAt(run, position).map(({ person }) => person);
  return new Set([...comingAt(run, position), ...asked]).size < neededAt(run, story, position);
}

/** When enough have said that they come the ladder stops at once, and not before (decision 0020). */
export function enoughStop({ story }: Judged): string[] {
  return story.runs.flatMap((run) => {
    const isEnough = (position: number): boolean => {
      const coming = comingAt(run, position).length;
      return coming > 0 && coming >= neededAt(run, story, position);
    };
    const isStart = (position: number): boolean => run.starts.some((start) => start.position === position);
    return [
      ...(run.takenPosition === undefined || isEnough(run.takenPosition)
        ? []
        : [`I9: run ${run.run} was stopped by too few`]),
      ...[...run.accepts, ...run.declines, ...run.starts]
        .filter(({ position }) => !isStart(position + 1) && isEnough(position + 1))
        .filter(({ position }) => run.takenPosition !== position + 1)
        .map(({ at }) => `I9: enough came to run ${run.run} at ${at}, and it went on`),
    ];
  });
}

/** As an engine may have seen it, at each time at which it may have looked. */
const reachesNobody = (judged: Judged, run: Run, { level, at, position }: Start): boolean[] =>
  looksFor(at).map((each) =>
    reach(judged, run, level, each, position).every((person) => hasDeclined(run, person, position)),
  );

/** Whether a message of a call of the newest levels that still stands came to a device, by a time. */
const isDelivered = ({ pages }: Judged, run: Run, position: number, by: number): boolean => {
  const newestAt = run.starts.findLast((start) => start.position < position)?.at ?? 0;
  const open = openCallsAt(run, position).filter(({ at }) => at >= newestAt);
  return pages.some(
    (page) =>
      page.run === run.run &&
      (page.delivered_at?.getTime() ?? Infinity) <= by &&
      open.some((call) => call.person === page.person && call.level === page.level && call.attempt === page.attempt),
  );
};

/** Until when the newest calls must have come to a device; of levels that start together the highest says it. */
function boundOf(run: Run, calls: readonly Start[]): { last: Start; at: number } | undefined {
  const last = calls.findLast((call) => call.people.length > 0);
  const level = calls.findLast((call) => call.at === last?.at)?.level ?? 0;
  const seconds = run.policy.levels[level - 1]?.deliverWithinSeconds;
  if (last === undefined || seconds === undefined || level === lastLevel(run)) return undefined;
  return { last, at: last.at + seconds * 1_000 };
}

/** I1: a level whose calls came to no device within its bound was followed by the next by the tick after that. */
export function deliveredOrFollowed(judged: Judged): string[] {
  return judged.story.runs.flatMap((run) =>
    callsOf(run).flatMap((call, index, calls) => {
      const next = calls[index + 1];
      const bound = boundOf(run, calls.slice(0, index + 1));
      if (call.people.length === 0 || bound?.last !== call) return [];
      const tickAt = lookAt(judged, run, () => bound.at);
      if (tickAt === undefined || (next !== undefined && next.at <= tickAt + leewayMs)) return [];
      if (isDelivered(judged, run, next?.position ?? Infinity, tickAt + leewayMs)) return [];
      return openCallsAt(run, next?.position ?? Infinity).length === 0
        ? []
        : [`I1: level ${call.level} of run ${run.run} came to no device, and the next was not started`];
    }),
  );
}

/** I5: no level starts before its deadline, unless for a reason that the log names, and that is true. */
export function notEarly(judged: Judged): string[] {
  const { story } = judged;
  return story.runs.flatMap((run) =>
    run.starts.flatMap((start, index) => {
      const before = run.starts[index - 1];
      const isByHand = run.wanted.some(({ level, at }) => at === start.at && level >= start.level);
      const isRepeat = start.reason === 'repeat' || (before?.level === lastLevel(run) && isByHand);
      if (start.level !== (isRepeat ? lastLevel(run) : (before?.level ?? 0) + 1))
        return [`I5: level ${start.level} is out of turn`];
      if (start.at >= deadline(run, start.level, start.position)) return [];
      const bound = boundOf(
        run,
        callsOf(run).filter((call) => call.at < start.at),
      );
      const reasons: Readonly<Record<string, () => boolean>> = {
        declined: () => cannotBeMet(run, story, start.position),
        unreachable: () =>
          cannotBeMet(run, story, start.position) ||
          (before?.at === start.at && reachesNobody(judged, run, before).includes(true)) ||
          // Or nobody holds the posts that were called any more but who has declined.
          looksFor(start.at).some((at) =>
            run.starts
              .slice(0, index)
              .flatMap(({ level }) => reach(judged, run, level, at, start.position))
              .every((person) => hasDeclined(run, person, start.position)),
          ),
        undelivered: () =>
          bound !== undefined && bound.at <= start.at && !isDelivered(judged, run, start.position, start.at - leewayMs),
        manual: () => isByHand,
      };
      return reasons[start.reason]?.() === true
        ? []
        : [`I5: level ${start.level} was started early, reason ${start.reason}`];
    }),
  );
}

/** I1: where too few are left who may answer, or a level reaches nobody, the next level starts at once. */
export function handedOver(judged: Judged): string[] {
  const { story } = judged;
  return story.runs.flatMap((run) => {
    const isNext = (position: number): boolean => run.starts.some((start) => start.position === position + 1);
    const declined = run.declines.filter(({ position }) => {
      const level = levelAt(run, position);
      return level > 0 && level < lastLevel(run) && cannotBeMet(run, story, position + 1);
    });
    const inVain = run.starts.filter(
      (start) =>
        start.level < lastLevel(run) &&
        (!reachesNobody(judged, run, start).includes(false) || cannotBeMet(run, story, start.position + 1)),
    );
    return [...declined, ...inVain]
      .filter(({ position }) => !isNext(position) && !isHeldAt(story, position) && !isHeldBy(story, position + 1))
      .map(
        ({ at }) => `I1: too few were left to answer, and the next level of run ${run.run} was not started at ${at}`,
      );
  });
}

/** Whoever holds a post that was called and has neither a call nor answered, as the log stood at a position. */
function uncalledHolders(judged: Judged, run: Run, at: number, position: number): string[] {
  const levels = Array.from({ length: levelAt(run, position) }, (_, index) => index + 1);
  const holders = new Set(levels.flatMap((level) => reach(judged, run, level, at, position)));
  const busy = new Set([
    ...openCallsAt(run, position).map(({ person }) => person),
    ...comingAt(run, position),
    ...run.declines.filter((decline) => decline.position < position).map(({ person }) => person),
  ]);
  return [...holders].filter((person) => !busy.has(person));
}

/**
 * I7: an alert of high priority that nobody has answered calls, by the next tick, whoever is on duty in a post that it has
 * called.
 */
export function postsAreCalled(judged: Judged, priority: string): string[] {
  const { story, ticks } = judged;
  const run = story.runs.at(-1);
  if (!story.isOrdered || run === undefined || story.state !== 'open' || priority !== 'high') return [];
  if (isHeldAt(story, Infinity)) return [];
  const tickAt = ticks.at(-1) ?? 0;
  // By the clock of the engine that looked his duty may have ended.
  const stillThere = uncalledHolders(judged, run, tickAt + leewayMs, Infinity);
  return uncalledHolders(judged, run, tickAt, Infinity)
    .filter((person) => stillThere.includes(person))
    .map((person) => `I7: ${person} holds a post and is not called`);
}

/** I7: who holds the posts of the ward that a patient came to is called at once, for an alert of whatever priority. */
export function movedAreCalled(judged: Judged): string[] {
  const { story } = judged;
  return story.wards.slice(1).flatMap(({ position, at }) => {
    const run = story.runs.findLast((each) => (each.starts[0]?.position ?? Infinity) < position);
    if (run === undefined || (run.endedAt ?? Infinity) <= at) return [];
    if (isHeldAt(story, position) || isHeldBy(story, position + 1)) return [];
    // What follows at once is of the move: who is let off, who is called, or the next level where nobody is left.
    const done = [...callsOf(run), ...run.relieved].filter((each) => each.position > position && each.at === at);
    const after = Math.max(position, ...done.map((each) => each.position)) + 1;
    const [before = [], now = []] = looksFor(at).map((each) => uncalledHolders(judged, run, each, after));
    return now
      .filter((person) => before.includes(person))
      .map((person) => `I7: ${person} holds a post in the ward that the patient came to, and is not called`);
  });
}
