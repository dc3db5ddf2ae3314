/** Whether silences and other alerts hold back calls while they may, and no longer: I15, I16. */
import { callsOf, isAtLeast, priorityAt, wardAt, type Story } from './judge-fold.ts';
import type { AlertRow, SilenceRow } from './judge-rows.ts';
import { leewayMs } from './judge-levels.ts';

/** An alert that may hold back others. */
type Source = { alert: AlertRow; story: Story };
type Holding = {
  alert: AlertRow;
  story: Story;
  silences: readonly SilenceRow[];
  /** By the rule of the world; none where there is no rule. */
  sources: readonly Source[];
  ticks: readonly number[];
};
type Cause = { id: string; from: number; until: number };

/** What may hold back the alert as it is at a position of its log, and from when until when. */
function causesAt({ alert, story, silences, sources }: Holding, position: number): Cause[] {
  const priority = priorityAt(story, position);
  const ward = wardAt(story, position);
  const covering = silences
    .filter(
      ({ ward_id: wardId, patient_id: patient, kinds, priorities }) =>
        (wardId === null || wardId === ward) &&
        (patient === null || patient === alert.patient_id) &&
        (kinds === null || kinds.includes(alert.kind)) &&
        priorities.includes(priority),
    )
    .map(({ silence_id: id, starts_at: from, ended_at: until }) => ({
      id,
      from: from.getTime(),
      until: until.getTime(),
    }));
  const others = sources
    .filter((source) => source.alert.patient_id === alert.patient_id)
    .flatMap((source) => {
      const high = source.story.priorities.find((each) => isAtLeast(each.priority, priority));
      return source.story.free
        .filter(({ until }) => high !== undefined && until >= high.at)
        .map(({ from, until }) => ({ id: source.alert.alert_id, from: Math.max(from, high?.at ?? from), until }));
    });
  return [...covering, ...others];
}

/** I15, I16: whatever an alert was held by was there, and held back what it may. */
export function heldRightly(holding: Holding): string[] {
  return holding.story.holds.flatMap(({ by, at, position }) =>
    causesAt(holding, position).some(
      ({ id, from, until }) => id === by && from <= at + leewayMs && at - leewayMs <= until,
    )
      ? []
      : [`I15: it was held by ${by}, which held back nothing then`],
  );
}

/** I15, I16: while a silence or an alert that explains it lasts, nobody is called, not even by hand. */
export function callsNobody(holding: Holding): string[] {
  return holding.story.runs.flatMap((run) =>
    callsOf(run)
      .filter(({ people }) => people.length > 0)
      .filter(({ at, position }) =>
        causesAt(holding, position).some(({ from, until }) => from + leewayMs < at && at < until - leewayMs),
      )
      .map(({ level, at }) => `I15: level ${level} of run ${run.run} called at ${at} though it was held back`),
  );
}

/** Of one that was looked at while somebody was changing it. */
const inDoubtMs = 1_000;

/** What was true of it around a time: positions of its log, each up to the next. */
function positionsAround({ wards, priorities }: Story, from: number, until: number): number[] {
  const marks = [...wards, ...priorities].toSorted((one, other) => one.position - other.position);
  return marks
    .filter((mark, index) => mark.at <= until && (marks[index + 1]?.at ?? Infinity) >= from)
    .map(({ position }) => position + 1);
}

/** From when until when it called nobody: one cause may have followed another. */
function spansOf({ holds }: Story): { from: number; until: number }[] {
  const spans: { from: number; until: number }[] = [];
  for (const [index, { at, position, endedAt }] of holds.entries()) {
    const last = spans.at(-1);
    if (last !== undefined && holds[index - 1]?.endPosition === position) last.until = endedAt;
    else spans.push({ from: at, until: endedAt });
  }
  return spans;
}

/** I15, I16: when nothing holds it back any more, it is released by the next tick. */
export function releasedInTime(holding: Holding): string[] {
  return spansOf(holding.story).flatMap(({ from, until }) =>
    holding.ticks
      .filter((tickAt) => {
        const [earliest, latest] = [tickAt - inDoubtMs - leewayMs, tickAt + leewayMs];
        const isHeldBack = positionsAround(holding.story, earliest, latest)
          .flatMap((position) => causesAt(holding, position))
          .some((cause) => cause.from <= latest && earliest <= cause.until);
        return from < earliest && latest < until && !isHeldBack;
      })
      .map((tickAt) => `I16: nothing held it back any more at ${tickAt}, and it was not released`),
  );
}
