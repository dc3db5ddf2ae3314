/** The story of an alert as its log tells it: folded here a second time, with no code of the engine. */
import type { Priority } from '@carillon/contracts/monitoring';

export type LogRow = {
  id: number;
  alert_id: string;
  at: Date;
  kind: string;
  actor: string | null;
  level: number | null;
  people: string[] | null;
  reason: string | null;
  until: Date | null;
};

/** How long an answer holds, by clinical configuration. */
const answerMs: Readonly<Record<Priority, number>> = { high: 600_000, medium: 1_800_000, low: 3_600_000 };
const rank: readonly string[] = ['high', 'medium', 'low'];

export type Start = {
  level: number;
  attempt: number;
  at: number;
  people: readonly string[];
  reason: string;
  position: number;
};
export type Run = {
  run: number;
  /** Calls beside those of the levels: for who took over a post. */
  handovers: Start[];
  accepts: { person: string; position: number }[];
  relieved: { person: string; position: number }[];
  /** Up to which level somebody wanted it by hand. */
  wanted: { level: number; at: number }[];
  baseAt: number;
  startedAt: number;
  /** When somebody answered, or the alert was closed. */
  endedAt: number | undefined;
  starts: Start[];
  declines: { person: string; at: number; position: number }[];
};
export type Story = {
  runs: Run[];
  /** The log as it stood when the condition ended and came back, by position. */
  conditions: { position: number; condition: string }[];
  state: string;
  condition: string;
  isOrdered: boolean;
  answeredUntil: number | undefined;
};

/** What the log tells, read from its beginning. */
export function fold(log: readonly LogRow[], openedWith: Priority): Story {
  const runs: Run[] = [];
  const conditions: Story['conditions'] = [];
  let state = 'none';
  let condition = 'active';
  let priority: Priority = openedWith;
  let answeredUntil: number | undefined;
  let isOrdered = true;
  const begin = (baseAt: number, startedAt: number): void => {
    state = 'open';
    const nothing = { starts: [], handovers: [], declines: [], accepts: [], relieved: [], wanted: [] };
    runs.push({ run: runs.length + 1, baseAt, startedAt, endedAt: undefined, ...nothing });
  };
  for (const [position, entry] of log.entries()) {
    const at = entry.at.getTime();
    const current = runs.at(-1);
    switch (entry.kind) {
      case 'opened':
        begin(at, at);
        break;
      case 'level':
      case 'handover':
      case 'moved': {
        if (state !== 'open' || current === undefined) isOrdered = false;
        const level = entry.level ?? 0;
        const attempt =
          (current === undefined ? 0 : callsOf(current).filter((call) => call.level === level).length) + 1;
        const call = { level, attempt, at, people: entry.people ?? [], reason: entry.reason ?? '', position };
        (entry.kind === 'level' ? current?.starts : current?.handovers)?.push(call);
        break;
      }
      case 'relieved':
        current?.relieved.push(...(entry.people ?? []).map((person) => ({ person, position })));
        break;
      case 'accepted':
        if (state !== 'open') isOrdered = false;
        current?.accepts.push({ person: entry.actor ?? '', position });
        break;
      case 'escalated':
        current?.wanted.push({ level: entry.level ?? 0, at });
        break;
      case 'arrived':
      case 'entered':
        break;
      case 'declined':
        current?.declines.push({ person: entry.actor ?? '', at, position });
        break;
      case 'acknowledged':
        state = 'acknowledged';
        answeredUntil = at + answerMs[priority];
        if (current !== undefined) current.endedAt = at;
        break;
      case 'snoozed':
        state = 'acknowledged';
        answeredUntil = entry.until?.getTime();
        if (current !== undefined) current.endedAt = at;
        break;
      case 'ackExpired':
        begin(answeredUntil ?? Number.NaN, at);
        break;
      case 'cleared':
        condition = 'cleared';
        conditions.push({ position, condition });
        break;
      case 'merged':
      case 'priority':
      case 'reactivated':
        condition = 'active';
        conditions.push({ position, condition });
        if (rank.indexOf(entry.reason ?? '') < rank.indexOf(priority)) priority = entry.reason as Priority;
        if (state === 'acknowledged' && (entry.actor !== null || entry.kind === 'priority')) begin(at, at);
        break;
      case 'resolved':
        state = 'resolved';
        if (current !== undefined) current.endedAt ??= at;
        break;
      default:
        isOrdered = false;
    }
  }
  return { runs, conditions, state, condition, isOrdered, answeredUntil };
}

export const callsOf = ({ starts, handovers }: Run): Start[] =>
  [...starts, ...handovers].toSorted((one, other) => one.position - other.position);

/** Whether the person has declined since he was last called, as the log stood at a position. */
export function hasDeclined(run: Run, person: string, position: number): boolean {
  const called = callsOf(run).findLast((call) => call.position < position && call.people.includes(person));
  return run.declines.some(
    (decline) =>
      decline.person === person && decline.position > (called?.position ?? Infinity) && decline.position < position,
  );
}
/** Who had said that he comes, and not declined since, as the log stood at a position. */
export const comingAt = ({ accepts, declines }: Run, position: number): string[] =>
  accepts
    .filter(
      (accept) =>
        accept.position < position &&
        !declines.some(
          (decline) =>
            decline.person === accept.person && decline.position > accept.position && decline.position < position,
        ),
    )
    .map(({ person }) => person);
