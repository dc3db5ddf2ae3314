/**
 * Judges what an engine did by the rows that it left: alert, page, alert_log, outbox. It knows the policies and who was on
 * duty, folds the log by itself, and shares no code with what it judges.
 */
import type { AlertSummary } from '@carillon/contracts/alert-escalation';
import type { Policy } from '@carillon/contracts/escalation-policies';
import type { Sql } from '@carillon/database/database';
import { baseOf, callsOf, comingAt, fold, isHeldAt, wardAt, type Story } from './judge-fold.ts';
import { callsNobody, heldRightly, releasedInTime } from './judge-holds.ts';
import {
  deadline,
  deliveredOrFollowed,
  enoughStop,
  handedOver,
  leewayMs,
  movedAreCalled,
  notEarly,
  pagedInTime,
  postsAreCalled,
} from './judge-levels.ts';
import { ofAlert, readRows, toldOf, type AlertRow, type LogRow, type Rows } from './judge-rows.ts';
import { wardOf, type World } from './world.ts';

/** What is not in the rows. */
type Known = {
  world: World;
  /** When an engine had done everything that was due; how late it may be is decided by who calls. */
  ticks: readonly number[];
  /** When the policy for high priority was removed. */
  removals?: readonly number[];
};

/** @returns each violation with the name of its invariant */
export async function findViolations(sql: Sql, { world, ticks, removals = [] }: Known): Promise<string[]> {
  const rows = await readRows(sql);
  const policyOf = (summary: AlertSummary | undefined): Policy => {
    const found = rows.policies.find(
      ({ policy_id: id, version }) => id === summary?.policyId && version === summary.policyVersion,
    );
    if (found === undefined) throw new Error(`no policy ${summary?.policyId} ${summary?.policyVersion}`);
    return found.body;
  };
  const judged = rows.alerts.map((alert) => {
    const log = ofAlert(rows.log, alert.alert_id);
    const told = toldOf(rows, alert.alert_id);
    return { alert, log, told, story: fold(log, told, policyOf) };
  });
  const sources = judged.filter(({ alert }) => world.isInhibited === true && alert.kind === 'leads-off');
  return [
    ...oneOpenAlert(rows),
    ...judged.flatMap(({ alert, log, told, story }) => {
      const pages = ofAlert(rows.pages, alert.alert_id);
      const levels = { patient: alert.patient_id, story, pages, world, ticks };
      const { silences } = rows;
      const holding = { alert, story, silences, sources: alert.kind === 'fall' ? sources : [], ticks };
      return [
        ...logAgrees(alert, story),
        ...pagedInTime(levels),
        ...deliveredOrFollowed(levels),
        ...enoughStop(levels),
        ...nothingAfterAnswer(alert, story, rows),
        ...pagedOnce(alert, story, rows),
        ...notEarly(levels),
        ...keepsPolicy(told, story, { rows, removals }),
        ...handedOver(levels),
        ...postsAreCalled(levels, alert.priority),
        ...movedAreCalled(levels),
        ...goesWithPatient(alert, story, rows),
        ...onlyEntitledAnswer(log, story),
        ...hasDeadline(alert, story, ticks.at(-1) ?? 0),
        ...heldRightly(holding),
        ...callsNobody(holding),
        ...releasedInTime(holding),
      ].map((violation) => `${violation} (${alert.kind} of ${alert.patient_id})`);
    }),
  ];
}

/** I12: alerts of one episode follow one another. */
function oneOpenAlert({ alerts, log }: Rows): string[] {
  return [...new Set(alerts.map((alert) => alert.episode_key))].flatMap((episode) => {
    const spans = alerts
      .filter((alert) => alert.episode_key === episode)
      .map((alert) => {
        const entries = ofAlert(log, alert.alert_id);
        const opened = entries.find(({ kind }) => kind === 'opened')?.id ?? Number.NaN;
        const resolved = entries.find(({ kind }) => kind === 'resolved')?.id ?? Infinity;
        return { opened, resolved };
      })
      .toSorted((a, b) => a.opened - b.opened);
    const overlaps = spans.some((span, index) => index > 0 && !((spans[index - 1]?.resolved ?? 0) < span.opened));
    return overlaps ? [`I12: ${episode} has more than one open alert`] : [];
  });
}

