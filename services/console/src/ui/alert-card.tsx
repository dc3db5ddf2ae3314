import { useEffect, useState } from 'react';
import {
  ALARM_WORD,
  DECLINE_REASONS,
  PRIORITY_WORD,
  SNOOZE_SECONDS,
  alarmState,
  latestPages,
  permittedActions,
} from '../alerts.ts';
import type { AlertAction } from '../live.ts';
import { capitalised, clockTime, words } from '../format.ts';
import type { Alert, TimelineEntry } from '../shapes.ts';
import { RunningClock } from './alarm-strip.tsx';
import { useCell, useLive, usePlace } from './hooks.ts';
import { CheckIcon, ChevronIcon, LatchIcon, PriorityIcon } from './icons.tsx';

/** A copy (in the details of a bed) is neither a target of shortcuts nor of tests: the list holds the one. */
export const AlertCard = ({ alert, isCopy = false }: { alert: Alert; isCopy?: boolean }) => {
  const [isExpanded, setExpanded] = useState(false);
  const state = alarmState(alert);
  const where = usePlace(alert);
  return (
    <li
      className="alert"
      tabIndex={isCopy ? undefined : 0}
      data-testid={isCopy ? undefined : `alert-${alert.alertId}`}
      data-alert-id={isCopy ? undefined : alert.alertId}
      data-kind={alert.kind}
      data-state={alert.state}
      data-level={alert.level}
      data-alarm={state}
      data-priority={alert.priority}
      aria-label={`${PRIORITY_WORD[alert.priority]} priority, ${ALARM_WORD[state]}. ${where}. ${alert.message}`}
    >
      <div className="alert-top">
        <span className="priority" data-priority={alert.priority}>
          <PriorityIcon priority={alert.priority} />
          {PRIORITY_WORD[alert.priority]}
        </span>
        <StateWord state={state} />
        <span className="level">Level {alert.level}</span>
        <RunningClock since={alert.openedAt} />
      </div>
      <p className="alert-place">{where}</p>
      <p className="alert-message">{alert.message}</p>
      <PagedPeople alert={alert} />
      <Answers alert={alert} />
      <div className="alert-actions">
        <AlertActions alert={alert} testPrefix={isCopy ? 'detail-' : ''} />
        <button
          type="button"
          className="button plain icon-only"
          data-expand
          title="Details (Enter)"
          aria-label="Details"
          aria-expanded={isExpanded}
          onClick={() => setExpanded(!isExpanded)}
        >
          <ChevronIcon />
        </button>
      </div>
      {isExpanded && <MoreActions alert={alert} testPrefix={isCopy ? 'detail-' : ''} />}
      {isExpanded && <AlertTimeline alert={alert} />}
    </li>
  );
};

const StateWord = ({ state }: { state: ReturnType<typeof alarmState> }) => {
  if (state === 'ack')
    return (
      <span className="state-word">
        <CheckIcon /> Acknowledged
      </span>
    );
  if (state === 'latched')
    return (
      <span className="state-word" title={ALARM_WORD.latched}>
        <LatchIcon /> Latched
      </span>
    );
  return null;
};

const PagedPeople = ({ alert }: { alert: Alert }) => {
  const { names, me } = useLive();
  const known = useCell(names);
  const pages = latestPages(alert);
  if (pages.length === 0) return <p className="paged">Nobody paged yet</p>;
  return (
    <p className="paged">
      Paged{' '}
      {pages.map((page, index) => (
        <span key={page.person} className="paged-person" title={`Level ${page.level}, ${clockTime(page.at)}`}>
          {index > 0 && ', '}
          {known.get(page.person) ?? page.person}
          {page.person === me.person && <b> (you)</b>}
          {/declined|withdrawn/.test(page.status) && <i> {words(page.status)}</i>}
        </span>
      ))}
    </p>
  );
};

