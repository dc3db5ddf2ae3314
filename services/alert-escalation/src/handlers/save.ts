/** What a change of an alert does: rows, events to its rooms, pages to people. */
import {
  alertAcknowledged,
  alertCleared,
  alertDeclined,
  alertEscalated,
  alertRaised,
  alertResolved,
  pageNew,
  pageWithdrawn,
  type Alert,
  type AlertSummary,
} from '@carillon/contracts/alert-escalation';
import { laneOfPriority } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';
import { observeHop } from '@carillon/runtime/metrics';
import type { Work } from '@carillon/runtime/work';
import { presenceOf, type AlertEvent, type AlertState, type Change, type Page } from '../domain/alert.ts';
import { insertLog, listLog, updateAlert, upsertPages } from '../store.ts';

const eventOf = {
  raised: alertRaised,
  escalated: alertEscalated,
  acknowledged: alertAcknowledged,
  declined: alertDeclined,
  cleared: alertCleared,
  resolved: alertResolved,
} as const satisfies Record<AlertEvent, unknown>;

const iso = (at: number): string => new Date(at).toISOString();
const pageKey = (page: Page): string => [page.run, page.level, page.attempt, page.person].join(' ');

export function toSummary(alert: AlertState): AlertSummary {
  // The newest call of each level and person: repeats of the last level replace one another.
  const newest = new Map(alert.pages.map((page) => [`${page.level} ${page.person}`, page]));
  return {
    alertId: alert.alertId,
    patientId: alert.patientId,
    wardId: alert.wardId,
    kind: alert.kind,
    priority: alert.priority,
    message: alert.message,
    state: alert.state,
    presence: presenceOf(alert),
    level: alert.level,
    openedAt: iso(alert.openedAt),
    version: alert.version,
    pages: [...newest.values()].map(({ person, level, at, status, receipts = {} }) => ({
      person,
      level,
      at: iso(at),
      status,
      ...(receipts.delivered === undefined ? {} : { deliveredAt: iso(receipts.delivered) }),
      ...(receipts.displayed === undefined ? {} : { displayedAt: iso(receipts.displayed) }),
      ...(receipts.read === undefined ? {} : { readAt: iso(receipts.read) }),
    })),
  };
}

export async function toFullAlert(sql: Sql, alert: AlertState): Promise<Alert> {
  const log = await listLog(sql, alert.alertId);
  return { ...toSummary(alert), timeline: log.map((entry) => ({ ...entry, at: iso(entry.at) })) };
}

const firstRun = 1;

/** Of the first run only: later ones begin when an acknowledgement expires, not with the alert. */
function observeHops(work: Work, before: AlertState, { state, events }: Change): void {
  if (state.run !== firstRun) return;
  const { openedAt, priority } = state;
  const firstPage = before.pages.length === 0 ? state.pages[0] : undefined;
  if (firstPage !== undefined) observeHop(work, 'opened_paged', priority, firstPage.at - openedAt);
  const names = new Set(events.map(({ name }) => name));
  if (names.has('acknowledged')) observeHop(work, 'opened_acknowledged', priority, work.now - openedAt);
  if (names.has('resolved')) observeHop(work, 'opened_resolved', priority, work.now - openedAt);
}

/**
 * Saves a change of an alert whose row exists and is locked.
 * @param isInserted the row was inserted with the change in this transaction
 */
export async function saveChange(work: Work, before: AlertState, change: Change, isInserted = false): Promise<void> {
  const { tx } = work;
  const { state } = change;
  if (state === before) return;
  const old = new Map(before.pages.map((page) => [pageKey(page), page]));
  const kept = new Set(state.pages.map(pageKey));
  const changed = state.pages.filter((page) => old.get(pageKey(page))?.status !== page.status);
  // A new run lets go of the calls of the old one.
  const dropped = before.pages
    .filter((page) => !kept.has(pageKey(page)) && page.status === 'paged')
    .map((page): Page => ({ ...page, status: 'withdrawn' }));
  if (!isInserted) await updateAlert(tx, state);
  await insertLog(tx, state.alertId, change.log);

  observeHops(work, before, change);
  const { hospital, patientId, wardId } = state;
  const lane = laneOfPriority(state.priority);
  const entity = `alert ${state.alertId}`;
  for (const { name, alert } of change.events) {
    work.emit(eventOf[name], toSummary(alert), {
      lane,
      entity,
      version: alert.version,
      tokens: { hospital, ward: wardId, patient: patientId },
    });
  }
  const summary = toSummary(state);
  const isCalled = new Set(state.pages.filter((page) => page.status === 'paged').map((page) => page.person));
  const tell = (event: typeof pageNew | typeof pageWithdrawn, page: Page): string =>
    work.emit(
      event,
      { alertId: state.alertId, level: page.level, alert: summary },
      { lane, entity, version: state.version, tokens: { hospital, person: page.person } },
    );
  const told = changed.map((page) => (page.status === 'paged' ? { ...page, mid: tell(pageNew, page) } : page));
  await upsertPages(tx, state.alertId, [...dropped, ...told]);
  const withdrawn = new Map(
    [...dropped, ...changed]
      .filter((page) => page.status === 'withdrawn' && !isCalled.has(page.person))
      .map((page) => [page.person, page]),
  );
  for (const page of withdrawn.values()) tell(pageWithdrawn, page);
}
