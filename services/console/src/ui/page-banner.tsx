import { useEffect } from 'react';
import { PRIORITY_WORD, isPaged } from '../alerts.ts';
import { RunningClock } from './alarm-strip.tsx';
import { AlertActions } from './alert-card.tsx';
import { useCell, useLive, usePlace } from './hooks.ts';
import { PriorityIcon } from './icons.tsx';

/** I am asked, now. Stays until I or someone else has answered. */
export const PageBanner = () => {
  const live = useLive();
  const pages = useCell(live.board.activeAlerts).filter((alert) => isPaged(alert, live.me.person));
  const [first] = pages;
  const where = usePlace(first);
  const alertId = first?.alertId;
  useEffect(() => {
    live.pages.show(alertId);
    return () => live.pages.show(undefined);
  }, [live, alertId]);
  if (!first) return null;
  return (
    <section
      className="page-banner"
      data-testid="page-banner"
      data-priority={first.priority}
      data-page-alert={first.alertId}
      aria-label="You are paged"
    >
      <PriorityIcon priority={first.priority} />
      <p className="page-text">
        <span className="page-kind">
          {PRIORITY_WORD[first.priority]} · You are paged, level {first.level}
          {pages.length > 1 && ` · and ${pages.length - 1} more`}
        </span>
        <span className="page-what">
          <b>{where}</b> {first.message}
        </span>
      </p>
      <RunningClock since={first.openedAt} />
      <div className="page-actions">
        <AlertActions alert={first} testPrefix="page-" isShort />
      </div>
    </section>
  );
};
