/**
 * What the screen knows, in cells: one for every reading, score, alert and ward. Components subscribe to the
 * cell they draw. Rules of merging live here: newer readings and conditions win by measurement time, alerts by version.
 */
import { byUrgency } from './alerts.ts';
import { type Cell, createCell, createCellMap } from './cell.ts';
import type { BoardLink } from './link.ts';
import { createTrends } from './trends.ts';
import type {
  ActiveCondition,
  Alert,
  Condition,
  ConditionEvent,
  PatientStatus,
  Reading,
  Score,
  Scoring,
  Ward,
} from './shapes.ts';

/** Those that a tile draws a line of. */
export const TREND_VITALS = ['heartRate', 'pulse', 'spo2'];

const NO_ALERTS: readonly Alert[] = [];
const NO_SCORING: Scoring = {};
const NO_CONDITIONS: readonly ActiveCondition[] = [];

type Departure = Pick<Alert, 'alertId' | 'patientId' | 'wardId' | 'version'>;

export type Board = ReturnType<typeof createBoard>;

export const createBoard = () => {
  const readings = createCellMap<Reading | undefined>(undefined);
  const readingKeys = new Map<string, Set<string>>();
  const newestAt = createCellMap<number>(0);
  const scores = createCellMap<Score | undefined>(undefined);
  const scorings = createCellMap<Scoring>(NO_SCORING);
  const wards = createCellMap<Ward | undefined>(undefined);
  /** Counts changes of wards: whoever writes the place of an alert has to write it anew. */
  const wardChanges = createCell(0);
  const patientAlerts = createCellMap<readonly Alert[]>(NO_ALERTS);
  /** Open and acknowledged ones of every ward that is followed, by urgency. */
  const activeAlerts: Cell<readonly Alert[]> = createCell(NO_ALERTS);
  const conditions = createCellMap<readonly ActiveCondition[]>(NO_CONDITIONS);
  /** By patient and kind: the newest event, so that an older one cannot bring a condition back or end it. */
  const conditionEvents = new Map<string, { at: number; changedAt: number }>();
  const link: Cell<BoardLink> = createCell<BoardLink>({ state: 'connecting', heardAt: Date.now() });
  const trends = createTrends();
  /** Resolved ones stay known, so that an older event cannot bring them back. */
  const alerts = new Map<string, { alert: Alert; changedAt: number }>();
  /** From which version on an alert is not of that ward any more; what is older does not bring it back. */
  const departures = new Map<string, Departure>();
  let changes = 0;

  const publishAlerts = (patientIds: Iterable<string | null>): void => {
    const active = [...alerts.values()].map(({ alert }) => alert).filter((alert) => alert.state !== 'resolved');
    activeAlerts.set(active.sort(byUrgency));
    for (const patientId of new Set(patientIds)) {
      if (patientId === null) continue;
      patientAlerts.at(patientId).set(active.filter((alert) => alert.patientId === patientId));
    }
  };

  /** False when what we have is as new. */
  const keepAlert = (alert: Alert): boolean => {
    const known = alerts.get(alert.alertId);
    if (known && known.alert.version >= alert.version) return false;
    const left = departures.get(alert.alertId);
    // It enters the other ward with the version with which it leaves this one.
    const isBefore =
      left && (left.version > alert.version || (left.version === alert.version && left.wardId === alert.wardId));
    if (isBefore) return false;
    changes += 1;
    alerts.set(alert.alertId, { alert, changedAt: changes });
    noteOutcome(alert, alert.state === 'resolved');
    return true;
  };

  /** Tells the condition of an alert whether that alert is over. */
  const noteOutcome = ({ patientId, kind }: Alert, alertResolved: boolean): void => {
    if (patientId === null) return;
    const cell = conditions.at(patientId);
    const isOther = (known: ActiveCondition) => known.kind === kind && known.alertResolved !== alertResolved;
    if (!cell.get().some(isOther)) return;
    cell.set(cell.get().map((known) => (isOther(known) ? { ...known, alertResolved } : known)));
  };

  const setConditions = (patientId: string, next: readonly Condition[]): void => {
    const cell = conditions.at(patientId);
    const known = cell.get();
    const merged = next
      .map(({ kind, priority }): ActiveCondition => {
        const before = known.find((candidate) => candidate.kind === kind);
        return before?.priority === priority
          ? before
          : { kind, priority, alertResolved: before?.alertResolved ?? false };
      })
      .sort((left, right) => left.kind.localeCompare(right.kind));
    // Most snapshots say what is known already: nothing to draw anew.
    if (merged.length === known.length && merged.every((condition, index) => condition === known[index])) return;
    cell.set(merged);
  };

  const putCondition = (event: ConditionEvent, isActive: boolean): void => {
    const key = `${event.patientId} ${event.kind}`;
    const at = Date.parse(event.at);
    const seen = conditionEvents.get(key);
    if (seen && at < seen.at) return;
    changes += 1;
    conditionEvents.set(key, { at, changedAt: changes });
    const others = conditions
      .at(event.patientId)
      .get()
      .filter(({ kind }) => kind !== event.kind);
    setConditions(event.patientId, isActive ? [...others, event] : others);
  };

  /** A status replaces the set, except for what events told after the status was asked for. */
  const putConditions = ({ patientId, conditions: listed }: PatientStatus, since: number): void => {
    const isNewer = ({ kind }: Condition) => (conditionEvents.get(`${patientId} ${kind}`)?.changedAt ?? 0) > since;
    const kept = conditions.at(patientId).get().filter(isNewer);
    setConditions(patientId, [...kept, ...listed.filter((condition) => !isNewer(condition))]);
  };

  const putReading = (patientId: string, reading: Reading): void => {
    // Of a device under test: it is no value of the patient.
    if (reading.mode !== undefined) return;
    const key = `${patientId} ${reading.vital}`;
    const cell = readings.at(key);
    const at = Date.parse(reading.measuredAt);
    const known = cell.get();
    if (TREND_VITALS.includes(reading.vital)) trends.append(patientId, reading);
    // Late data belongs into the trend but never in place of what is newer.
    if (known && Date.parse(known.measuredAt) > at) return;
    cell.set(reading);
    const vitals = readingKeys.get(patientId) ?? new Set();
    readingKeys.set(patientId, vitals.add(reading.vital));
    const newest = newestAt.at(patientId);
    if (at > newest.get()) newest.set(at);
  };

  const putScore = (patientId: string, score: Score): void => {
    const cell = scores.at(patientId);
    const known = cell.get();
    if (!known || Date.parse(known.at) <= Date.parse(score.at)) cell.set(score);
  };

  const putScoring = (patientId: string, { withheld, charted = [] }: Scoring): void => {
    const next: Scoring = { charted, ...(withheld === undefined ? {} : { withheld }) };
    const cell = scorings.at(patientId);
    // Most snapshots say what is known already: nothing to draw anew.
    if (JSON.stringify(cell.get()) !== JSON.stringify(next)) cell.set(next);
    if (withheld !== undefined) scores.at(patientId).set(undefined);
  };

  return {
    link,
    trends,
    activeAlerts,
    wardChanges,
    knownWards: (): Ward[] => [...wards.entries()].flatMap(([, cell]) => cell.get() ?? []),
    reading: (patientId: string, vital: string) => readings.at(`${patientId} ${vital}`),
    knownVitals: (patientId: string): string[] => [...(readingKeys.get(patientId) ?? [])],
    /** Measurement time of the newest sample, 0 when there is none. */
    newestAt: (patientId: string) => newestAt.at(patientId),
    score: (patientId: string) => scores.at(patientId),
    scoring: (patientId: string) => scorings.at(patientId),
    ward: (wardId: string) => wards.at(wardId),
    patientAlerts: (patientId: string) => patientAlerts.at(patientId),
    /** Alarm conditions that are active, in the order of their kinds. */
    conditions: (patientId: string) => conditions.at(patientId),
    alert: (alertId: string): Alert | undefined => alerts.get(alertId)?.alert,

    putReadings: (patientId: string, items: readonly Reading[]): void => {
      for (const reading of items) putReading(patientId, reading);
    },
    putScore,
    putCondition,
    putStatus: (status: PatientStatus, since = changes): void => {
      for (const reading of status.vitals) putReading(status.patientId, reading);
      if (status.score) putScore(status.patientId, status.score);
      putScoring(status.patientId, status);
      putConditions(status, since);
    },
    putWard: (ward: Ward): void => {
      const known = wards.at(ward.wardId).get();
      // The version is that of the ward: who lies in its beds changes without it. Most readings bring nothing to draw anew.
      if (known && (known.version > ward.version || JSON.stringify(known) === JSON.stringify(ward))) return;
      wards.at(ward.wardId).set(ward);
      wardChanges.set(wardChanges.get() + 1);
    },
    /** True when the alert was news. */
    putAlert: (alert: Alert): boolean => {
      const isNews = keepAlert(alert);
      if (isNews) publishAlerts([alert.patientId]);
      return isNews;
    },
    /** The patient is in another ward; whoever may see that one is told by `alert:entered`. */
    dropAlert: (departure: Departure): void => {
      const { alertId, patientId, version } = departure;
      const known = alerts.get(alertId);
      if (known && known.alert.version >= version) return;
      changes += 1;
      departures.set(alertId, departure);
      alerts.delete(alertId);
      publishAlerts([patientId]);
    },
    /** Marks the moment before a snapshot is asked for; see putAlerts and putStatus. */
    mark: (): number => changes,
    /**
     * A whole snapshot of what is active in a scope. What we hold of that scope and the snapshot does not is over,
     * unless it changed after the snapshot was asked for.
     */
    putAlerts: (items: readonly Alert[], since: number, isInScope: (alert: Alert) => boolean): void => {
      const listed = new Set(items.map((alert) => alert.alertId));
      const touched = new Set<string | null>();
      for (const alert of items) if (keepAlert(alert)) touched.add(alert.patientId);
      for (const [alertId, { alert, changedAt }] of alerts) {
        if (listed.has(alertId) || changedAt > since || !isInScope(alert) || alert.state === 'resolved') continue;
        alerts.delete(alertId);
        if (!items.some(({ patientId, kind }) => patientId === alert.patientId && kind === alert.kind)) {
          noteOutcome(alert, true);
        }
        touched.add(alert.patientId);
      }
      if (touched.size > 0) publishAlerts(touched);
    },
  };
};
