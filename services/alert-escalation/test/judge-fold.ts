/** The story of an alert as its log tells it: folded here a second time, with no code of the engine. */
import type { AlertSummary } from '@carillon/contracts/alert-escalation';
import type { Policy } from '@carillon/contracts/escalation-policies';
import type { Priority } from '@carillon/contracts/monitoring';
import type { LogRow } from './judge-rows.ts';

/** How long an answer holds, by clinical configuration. */
const answerMs: Readonly<Record<Priority, number>> = { high: 600_000, medium: 1_800_000, low: 3_600_000 };
const rank: readonly string[] = ['high', 'medium', 'low'];
export const isAtLeast = (one: Priority, other: Priority): boolean => rank.indexOf(one) <= rank.indexOf(other);

/** Something that holds from a place in the log on. */
type From<T> = { position: number; at: number } & T;
export type Start = From<{ level: number; attempt: number; people: readonly string[]; reason: string }>;
/** It calls nobody from here until `endedAt`. `by` is the silence, or the other alert. */
export type Held = From<{ by: string; endedAt: number; endPosition: number }>;
/** It calls from here until it is held, answered or closed; deadlines count from `baseAt`. */
type Stretch = From<{ baseAt: number; until: number }>;
export type Run = {
  run: number;
  policy: Policy;
  stretches: [Stretch, ...Stretch[]];
  /** Where enough had said that they come. */
  takenPosition: number | undefined;
  /** When somebody answered, or the alert was closed, or began to call anew. */
  endedAt: number | undefined;
  starts: Start[];
  /** Calls beside those of the levels: for who took over a post. */
  handovers: Start[];
  accepts: From<{ person: string }>[];
  relieved: From<{ person: string }>[];
  declines: From<{ person: string }>[];
  /** Up to which level somebody wanted it by hand. */
  wanted: { level: number; at: number }[];
};
export type Story = {
  runs: Run[];
  wards: From<{ ward: string }>[];
  priorities: From<{ priority: Priority }>[];
  /** As it ended and came back. */
  conditions: From<{ condition: string }>[];
  holds: Held[];
  /** Times between which it may hold back others: on or answered, its condition active, and not held. */
  free: { from: number; until: number }[];
  state: string;
  condition: string;
  isOrdered: boolean;
  answeredUntil: number | undefined;
};

/**
 * What the log tells, read from its beginning.
 * @param told what rooms were told of it: by which policy it runs, at each priority that it has had, is not in the log
 * @param policyOf the text of a policy
 */
