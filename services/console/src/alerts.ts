/** Rules of the alert list: what comes first, who is asked, what a tile shows. Pure. */
import type { Alert, Me, Priority } from './shapes.ts';

export const PRIORITY_RANK: Record<Priority, number> = { high: 0, medium: 1, low: 2 };
export const PRIORITY_WORD: Record<Priority, string> = { high: 'High', medium: 'Medium', low: 'Low' };

/** Priority first, then the one that has waited longest. */
export const byUrgency = (left: Alert, right: Alert): number =>
  PRIORITY_RANK[left.priority] - PRIORITY_RANK[right.priority] ||
  left.openedAt.localeCompare(right.openedAt) ||
  left.alertId.localeCompare(right.alertId);

/** FHIR words made plain: what the person at the bed has to know. */
export type AlarmState = 'on' | 'ack' | 'latched' | 'none';

export const alarmState = (alert: Alert | undefined): AlarmState => {
  if (!alert || alert.state === 'resolved' || alert.presence === 'off') return 'none';
  if (alert.presence === 'latched') return 'latched';
  return alert.state === 'acknowledged' || alert.presence === 'ack' ? 'ack' : 'on';
};

export const ALARM_WORD: Record<AlarmState, string> = {
  on: 'Alarm',
  ack: 'Acknowledged',
  latched: 'Latched: condition is over, not answered',
  none: 'No alarm',
};

const ALARM_RANK: Record<AlarmState, number> = { on: 0, latched: 1, ack: 2, none: 3 };

/** The one alert that a tile shows: what nobody has answered before what somebody has. */
export const leadingAlert = (alerts: readonly Alert[]): Alert | undefined =>
  alerts
    .filter((alert) => alarmState(alert) !== 'none')
    .sort((left, right) => ALARM_RANK[alarmState(left)] - ALARM_RANK[alarmState(right)] || byUrgency(left, right))[0];

/** A page of mine that still waits for me: withdrawn, declined and answered pages do not. */
export const isPaged = (alert: Alert, person: string): boolean =>
  alert.state === 'open' &&
  alert.pages.some(
    (page) => page.person === person && !/withdrawn|declined|cancel|accepted|acknowledged/.test(page.status),
  );

/** Whether I was ever paged for it, which gives me the right to answer. */
export const wasPaged = (alert: Alert, person: string): boolean => alert.pages.some((page) => page.person === person);

const STAFF = ['nurse', 'doctor', 'responder', 'operator', 'admin'];

export const isStaff = (me: Me): boolean => me.roles.some((role) => STAFF.includes(role));

const worksIn = (me: Me, wardId: string | null): boolean =>
  isStaff(me) && me.wards.some((ward) => ward.wardId === wardId);

/** Nurses and doctors: who may end an alert, and chart. */
export const treats = (me: Me): boolean => me.roles.includes('nurse') || me.roles.includes('doctor');

/** What the buttons offer; the server decides in any case. */
export const permittedActions = (
  alert: Alert,
  me: Me,
): Record<'canAcknowledge' | 'canDecline' | 'canResolve' | 'canSnooze' | 'canEscalate' | 'canArrive', boolean> => {
  const isMine = wasPaged(alert, me.person);
  const isOfWard = worksIn(me, alert.wardId);
  const canTreat = treats(me);
  const isOpen = alert.state === 'open' && (isMine || isOfWard);
  const { accepted = [], arrived = [] } = alert.answers ?? {};
  const isComing = accepted.includes(me.person) || alert.acknowledgedBy === me.person;
  return {
    canAcknowledge: isOpen && !accepted.includes(me.person),
    canSnooze: isOpen && alert.presence === 'on',
    canEscalate: isOpen && !alert.held,
    canArrive: alert.state !== 'resolved' && isComing && !arrived.includes(me.person),
    canDecline: isPaged(alert, me.person),
    canResolve: alert.state !== 'resolved' && isOfWard && canTreat,
  };
};

/** The longest that may be asked for; the server says how often. */
export const SNOOZE_SECONDS: Record<Priority, number> = { high: 120, medium: 900, low: 3600 };

export const DECLINE_REASONS = ['With another patient', 'Too far away', 'Not my patient'];

/** One row a person: the highest level at which they were paged, and how that page stands. */
export const latestPages = (alert: Alert): Alert['pages'] => {
  const latest = new Map<string, Alert['pages'][number]>();
  for (const page of alert.pages) {
    const known = latest.get(page.person);
    if (!known || page.level >= known.level) latest.set(page.person, page);
  }
  return [...latest.values()].sort((left, right) => left.level - right.level);
};
