/** When a scheduled limit holds: by the wall clock of its zone, on the weekdays on which it begins. */
import type { LimitSetting } from '@carillon/contracts/limits';

export type Schedule = NonNullable<LimitSetting['schedule']>;

const dayMinutes = 1_440;
const weekMinutes = 7 * dayMinutes;
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  let clock = clocks.get(timeZone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    clocks.set(timeZone, clock);
  }
  return clock;
}

export function isTimeZone(timeZone: string): boolean {
  try {
    clockOf(timeZone);
    return true;
  } catch {
    return false;
  }
}

/** Minutes since Monday 00:00 on the wall clock. */
function minuteOfWeek(timeZone: string, atMs: number): number {
  const parts = Object.fromEntries(
    clockOf(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  return weekdays.indexOf(parts['weekday'] ?? '') * dayMinutes + Number(parts['hour']) * 60 + Number(parts['minute']);
}

const minuteOfDay = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

type Stretch = { from: number; length: number };

/** Over midnight where `to` is not later than `from`; a whole day where they are equal. */
function stretchesOf({ from, to, days = [1, 2, 3, 4, 5, 6, 7] }: Schedule): Stretch[] {
  const begin = minuteOfDay(from);
  const length = (minuteOfDay(to) - begin + dayMinutes) % dayMinutes || dayMinutes;
  return days.map((day) => ({ from: (day - 1) * dayMinutes + begin, length }));
}

const isWithin = ({ from, length }: Stretch, minute: number): boolean =>
  (minute - from + weekMinutes) % weekMinutes < length;

/** An hour that the wall clock shows twice counts twice; one that it skips does not come. */
export function isInForce(schedule: Schedule, atMs: number): boolean {
  const minute = minuteOfWeek(schedule.timeZone, atMs);
  return stretchesOf(schedule).some((stretch) => isWithin(stretch, minute));
}

/** Of one time zone. */
export const overlap = (a: Schedule, b: Schedule): boolean =>
  stretchesOf(a).some((one) => stretchesOf(b).some((other) => isWithin(one, other.from) || isWithin(other, one.from)));
