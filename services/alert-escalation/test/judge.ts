/**
 * Judges what an engine did by the rows that it left: alert, page, alert_log, outbox. It knows the policy and who was on
 * duty, folds the log by itself, and shares no code with what it judges.
 */
import type { AlertSummary } from '@carillon/contracts/alert-escalation';
import type { Sql } from '@carillon/database/database';
import { callsOf, comingAt, fold, hasDeclined, type LogRow, type Run, type Start, type Story } from './judge-fold.ts';
import { reachableAt, type World } from './world.ts';

type AlertRow = {
  accepted: string[];
  priority: string;
  alert_id: string;
  patient_id: string;
  episode_key: string;
  state: string;
  condition: string;
  run: number;
  base_at: Date;
  level: number;
  due_at: Date | null;
};
type PageRow = { alert_id: string; run: number; level: number; attempt: number; person: string; at: Date };
type OutboxRow = { headers: Record<string, string>; subject: string; body: string };

const group = <T extends { alert_id: string }>(rows: readonly T[], alertId: string): T[] =>
  rows.filter((row) => row.alert_id === alertId);

async function readRows(sql: Sql) {
  const [alerts, log, pages, outbox] = await Promise.all([
    sql.query<AlertRow>('select * from alert order by opened_at, alert_id'),
    sql.query<LogRow>('select * from alert_log order by id'),
    sql.query<PageRow>('select * from page'),
    sql.query<OutboxRow>('select subject, headers, body from outbox order by id'),
  ]);
  const messages = outbox.rows.map(({ headers, subject, body }) => {
    const data = JSON.parse(body) as AlertSummary & { level: number; alert?: AlertSummary };
    return { name: headers['Carillon-Event'] ?? '', person: subject.split('.')[2] ?? '', data };
  });
  return { alerts: alerts.rows, log: log.rows, pages: pages.rows, messages };
}
type Rows = Awaited<ReturnType<typeof readRows>>;

/**
 * @param ticks when an engine had done everything that was due; how late it may be is decided by who calls
 * @returns each violation with the name of its invariant
 */
export async function findViolations(sql: Sql, world: World, ticks: readonly number[]): Promise<string[]> {
  const rows = await readRows(sql);
  return [
    ...oneOpenAlert(rows),
    ...rows.alerts.flatMap((alert) => {
      const first = rows.messages.find(({ name, data }) => name === 'alert:raised' && data.alertId === alert.alert_id);
      if (first === undefined) return [`alert ${alert.alert_id} was never told`];
      const story = fold(group(rows.log, alert.alert_id), first.data.priority);
      return [
        ...logAgrees(alert, story),
        ...pagedInTime(alert, story, world, ticks),
        ...nothingAfterAnswer(alert, story, rows),
        ...pagedOnce(alert, story, rows),
        ...notEarly(alert, story, world),
        ...handedOver(alert, story, world),
        ...postsAreCalled(alert, story, world, ticks.at(-1) ?? 0),
        ...hasDeadline(alert, story, world, ticks.at(-1) ?? 0),
      ].map((violation) => `${violation} (alert of ${alert.patient_id})`);
    }),
  ];
}

/** I12: alerts of one episode follow one another. */
function oneOpenAlert({ alerts, log }: Rows): string[] {
  return [...new Set(alerts.map((alert) => alert.episode_key))].flatMap((episode) => {
    const spans = alerts
      .filter((alert) => alert.episode_key === episode)
      .map((alert) => {
        const entries = group(log, alert.alert_id);
        const opened = entries.find(({ kind }) => kind === 'opened')?.id ?? Number.NaN;
        const resolved = entries.find(({ kind }) => kind === 'resolved')?.id ?? Infinity;
        return { opened, resolved };
      })
      .toSorted((a, b) => a.opened - b.opened);
    const overlaps = spans.some((span, index) => index > 0 && !((spans[index - 1]?.resolved ?? 0) < span.opened));
    return overlaps ? [`I12: ${episode} has more than one open alert`] : [];
  });
}

/** The row is what the log tells. */
function logAgrees(alert: AlertRow, { runs, state, condition, isOrdered }: Story): string[] {
  const run = runs.at(-1);
  const level = Math.max(0, ...(run?.starts ?? []).map((start) => start.level));
  const isSame =
    isOrdered &&
    run?.run === alert.run &&
    run.baseAt === alert.base_at.getTime() &&
    level === alert.level &&
    state === alert.state &&
    (state !== 'open' || comingAt(run, Infinity).join() === alert.accepted.join()) &&
    (state === 'resolved' || condition === alert.condition);
  return isSame ? [] : ['I18: the row is not what the log tells'];
}

