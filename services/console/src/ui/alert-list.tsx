import { PRIORITY_WORD, alarmState, isStaff } from '../alerts.ts';
import type { Alert, Priority } from '../shapes.ts';
import { AlertCard } from './alert-card.tsx';
import { useCell, useLive } from './hooks.ts';
import { CheckIcon, PlusIcon, PriorityIcon } from './icons.tsx';

type AlertListProps = { onRaise: () => void };

export const AlertList = ({ onRaise }: AlertListProps) => {
  const live = useLive();
  const all = useCell(live.board.activeAlerts);
  const wardId = useCell(live.selectedWard);
  // Who has wards reads the ward on the screen; the switcher counts what waits in the others.
  const isWard = live.me.wards.some((ward) => ward.wardId === wardId);
  const alerts = isWard ? all.filter((alert) => alert.wardId === wardId) : all;
  const waiting = alerts.filter((alert) => alarmState(alert) !== 'ack');
  const answered = alerts.filter((alert) => alarmState(alert) === 'ack');
  return (
    <aside className="alerts" aria-labelledby="alerts-title">
      <div className="alerts-head">
        <h2 id="alerts-title">Alerts</h2>
        <Counts alerts={waiting} />
        {isStaff(live.me) && live.me.wards.length > 0 && (
          <button type="button" className="button" data-testid="raise-alert" onClick={onRaise} aria-keyshortcuts="n">
            <PlusIcon /> Raise
          </button>
        )}
      </div>
      <div className="alerts-scroll">
        {waiting.length === 0 && (
          <p className="all-calm">
            <CheckIcon /> No unanswered alerts
          </p>
        )}
        <ul className="alert-items" aria-label="Unanswered alerts">
          {waiting.map((alert) => (
            <AlertCard key={alert.alertId} alert={alert} />
          ))}
        </ul>
        {answered.length > 0 && <h3 className="alerts-section">Acknowledged ({answered.length})</h3>}
        <ul className="alert-items" aria-label="Acknowledged alerts">
          {answered.map((alert) => (
            <AlertCard key={alert.alertId} alert={alert} />
          ))}
        </ul>
      </div>
    </aside>
  );
};

const PRIORITIES: readonly Priority[] = ['high', 'medium', 'low'];

const Counts = ({ alerts }: { alerts: readonly Alert[] }) => (
  <ul className="counts" aria-label="Unanswered by priority">
    {PRIORITIES.map((priority) => {
      const count = alerts.filter((alert) => alert.priority === priority).length;
      return count === 0 ? null : (
        <li key={priority} className="priority" data-priority={priority}>
          <PriorityIcon priority={priority} />
          <span className="sr-only">{PRIORITY_WORD[priority]}</span> {count}
        </li>
      );
    })}
  </ul>
);
