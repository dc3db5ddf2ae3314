/**
 * The time of the clock on the wall, by the IANA rules that Node carries. Where a clock is put forward, the time that it
 * skips is the instant of the change; where it is put back, a time that comes twice is the first of both.
 */

export type LocalTime = { /** YYYY-MM-DD */ date: string; /** HH:MM */ time: string };

const dayMs = 86_400_000;
/** One costs 50 µs to make and 1 µs to use; users name the zones. */
const maxFormatters = 100;
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const formatter = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  if (formatters.size >= maxFormatters) formatters.clear();
  formatters.set(zone, formatter);
  return formatter;
}

export function isZone(zone: string): boolean {
  try {
    formatterOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** What the clock shows, as if it were UTC; ms since the epoch, to the second. */
function wallOf(at: number, zone: string): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(at)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** @param at ms since the epoch */
export function toLocal(at: number, zone: string): LocalTime {
  const text = new Date(wallOf(at, zone)).toISOString();
  return { date: text.slice(0, 10), time: text.slice(11, 16) };
}

function findInstant({ date, time }: LocalTime, zone: string): number {
  const wall = Date.parse(`${date}T${time}:00Z`);
  const offsetAt = (at: number): number => wallOf(at, zone) - Math.floor(at / 1000) * 1000;
  const [before, after] = [offsetAt(wall - dayMs), offsetAt(wall + dayMs)];
  const found = [wall - before, wall - after].filter((at) => wallOf(at, zone) === wall);
  if (found.length > 0) return Math.min(...found);
  // The clock skips it: between the instants that it would be by the one and by the other offset it is put forward.
  let [low, high] = [wall - after, wall - before];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** The windows of a plan come again with each of its layers, and with each look at it: 50 µs each would hold up an alarm. */
const maxInstants = 20_000;
const instants = new Map<string, number>();

/** @returns the instant in ms since the epoch */
export function toInstant(local: LocalTime, zone: string): number {
  const key = `${zone} ${local.date} ${local.time}`;
  const known = instants.get(key);
  if (known !== undefined) return known;
  const instant = findInstant(local, zone);
  if (instants.size >= maxInstants) instants.clear();
  instants.set(key, instant);
  return instant;
}

/** Days of the calendar, whatever their hours. */
export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00Z`) + days * dayMs).toISOString().slice(0, 10);
export const daysBetween = (from: string, to: string): number =>
  Math.round((Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / dayMs);
/** 1 is Monday. */
export const weekdayOf = (date: string): number => ((new Date(`${date}T00:00Z`).getUTCDay() + 6) % 7) + 1;
/** Whether the calendar has it: `2026-02-30` is none. */
export function isDate(date: string): boolean {
  const at = Date.parse(`${date}T00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === date;
}
