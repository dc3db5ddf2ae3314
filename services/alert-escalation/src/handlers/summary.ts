/** An alert as others see it. */
import type { Alert, AlertSummary } from '@carillon/contracts/alert-escalation';
import type { Sql } from '@carillon/database/database';
import { presenceOf, type AlertState } from '../domain/alert.ts';
import { needed } from '../domain/quorum.ts';
import { listLog } from '../store-log.ts';

const iso = (at: number): string => new Date(at).toISOString();

/** Hundreds may be called at once, and each event of the alert carries its pages. */
const shownPages = 50;
/** Each of those hundreds gets a message of his own. */
const shownToEach = 20;

export const toSummary = (alert: AlertState): AlertSummary => summarise(alert, shownPages);

/** As the call of one person carries it: his own page first. */
export const summaryFor = (alert: AlertState, person: string): AlertSummary => summarise(alert, shownToEach, person);

function summarise(alert: AlertState, most: number, first?: string): AlertSummary {
  // The newest call of each level and person: repeats of the last level replace one another.
  const newest = [...new Map(alert.pages.map((page) => [`${page.level} ${page.person}`, page])).values()];
  const isFirst = (page: { person: string }): boolean => page.person === first;
  const inOrder =
    newest.length <= most
      ? newest
      : [...newest.filter(isFirst), ...newest.filter((page) => !isFirst(page))].slice(0, most);
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
    pages: inOrder.map(({ person, level, at, status, receipts = {} }) => ({
      person,
      level,
      at: iso(at),
      status,
      ...(receipts.delivered === undefined ? {} : { deliveredAt: iso(receipts.delivered) }),
      ...(receipts.displayed === undefined ? {} : { displayedAt: iso(receipts.displayed) }),
      ...(receipts.read === undefined ? {} : { readAt: iso(receipts.read) }),
    })),
    pageCount: newest.length,
    answers: { needed: needed(alert), accepted: [...alert.accepted], arrived: [...alert.arrived] },
    acknowledgedBy: alert.ackBy,
    acknowledgedUntil: alert.state === 'acknowledged' && alert.ackUntil !== null ? iso(alert.ackUntil) : null,
    held: alert.hold === null ? null : { ...alert.hold, until: iso(alert.hold.until) },
    policyId: alert.policyId,
    policyVersion: alert.policyVersion,
    ...(alert.outcome === null ? {} : { outcome: alert.outcome }),
  };
}

export async function toFullAlert(sql: Sql, alert: AlertState): Promise<Alert> {
  const log = await listLog(sql, alert.alertId);
  const timeline = log.map(({ until, ...entry }) => ({
    ...entry,
    at: iso(entry.at),
    ...(until === undefined ? {} : { until: iso(until) }),
  }));
  return { ...toSummary(alert), timeline };
}
