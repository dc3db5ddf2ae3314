import { ALARM_WORD, PRIORITY_WORD, alarmState } from '../alerts.ts';
import { runningTime } from '../format.ts';
import type { Alert } from '../types.ts';
import { useNowSeconds } from './hooks.ts';
import { CheckIcon, LatchIcon, PriorityIcon } from './icons.tsx';

export const RunningClock = ({ since }: { since: string }) => {
  const now = useNowSeconds() * 1000;
  return <time className="running">{runningTime(now - Date.parse(since))}</time>;
};

/** One line on a tile: the leading alert in words, icon and colour. */
export const AlarmStrip = ({ alert, more }: { alert: Alert | undefined; more: number }) => {
  const state = alarmState(alert);
  if (!alert || state === 'none') return <p className="strip strip-none">No alarm</p>;
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