export function fold(
  log: readonly LogRow[],
  told: readonly AlertSummary[],
  policyOf: (summary: AlertSummary | undefined) => Policy,
): Story {
  const story: Story = {
    runs: [],
    wards: [],
    priorities: [],
    conditions: [],
    holds: [],
    free: [],
    state: 'none',
    condition: 'active',
    isOrdered: true,
    answeredUntil: undefined,
  };
  const { runs, holds } = story;
  const toldWith = (wanted: Priority) => told.find((summary) => summary.priority === wanted);
  let priority: Priority = told[0]?.priority ?? 'low';
  const heldNow = (): Held | undefined => holds.find(({ endedAt }) => endedAt === Infinity);
  const endHold = (position: number, at: number): void => {
    const held = heldNow();
    if (held !== undefined) Object.assign(held, { endedAt: at, endPosition: position });
  };
  const pause = (at: number): void => {
    const stretch = runs.at(-1)?.stretches.at(-1);
    if (stretch !== undefined) stretch.until = Math.min(stretch.until, at);
  };
  const end = (at: number): void => {
    const current = runs.at(-1);
    if (current !== undefined) current.endedAt ??= at;
    pause(at);
  };
  const begin = (position: number, baseAt: number, at: number): void => {
    endHold(position, at);
    end(at);
    story.state = 'open';
    runs.push({
      run: runs.length + 1,
      policy: policyOf(toldWith(priority)),
      stretches: [{ position, at, baseAt, until: Infinity }],
      endedAt: undefined,
      takenPosition: undefined,
      starts: [],
      handovers: [],
      accepts: [],
      relieved: [],
      declines: [],
      wanted: [],
    });
  };
  const answer = (position: number, at: number, until: number | undefined): void => {
    endHold(position, at);
    story.state = 'acknowledged';
    story.answeredUntil = until;
    end(at);
  };
  /**
   * It goes on where it was: what was due meanwhile is due now, and what follows keeps its distance.
   */
  const release = (position: number, at: number): void => {
    const current = runs.at(-1);
    if (current === undefined) return;
    const level = current.starts.at(-1)?.level ?? 0;
    endHold(position, at);
    const next = current.policy.levels[level];
    const before = baseOf(current, position);
    const baseAt = next === undefined ? before : Math.max(before, at - next.afterSeconds * 1_000);
    current.stretches.push({ position, at, baseAt, until: Infinity });
  };
  /** The same was raised again; it begins anew by another policy, where it was answered, or where nothing holds it now. */
  const join = (position: number, at: number, { kind, actor, reason }: LogRow): void => {
    const wanted = reason as Priority;
    const before = priority;
    story.condition = 'active';
    story.conditions.push({ position, at, condition: 'active' });
    if (isAtLeast(wanted, priority)) priority = wanted;
    const isUpgrade = priority !== before;
    if (isUpgrade) story.priorities.push({ position, at, priority });
    const [now, then] = [toldWith(priority), toldWith(before)];
    const isFreed = isUpgrade && heldNow() !== undefined && now?.held === null;
    const isOther = isUpgrade && now?.policyId !== then?.policyId;
    const isAnew = story.state === 'acknowledged' && (actor !== null || kind === 'priority');
    if (isAnew || isFreed || isOther) begin(position, at, at);
  };
  const noteFree = (at: number): void => {
    const isFree = story.condition === 'active' && story.state !== 'resolved' && heldNow() === undefined;
    const last = story.free.at(-1);
    if (isFree === (last?.until === Infinity)) return;
    if (isFree) story.free.push({ from: at, until: Infinity });
    else if (last !== undefined) last.until = at;
  };
  for (const [position, entry] of log.entries()) {
    const at = entry.at.getTime();
    const current = runs.at(-1);
    const who = { position, at, person: entry.actor ?? '' };
    switch (entry.kind) {
      case 'opened':
        story.wards.push({ position, at, ward: told[0]?.wardId ?? '' });
        story.priorities.push({ position, at, priority });
        begin(position, at, at);
        break;
      case 'level':
      case 'handover':
      case 'moved': {
        if (story.state !== 'open' || current === undefined || heldNow() !== undefined) story.isOrdered = false;
        const level = entry.level ?? 0;
        const attempt =
          (current === undefined ? 0 : callsOf(current).filter((call) => call.level === level).length) + 1;
        const call = { level, attempt, at, people: entry.people ?? [], reason: entry.reason ?? '', position };
        (entry.kind === 'level' ? current?.starts : current?.handovers)?.push(call);
        break;
      }
      case 'held': {
        if (story.state !== 'open') story.isOrdered = false;
        endHold(position, at);
        const by = (entry.reason ?? '').split(' ')[1] ?? '';
        holds.push({ position, at, by, endedAt: Infinity, endPosition: Infinity });
        pause(at);
        break;
      }
      case 'released':
        if (heldNow() === undefined) story.isOrdered = false;
        release(position, at);
        break;
      case 'relieved':
        current?.relieved.push(...(entry.people ?? []).map((person) => ({ position, at, person })));
        break;
      case 'accepted':
        if (story.state !== 'open') story.isOrdered = false;
        current?.accepts.push(who);
        break;
      case 'escalated':
        if (heldNow() !== undefined) story.isOrdered = false;
        current?.wanted.push({ level: entry.level ?? 0, at });
        break;
      case 'arrived':
        break;
      case 'entered':
        story.wards.push({ position, at, ward: entry.reason ?? '' });
        break;
      case 'declined':
        current?.declines.push(who);
        break;
      case 'acknowledged':
        if (current !== undefined) current.takenPosition = position;
        answer(position, at, at + answerMs[priority]);
        break;
      case 'snoozed':
        answer(position, at, entry.until?.getTime());
        break;
      case 'ackExpired':
        begin(position, story.answeredUntil ?? Number.NaN, at);
        break;
      case 'cleared':
        story.condition = 'cleared';
        story.conditions.push({ position, at, condition: 'cleared' });
        break;
      case 'merged':
      case 'priority':
      case 'reactivated':
        join(position, at, entry);
        break;
      case 'resolved':
        endHold(position, at);
        story.state = 'resolved';
        end(at);
        break;
      default:
        story.isOrdered = false;
    }
    noteFree(at);
  }
  return story;
}

const last = <T extends { position: number }>(entries: readonly T[], position: number): T | undefined =>
  entries.findLast((entry) => entry.position < position);

/** As the log stood at a position, what is there not included. */
export const wardAt = ({ wards }: Story, position: number): string => last(wards, position)?.ward ?? '';
export const priorityAt = ({ priorities }: Story, position: number): Priority =>
  last(priorities, position)?.priority ?? 'low';
export const isOverAt = ({ conditions }: Story, position: number): boolean =>
  last(conditions, position)?.condition === 'cleared';
/** Whether it is that entry which says so. */
export const isHeldBy = ({ holds }: Story, position: number): boolean =>
  holds.some((held) => held.position === position);
export const isHeldAt = ({ holds }: Story, position: number): boolean =>
  holds.some((held) => held.position < position && position <= held.endPosition);

/** From when its deadlines count. */
export const baseOf = ({ stretches }: Run, position: number): number =>
  (last(stretches, position) ?? stretches[0]).baseAt;

export const callsOf = ({ starts, handovers }: Run): Start[] =>
  [...starts, ...handovers].toSorted((one, other) => one.position - other.position);

/** Whether the person has declined since he was last called. */
export function hasDeclined(run: Run, person: string, position: number): boolean {
  const called = callsOf(run).findLast((call) => call.position < position && call.people.includes(person));
  return run.declines.some(
    (decline) =>
      decline.person === person && decline.position > (called?.position ?? Infinity) && decline.position < position,
  );
}

/** Who had said that he comes, and not declined since. */
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

/** Calls that nobody has declined or was let off since, one person each. */
export function openCallsAt(run: Run, position: number): (Start & { person: string })[] {
  const lost = [...run.declines, ...run.relieved].filter((each) => each.position < position);
  return callsOf(run)
    .filter((call) => call.position < position)
    .flatMap((call) =>
      call.people
        .filter((person) => !lost.some((each) => each.person === person && each.position > call.position))
        .map((person) => ({ ...call, person })),
    );
}