/** I18: the row is what the log tells. */
function logAgrees(alert: AlertRow, story: Story): string[] {
  const { runs, state, condition, isOrdered } = story;
  const run = runs.at(-1);
  const level = Math.max(0, ...(run?.starts ?? []).map((start) => start.level));
  const isSame =
    isOrdered &&
    run?.run === alert.run &&
    baseOf(run, Infinity) === alert.base_at.getTime() &&
    level === alert.level &&
    state === alert.state &&
    wardAt(story, Infinity) === alert.ward_id &&
    isHeldAt(story, Infinity) === (alert.hold_kind !== null) &&
    (state !== 'open' || comingAt(run, Infinity).join() === alert.accepted.join()) &&
    (state === 'resolved' || condition === alert.condition);
  return isSame ? [] : ['I18: the row is not what the log tells'];
}

/** I2: between an answer and the next run nothing is paged: neither by the log, nor by the rows, nor by what is sent. */
function nothingAfterAnswer(
  { alert_id: id }: AlertRow,
  { runs, isOrdered }: Story,
  { pages, messages }: Rows,
): string[] {
  const violations = isOrdered ? [] : ['I2: the log has a level after the answer'];
  for (const page of ofAlert(pages, id)) {
    const endedAt = runs[page.run - 1]?.endedAt ?? Infinity;
    if (page.at.getTime() > endedAt) violations.push(`I2: ${page.person} was paged after the answer`);
  }
  let isAnswered = false;
  for (const { name, data, person } of messages) {
    if ((data.alert ?? data).alertId !== id) continue;
    if (name === 'alert:acknowledged' || name === 'alert:resolved') isAnswered = true;
    if (name === 'alert:raised' && data.state === 'open') isAnswered = false;
    if (name === 'page:new' && isAnswered) violations.push(`I2: a page to ${person} is sent after the answer`);
  }
  return violations;
}

/** I3: one row and one message for each call of a person that the log tells, and none besides. */
function pagedOnce({ alert_id: id }: AlertRow, { runs }: Story, { pages, messages }: Rows): string[] {
  const byLog = runs.flatMap((run) =>
    callsOf(run).flatMap(({ level, attempt, at, people }) =>
      people.map((person) => ({ run: run.run, level, attempt, at, person })),
    ),
  );
  const byRows = ofAlert(pages, id).map((page) => ({ ...page, at: page.at.getTime() }));
  const sent = messages
    .filter(({ name, data }) => name === 'page:new' && data.alert?.alertId === id)
    .map(({ person, data: { level, alert } }) => {
      const call = alert?.pages.find((page) => page.person === person && page.level === level);
      return { person, level, at: Date.parse(call?.at ?? '') };
    });
  const exact = (page: (typeof byLog)[number]): string =>
    [page.run, page.level, page.attempt, page.person, page.at].join(' ');
  const call = (page: { level: number; person: string; at: number }): string =>
    [page.level, page.person, page.at].join(' ');
  const list = (keys: readonly string[]): string => keys.toSorted().join('; ');
  // Levels that start together stand together in the log.
  const isAgain = runs.some(({ starts }) =>
    starts.some((start, index) => {
      const before = starts[index - 1];
      const isTogether = before?.position === start.position - 1 && before.at === start.at;
      return isTogether && start.people.some((person) => before.people.includes(person));
    }),
  );
  return [
    ...(isAgain ? ['I3: levels that start together call a person twice'] : []),
    ...(list(byLog.map(exact)) === list(byRows.map(exact)) ? [] : ['I3: the page rows are not the calls of the log']),
    ...(list(byRows.map(call)) === list(sent.map(call)) ? [] : ['I3: what is sent is not one message a page row']),
  ];
}

/** The versions of a policy by which an alert might be opened at a time; undefined where it may have been removed. */
function versionsAt({ policies }: Rows, policyId: string, at: number, removals: readonly number[]) {
  const written = policies
    .filter((each) => each.policy_id === policyId)
    .map((each): { at: number; version: number | undefined } => ({ at: each.set_at.getTime(), version: each.version }));
  const gone = policyId === 'urgent' ? [-Infinity, ...removals].map((each) => ({ at: each, version: undefined })) : [];
  const changes = [...gone, ...written].toSorted((one, other) => one.at - other.at);
  const settled = changes.findLast((change) => change.at < at - leewayMs);
  const settledAt = settled?.at ?? -Infinity;
  return changes
    .filter((change) => change === settled || (change.at >= settledAt - leewayMs && change.at <= at + leewayMs))
    .map(({ version }) => version);
}