/** Who comes, who is there, and why nobody is called. */
const Answers = ({ alert }: { alert: Alert }) => {
  const { names } = useLive();
  const known = useCell(names);
  const { needed = 1, accepted = [], arrived = [] } = alert.answers ?? {};
  const list = (people: readonly string[]): string => people.map((person) => known.get(person) ?? person).join(', ');
  return (
    <>
      {alert.held && (
        <p className="paged" data-held={alert.held.kind}>
          {alert.held.kind === 'silence'
            ? `Silenced until ${clockTime(alert.held.until)}: calls nobody`
            : 'Explained by another alert: calls nobody'}
        </p>
      )}
      {accepted.length > 0 && (
        <p className="paged" data-coming={accepted.length}>
          Coming {list(accepted)}
          {alert.state === 'open' && needed > 1 && ` (${accepted.length} of ${needed})`}
        </p>
      )}
      {arrived.length > 0 && <p className="paged">There {list(arrived)}</p>}
    </>
  );
};

/** What is wanted less often: one look further away. */
const MoreActions = ({ alert, testPrefix }: { alert: Alert; testPrefix: string }) => {
  const live = useLive();
  const busy = useCell(live.pending.at(alert.alertId)) !== undefined;
  const { canSnooze, canEscalate, canArrive, canDecline, canResolve } = permittedActions(alert, live.me);
  const button = (action: AlertAction, text: string, reason?: string) => (
    <button
      key={text}
      type="button"
      className="button"
      data-testid={`${testPrefix}${action}-${reason ?? ''}${alert.alertId}`}
      disabled={busy}
      onClick={() => void live.act(action, alert, reason)}
    >
      {text}
    </button>
  );
  if (!canSnooze && !canEscalate && !canArrive && !canDecline && !canResolve) return null;
  return (
    <div className="alert-actions">
      {canArrive && button('arrive', 'I am there')}
      {canEscalate && button('escalate', 'Call the next level')}
      {canSnooze && button('snooze', `Remind in ${SNOOZE_SECONDS[alert.priority] / 60} min`)}
      {canResolve && button('confirm', 'Resolve: there was something to do')}
      {canResolve && button('dismiss', 'Resolve: there was nothing to do')}
      {canDecline && DECLINE_REASONS.map((reason) => button('decline', `Cannot come: ${reason.toLowerCase()}`, reason))}
    </div>
  );
};

type ActionsProps = { alert: Alert; testPrefix?: string; isShort?: boolean };

export const AlertActions = ({ alert, testPrefix = '', isShort = false }: ActionsProps) => {
  const live = useLive();
  const busy = useCell(live.pending.at(alert.alertId));
  const isLinked = useCell(live.board.link).state === 'live';
  const { canAcknowledge, canDecline, canResolve } = permittedActions(alert, live.me);
  const button = (action: 'acknowledge' | 'decline' | 'resolve', test: string, style: string) => (
    <button
      type="button"
      className={`button ${style}`}
      data-testid={`${testPrefix}${test}-${alert.alertId}`}
      data-action={action}
      disabled={busy !== undefined}
      onClick={() => void live.act(action, alert)}
    >
      {busy === action ? (isLinked ? 'Sending…' : 'Waiting for link…') : capitalised(action)}
    </button>
  );
  return (
    <>
      {canAcknowledge && button('acknowledge', 'ack', 'primary')}
      {canDecline && button('decline', 'decline', '')}
      {canResolve && !isShort && button('resolve', 'resolve', '')}
    </>
  );
};

/** What happened, in order; read when it is asked for and again with every change of the alert. */
const AlertTimeline = ({ alert }: { alert: Alert }) => {
  const { api, names } = useLive();
  const known = useCell(names);
  const [entries, setEntries] = useState<TimelineEntry[] | string>();
  useEffect(() => {
    let isGone = false;
    api
      .alert(alert.alertId)
      .then((full) => !isGone && setEntries(full.timeline))
      .catch((error: Error) => !isGone && setEntries(error.message));
    return () => {
      isGone = true;
    };
  }, [api, alert]);
  if (typeof entries === 'string') return <p className="quiet">{entries}</p>;
  return (
    <ol className="timeline" aria-label="Timeline">
      {entries === undefined && <li className="quiet">Loading…</li>}
      {entries?.map((entry) => {
        const who = entry.actor;
        return (
          <li key={`${entry.at} ${entry.kind} ${who}`}>
            <time>{clockTime(entry.at)}</time> <span>{capitalised(words(entry.kind))}</span>
            {entry.level !== undefined && <span> level {entry.level}</span>}
            {who !== undefined && <span className="quiet"> {known.get(who) ?? who}</span>}
            {entry.reason !== undefined && <q>{entry.reason}</q>}
          </li>
        );
      })}
    </ol>
  );
};
