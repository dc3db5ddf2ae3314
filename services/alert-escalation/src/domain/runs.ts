/** The life of an alert beside its answers: it opens, comes back, is joined, is closed. */
import { CodedError } from '@carillon/contracts/errors';
import { priorities, type Priority } from '@carillon/contracts/monitoring';
import {
  tell,
  unchanged,
  type AlertEvent,
  type AlertState,
  type Change,
  type Facts,
  type Hold,
  type LogEntry,
} from './alert.ts';
import { close } from './endings.ts';
import { planRun } from './levels-plan.ts';

export const isHigher = (one: Priority, other: Priority): boolean =>
  priorities.indexOf(one) < priorities.indexOf(other);

export const heldEntry = ({ kind, by, until }: Hold, at: number): LogEntry => ({
  at,
  kind: 'held',
  reason: `${kind} ${by}`,
  until,
});
const held = (hold: Hold | null, at: number): readonly LogEntry[] => (hold === null ? [] : [heldEntry(hold, at)]);

/** Nothing of the run before is left. */
const freshRun = {
  state: 'open',
  level: 0,
  attempt: 0,
  levelStartedAt: null,
  accepted: [],
  arrived: [],
  ackBy: null,
  ackUntil: null,
  deliverBy: null,
  handOverAt: null,
  pages: [],
} as const satisfies Partial<AlertState>;

export type NewAlert = Pick<
  AlertState,
  | 'alertId'
  | 'hospital'
  | 'patientId'
  | 'wardId'
  | 'kind'
  | 'priority'
  | 'message'
  | 'source'
  | 'policy'
  | 'policyId'
  | 'policyVersion'
> & { measuredAt?: number; activeAt?: number; actor?: string; reason?: string };

export function openAlert(
  { actor, reason, measuredAt, activeAt, ...given }: NewAlert,
  now: number,
  facts: Facts,
): Change {
  const blank: AlertState = {
    ...given,
    ...freshRun,
    condition: 'active',
    run: 1,
    baseAt: now,
    snoozes: 0,
    hold: facts.hold ?? null,
    dueAt: null,
    openedAt: now,
    resolvedAt: null,
    touchedAt: now,
    measuredAt: measuredAt ?? null,
    activeAt: activeAt ?? null,
    outcome: null,
    version: 0,
  };
  const { fields, log } = planRun(blank, now, facts.staffing);
  return tell(unchanged(blank), 'raised', fields, [
    { at: now, kind: 'opened', ...(actor && { actor }), ...(reason && { reason }) },
    ...held(blank.hold, now),
    ...log,
  ]);
}

/** @param begins when it begins: what is told, from when deadlines count, and the cause that the log names */
export function beginRun(
  before: AlertState,
  now: number,
  { staffing, hold, chosen }: Facts,
  begins: { told: AlertEvent; baseAt: number; cause: LogEntry },
): Change {
  const begun: AlertState = {
    ...before,
    ...freshRun,
    ...chosen,
    run: before.run + 1,
    baseAt: begins.baseAt,
    hold: hold ?? null,
  };
  const { fields, log } = planRun(begun, now, staffing);
  return tell(unchanged(begun), begins.told, fields, [begins.cause, ...held(begun.hold, now), ...log]);
}

/** The same was raised again, by a condition or a person, while it is open. */
export function raiseAgain(
  before: AlertState,
  given: { priority: Priority; source: AlertState['source']; message: string; actor?: string },
  now: number,
  facts: Facts,
): Change {
  const isUpgrade = isHigher(given.priority, before.priority);
  const isReactivated = before.condition === 'cleared';
  const log: LogEntry = {
    at: now,
    kind: isReactivated ? 'reactivated' : isUpgrade ? 'priority' : 'merged',
    reason: given.priority,
    ...(given.actor === undefined ? {} : { actor: given.actor }),
  };
  // Once a device has reported it, the alert comes back for as long as the device does.
  const source = given.source === 'condition' ? 'condition' : before.source;
  const state: AlertState = {
    ...before,
    source,
    condition: 'active',
    priority: isUpgrade ? given.priority : before.priority,
    // The words fit the priority that they came with.
    message: isUpgrade ? given.message : before.message,
  };
  // A condition that is repeated at the same priority was taken already; a person who calls again was not heard.
  if (!isUpgrade && !isReactivated && given.actor === undefined) {
    return source === before.source ? unchanged(before) : { state, events: [], log: [log] };
  }
  const isReleased = before.hold !== null && isUpgrade && facts.hold === undefined;
  const isOtherPolicy = facts.chosen !== undefined && facts.chosen.policyId !== before.policyId;
  // By another policy it begins anew also while it is held: it must not go on by the slower one when it is released.
  if (before.state === 'acknowledged' || isReleased || isOtherPolicy) {
    return beginRun(state, now, facts, { told: 'raised', baseAt: now, cause: log });
  }
  // Posts may have changed hands while that was no reason to call anybody.
  const isNowHigh = isUpgrade && state.priority === 'high' && state.level > 0;
  return tell(unchanged(state), 'raised', isNowHigh ? { handOverAt: now } : {}, [log]);
}

export function resolve(
  state: AlertState,
  person: string,
  now: number,
  given: { reason?: string | undefined; outcome?: AlertState['outcome'] | undefined } = {},
): Change {
  if (state.state === 'resolved') throw new CodedError('conflict', 'The alert is resolved already');
  return close(unchanged(state), now, { actor: person, ...given });
}
