/** What changes of alerts do: rows, events to their rooms, pages to people. */
import {
  alertAccepted,
  alertAcknowledged,
  alertArrived,
  alertCleared,
  alertDeclined,
  alertEntered,
  alertEscalated,
  alertLeft,
  alertRaised,
  alertReleased,
  alertResolved,
  pageNew,
  pageWithdrawn,
} from '@carillon/contracts/alert-escalation';
import { laneOfPriority } from '@carillon/contracts/monitoring';
import { observeHop } from '@carillon/runtime/metrics';
import type { Work } from '@carillon/runtime/work';
import type { AlertEvent, AlertState, Change, Page } from '../domain/alert.ts';
import { holdsOthers } from '../domain/holds.ts';
import { insertLog, upsertPages, type PageRow } from '../store-log.ts';
import { wakeHeldBy } from '../store-holds.ts';
import { updateAlerts } from '../store.ts';
import { tellEmergencies } from './emergencies.ts';
import { pushAll, type Told } from './push.ts';
import { summaryFor, toSummary } from './summary.ts';

const eventOf = {
  raised: alertRaised,
  released: alertReleased,
  escalated: alertEscalated,
  accepted: alertAccepted,
  arrived: alertArrived,
  acknowledged: alertAcknowledged,
  declined: alertDeclined,
  cleared: alertCleared,
  entered: alertEntered,
  resolved: alertResolved,
} as const satisfies Record<AlertEvent, unknown>;

const pageKey = (page: Page): string => [page.run, page.level, page.attempt, page.person].join(' ');
const isOpen = ({ status }: Page): boolean => status === 'paged' || status === 'accepted';

/** A change of an alert whose row is locked, or was inserted with the change in this transaction. */
export type Saving = { before: AlertState; change: Change; isInserted?: true };

const firstRun = 1;

/** Of the first run only: later ones begin when an acknowledgement expires, not with the alert. */
function observeHops(work: Work, { before, change: { state, log } }: Saving): void {
  if (state.run !== firstRun) return;
  const { openedAt } = state;
  const firstPage = before.pages.length === 0 ? state.pages[0] : undefined;
  // By the log: an alert that is put off is told as acknowledged, and nobody has taken it.
  const kinds = new Set(log.map(({ kind }) => kind));
  // A silence is no delay of ours.
  if (firstPage !== undefined && !kinds.has('released')) {
    observeHop(work, 'opened_paged', state, firstPage.at - openedAt);
  }
  if (kinds.has('acknowledged')) observeHop(work, 'opened_acknowledged', state, work.now - openedAt);
  if (kinds.has('resolved')) observeHop(work, 'opened_resolved', state, work.now - openedAt);
}

function tellRooms(work: Work, { before, change }: Saving): void {
  for (const { name, alert } of change.events) {
    const { alertId, hospital, patientId: patient, wardId: ward, version } = alert;
    const common = { lane: laneOfPriority(alert.priority), entity: `alert ${alertId}`, version };
    if (name === 'entered') {
      const left = { alertId, patientId: patient, wardId: before.wardId, version };
      work.emit(alertLeft, left, { ...common, tokens: { hospital, ward: before.wardId, patient } });
    }
    work.emit(eventOf[name], toSummary(alert), { ...common, tokens: { hospital, ward, patient } });
  }
}

/** Tells people that they are called, or that they are not any more. @returns the pages as they must be kept, and what was told */
function tellPeople(work: Work, { before, change: { state } }: Saving): { pages: PageRow[]; told: Told[] } {
  const { alertId, hospital } = state;
  const old = new Map(before.pages.map((page) => [pageKey(page), page]));
  const kept = new Set(state.pages.map(pageKey));
  const changed = state.pages.filter((page) => old.get(pageKey(page))?.status !== page.status);
  // A new run lets go of the calls of the old one.
  const dropped = before.pages
    .filter((page) => !kept.has(pageKey(page)) && isOpen(page))
    .map((page): Page => ({ ...page, status: 'withdrawn' }));
  const isCalled = new Set(state.pages.filter(isOpen).map((page) => page.person));
  const told: Told[] = [];
  const tell = (event: typeof pageNew | typeof pageWithdrawn, page: Page): string => {
    const messageId = work.emit(
      event,
      { alertId, level: page.level, alert: summaryFor(state, page.person) },
      {
        lane: laneOfPriority(state.priority),
        // Of each person in order: that of others matters to nobody, and hundreds of calls leave side by side.
        entity: `page ${alertId} ${page.person}`,
        version: state.version,
        tokens: { hospital, person: page.person },
      },
    );
    told.push({ alert: state, page, messageId, isWithdrawn: event === pageWithdrawn });
    return messageId;
  };
  const pages = changed.map((page) => ({
    ...page,
    alertId,
    ...(page.status === 'paged' ? { mid: tell(pageNew, page) } : {}),
  }));
  const withdrawn = new Map(
    [...dropped, ...changed]
      .filter((page) => page.status === 'withdrawn' && !isCalled.has(page.person))
      .map((page) => [page.person, page]),
  );
  for (const page of withdrawn.values()) tell(pageWithdrawn, page);
  return { pages: [...dropped.map((page) => ({ ...page, alertId })), ...pages], told };
}

/** In as many statements for hundreds of alerts as for one. */
export async function saveChanges(work: Work, savings: readonly Saving[]): Promise<void> {
  const { tx } = work;
  const changed = savings.filter(({ before, change }) => change.state !== before);
  await updateAlerts(
    tx,
    changed.filter(({ isInserted }) => isInserted !== true).map(({ change }) => change.state),
  );
  await insertLog(
    tx,
    changed.flatMap(({ change: { state, log } }) => log.map((entry) => ({ ...entry, alertId: state.alertId }))),
  );
  const people = changed.map((saving) => {
    observeHops(work, saving);
    tellRooms(work, saving);
    return tellPeople(work, saving);
  });
  pushAll(
    work,
    people.flatMap(({ told }) => told),
  );
  await upsertPages(
    tx,
    people.flatMap(({ pages }) => pages),
  );
  await tellEmergencies(work, changed);
  const ended = changed.filter(({ before, change }) => holdsOthers(before) && !holdsOthers(change.state));
  await wakeHeldBy(
    tx,
    ended.map(({ before }) => before.alertId),
    work.now,
  );
}

export const saveChange = (work: Work, before: AlertState, change: Change): Promise<void> =>
  saveChanges(work, [{ before, change }]);