/** I6: an alert keeps the policy by which it was opened; at a higher priority it may get another, never a newer one. */
function keepsPolicy(
  told: readonly AlertSummary[],
  { priorities }: Story,
  { rows, removals }: { rows: Rows; removals: readonly number[] },
): string[] {
  return priorities.flatMap(({ priority, at }, index) => {
    const [first, ...others] = told.filter((summary) => summary.priority === priority);
    const before = told.find((summary) => summary.priority === priorities[index - 1]?.priority);
    if (first === undefined) return [`${priority} was never told`];
    const isOther = ({ policyId, policyVersion }: AlertSummary): boolean =>
      policyId !== first.policyId || policyVersion !== first.policyVersion;
    const urgent = priority === 'high' ? versionsAt(rows, 'urgent', at, removals) : [undefined];
    const mayBe = [
      ...urgent.filter((version) => version !== undefined).map((version) => `urgent ${version}`),
      ...(urgent.includes(undefined) ? versionsAt(rows, 'default', at, []).map((version) => `default ${version}`) : []),
    ];
    const isKept = before?.policyId === first.policyId && before?.policyVersion === first.policyVersion;
    const isChosen =
      mayBe.some((each) => each.startsWith(`${first.policyId} `) && isKept) ||
      (before?.policyId !== first.policyId && mayBe.includes(`${first.policyId} ${first.policyVersion}`));
    return [
      ...(others.some(isOther) ? [`I6: its policy changed while it ran at ${priority}`] : []),
      ...(isChosen
        ? []
        : [`I6: at ${priority} it runs by ${first.policyId} ${first.policyVersion}, not ${mayBe.join()}`]),
    ];
  });
}

/** An alert lies where its patient does, or where he lay before he went home. */
function goesWithPatient({ patient_id: patient, state, ward_id: ward }: AlertRow, _: Story, { wards }: Rows): string[] {
  const now = wards.get(patient) ?? null;
  return state === 'resolved' || now === null || now === ward ? [] : [`the alert is in ${ward}, the patient in ${now}`];
}

/** I9: only staff of the ward where it lies, or who was called, answer. */
function onlyEntitledAnswer(log: readonly LogRow[], story: Story): string[] {
  const called = new Set<string>();
  return log.flatMap(({ kind, actor, people }, position) => {
    for (const person of people ?? []) called.add(person);
    if (actor === null || !['accepted', 'snoozed', 'declined', 'escalated', 'arrived', 'resolved'].includes(kind))
      return [];
    const isHis = wardOf(actor) === wardAt(story, position);
    return isHis || (kind !== 'resolved' && called.has(actor)) ? [] : [`I9: ${actor} may not have ${kind} it`];
  });
}

/** So often a hold by another alert is looked at though nobody was told that it ended. */
const heldAgainMs = 30_000;

/** I13: an alert that is on, and one whose answer will expire, has its next deadline, no later than it must be. */
function hasDeadline(alert: AlertRow, story: Story, tickedAt: number): string[] {
  const run = story.runs.at(-1);
  if (run === undefined || alert.state === 'resolved') return [];
  const last = run.policy.levels.length;
  const isActive = alert.condition === 'active';
  if (alert.level === last && alert.state === 'open' && !isActive && alert.hold_kind === null) return [];
  const nextLevel = (): number =>
    alert.level < last
      ? deadline(run, alert.level + 1, Infinity)
      : Math.max(deadline(run, last, Infinity), (run.starts.at(-1)?.at ?? 0) + run.policy.repeatSeconds * 1000);
  const latest =
    alert.state === 'acknowledged'
      ? (story.answeredUntil ?? 0)
      : alert.hold_kind === 'silence'
        ? Infinity
        : alert.hold_kind === 'inhibition'
          ? tickedAt + heldAgainMs + leewayMs
          : nextLevel();
  const dueAt = alert.due_at?.getTime() ?? Infinity;
  return [
    ...(dueAt === Infinity || dueAt > latest
      ? [`I13: ${alert.state} and ${alert.condition}, and the next deadline is not set`]
      : []),
    ...(dueAt <= tickedAt ? ['I1: something due was left undone by the last tick'] : []),
  ];
}
