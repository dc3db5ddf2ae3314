import { ALARM_WORD, PRIORITY_WORD, alarmState } from '../alerts.ts';
import { runningTime } from '../format.ts';
import { nameCondition, stateCondition } from '../marking.ts';
import type { ActiveCondition, Alert } from '../shapes.ts';
import { useNowSeconds } from './hooks.ts';
import { CheckIcon, LatchIcon, PriorityIcon } from './icons.tsx';

export const RunningClock = ({ since }: { since: string }) => {
  const now = useNowSeconds() * 1000;
  return <time className="running">{runningTime(now - Date.parse(since))}</time>;
};

type AlarmStripProps = { alert: Alert | undefined; condition: ActiveCondition | undefined; more: number };

/** One line on a tile: the leading alert in words, icon and colour, or else the condition that lasts without one. */
export const AlarmStrip = ({ alert, condition, more }: AlarmStripProps) => {
  const state = alarmState(alert);
  if (!alert || state === 'none') {
    return condition ? (
      <ConditionStrip condition={condition} more={more} />
    ) : (
      <p className="strip strip-none">No alarm</p>
    );
  }
  const icon =
    state === 'on' ? <PriorityIcon priority={alert.priority} /> : state === 'ack' ? <CheckIcon /> : <LatchIcon />;
  return (
    <p className={`strip strip-${state}`} data-priority={alert.priority} title={ALARM_WORD[state]}>
      {icon}
      <b className="strip-word">
        {state === 'on' ? PRIORITY_WORD[alert.priority] : state === 'ack' ? 'Ack' : 'Latched'}
      </b>
      <span className="strip-text">{alert.message}</span>
      {more > 0 && <span className="strip-more">+{more}</span>}
      <RunningClock since={alert.openedAt} />
    </p>
  );
};

const ConditionStrip = ({ condition, more }: { condition: ActiveCondition; more: number }) => (
  <p className="strip strip-condition" data-priority={condition.priority} title="Alarm condition active">
    <PriorityIcon priority={condition.priority} />
    <span className="strip-text">
      <b>{nameCondition(condition.kind)}</b>
      <span className="strip-state"> — {stateCondition(condition)}</span>
    </span>
    {more > 0 && <span className="strip-more">+{more}</span>}
  </p>
);