const deadline = ({ policy }: World, run: Run, level: number): number =>
  run.baseAt + (policy.levels[level - 1]?.afterSeconds ?? Number.NaN) * 1000;

/** What correction leaves between the clocks of two engines. */
const leewayMs = 50;

/** I1: a level whose deadline has come unanswered was started by the next tick, and whoever it reaches was paged. */
function pagedInTime(
  { patient_id: patient }: AlertRow,
  { runs }: Story,
  world: World,
  ticks: readonly number[],
): string[] {
  const last = world.policy.levels.length;
  return runs.flatMap((run) =>
    world.policy.levels.flatMap((_, index) => {
      const level = index + 1;
      const dueAt = Math.max(deadline(world, run, level), run.startedAt);
      const tickAt = ticks.find((at) => at >= dueAt);
      if (tickAt === undefined || (run.endedAt ?? Infinity) <= tickAt + leewayMs) return [];
      const start = run.starts.find((one) => one.level === level);
      if (start === undefined || start.at > tickAt + leewayMs)
        return [`I1: level ${level} of run ${run.run} was not started in time`];
      return reachableAt(world, patient, level, start.at).flatMap((person) => {
        const isPaged = callsOf(run).some(
          (one) => one.at === start.at && one.level <= level && one.people.includes(person),
        );
        const isExcused =
          comingAt(run, start.position).includes(person) || (level < last && hasDeclined(run, person, start.position));
        return isPaged || isExcused ? [] : [`I1: ${person} was not paged by level ${level}`];
      });
    }),
  );
}

/** I2: between an answer and the next run nothing is paged: neither by the log, nor by the rows, nor by what is sent. */
function nothingAfterAnswer(
  { alert_id: id }: AlertRow,
  { runs, isOrdered }: Story,
  { pages, messages }: Rows,
): string[] {
  const violations = isOrdered ? [] : ['I2: the log has a level after the answer'];
  for (const page of group(pages, id)) {
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
  const byRows = group(pages, id).map((page) => ({ ...page, at: page.at.getTime() }));
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

/** Fewer come, or may still say so, than the highest level needs. */
function cannotBeMet(run: Run, { conditions }: Story, world: World, position: number): boolean {
  const before = callsOf(run).filter((call) => call.position < position);
  const level = Math.max(0, ...run.starts.filter((start) => start.position < position).map((start) => start.level));
  const isLost = (person: string, calledAt: number): boolean =>
    [...run.declines, ...run.relieved].some(
      (each) => each.person === person && each.position > calledAt && each.position < position,
    );
  const stillCalled = (calls: readonly Start[]): Set<string> =>
    new Set(calls.flatMap((call) => call.people.filter((person) => !isLost(person, call.position))));
  const coming = comingAt(run, position);
  const needs = world.policy.levels[level - 1]?.needs ?? 'any';
  const ofLevel = Math.max(1, stillCalled(before.filter((call) => call.level === level)).size);
  const isOver = conditions.findLast((each) => each.position < position)?.condition === 'cleared';
  const isLast = level === world.policy.levels.length;
  const counted = needs === 'all' ? ofLevel : needs === 'any' ? 1 : isLast ? Math.min(needs, ofLevel) : needs;
  return new Set([...coming, ...stillCalled(before)]).size < (isOver ? 1 : counted);
}
const reachesNobody = (run: Run, start: Start, patient: string, world: World): boolean =>
  reachableAt(world, patient, start.level, start.at).every((person) => hasDeclined(run, person, start.position));

/** A level had a bound for its delivery, and that was over. */
const isBoundOver = (run: Run, start: Start, { policy }: World): boolean => {
  const last = callsOf(run).findLast((call) => call.at < start.at && call.people.length > 0);
  // Of levels that start together the highest says how long their calls may take.
  const level = callsOf(run).findLast((call) => call.at === last?.at)?.level ?? 0;
  const seconds = policy.levels[level - 1]?.deliverWithinSeconds;
  return last !== undefined && seconds !== undefined && last.at + seconds * 1_000 <= start.at;
};

/** I5: no level starts before its deadline, unless for a reason that the log names, and that is true. */
function notEarly({ patient_id: patient }: AlertRow, story: Story, world: World): string[] {
  const last = world.policy.levels.length;
  return story.runs.flatMap((run) =>
    run.starts.flatMap((start, index) => {
      const before = run.starts[index - 1];
      const isByHand = run.wanted.some(({ level, at }) => at === start.at && level >= start.level);
      const isRepeat = start.reason === 'repeat' || (before?.level === last && isByHand);
      if (start.level !== (isRepeat ? last : (before?.level ?? 0) + 1))
        return [`I5: level ${start.level} is out of turn`];
      if (start.at >= deadline(world, run, start.level)) return [];
      const reasons: Readonly<Record<string, () => boolean>> = {
        declined: () => cannotBeMet(run, story, world, start.position),
        unreachable: () =>
          cannotBeMet(run, story, world, start.position) ||
          (before?.at === start.at && reachesNobody(run, before, patient, world)) ||
          // Or nobody holds the posts that were called any more but who has declined.
          run.starts
            .slice(0, index)
            .flatMap(({ level }) => reachableAt(world, patient, level, start.at))
            .every((person) => hasDeclined(run, person, start.position)),
        undelivered: () => isBoundOver(run, start, world),
        manual: () => isByHand,
      };
      return reasons[start.reason]?.() === true
        ? []
        : [`I5: level ${start.level} was started early, reason ${start.reason}`];
    }),
  );
}

/** I1: where too few are left who may answer, or a level reaches nobody, the next level starts at once. */
function handedOver({ patient_id: patient }: AlertRow, story: Story, world: World): string[] {
  const last = world.policy.levels.length;
  return story.runs.flatMap((run) => {
    const isNext = (position: number): boolean => run.starts.some((start) => start.position === position + 1);
    const declined = run.declines.filter(({ position }) => {
      const started = run.starts.filter((start) => start.position < position);
      return (
        started.length > 0 &&
        !started.some((start) => start.level === last) &&
        cannotBeMet(run, story, world, position + 1)
      );
    });
    const inVain = run.starts.filter(
      (start) =>
        start.level < last &&
        (reachesNobody(run, start, patient, world) || cannotBeMet(run, story, world, start.position + 1)),
    );
    return [...declined, ...inVain]
      .filter(({ position }) => !isNext(position))
      .map(
        ({ at }) => `I1: too few were left to answer, and the next level of run ${run.run} was not started at ${at}`,
      );
  });
}

/**
 * I7: an alert of high priority that nobody has answered calls, by the next tick, whoever is on duty in a post that it has
 * called.
 */
function postsAreCalled(alert: AlertRow, { runs, isOrdered }: Story, world: World, tickedAt: number): string[] {
  const run = runs.at(-1);
  if (!isOrdered || run === undefined || alert.state !== 'open' || alert.priority !== 'high') return [];
  const levels = world.policy.levels.slice(0, alert.level).map((_, index) => index + 1);
  const holders = new Set(levels.flatMap((level) => reachableAt(world, alert.patient_id, level, tickedAt)));
  const answered = new Set([...run.accepts, ...run.declines].map(({ person }) => person));
  const called = new Set(callsOf(run).flatMap(({ people }) => people));
  return [...holders]
    .filter((person) => !called.has(person) && !answered.has(person))
    .map((person) => `I7: ${person} holds a post and is not called`);
}

/** I13: an alert that is on, and one whose answer will expire, has its next deadline, no later than it must be. */
function hasDeadline(alert: AlertRow, { runs, answeredUntil }: Story, world: World, tickedAt: number): string[] {
  const run = runs.at(-1);
  const last = world.policy.levels.length;
  if (run === undefined || alert.state === 'resolved') return [];
  const isActive = alert.condition === 'active';
  if (alert.level === last && alert.state === 'open' && !isActive) return [];
  const latest =
    alert.state === 'acknowledged'
      ? (answeredUntil ?? 0)
      : alert.level < last
        ? deadline(world, run, alert.level + 1)
        : Math.max(deadline(world, run, last), (run.starts.at(-1)?.at ?? 0) + world.policy.repeatSeconds * 1000);
  const dueAt = alert.due_at?.getTime() ?? Infinity;
  return [
    ...(dueAt > latest ? [`I13: ${alert.state} and ${alert.condition}, and the next deadline is not set`] : []),
    ...(dueAt <= tickedAt ? ['I1: something due was left undone by the last tick'] : []),
  ];
}
