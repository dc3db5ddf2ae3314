/** The shifts of a day, by name and by when they begin. Who is on duty is another matter: `directory` says that. */
import { isZone } from './local-time.ts';

export type NamedShift = { name: string; startsAtMinute: number };
export type DayPlan = { zone: string; shifts: readonly NamedShift[] };

const pattern = /^([A-Za-z][A-Za-z0-9 _-]{0,30})=([01]\d|2[0-3]):([0-5]\d)$/;

/**
 * @param texts each `<name>=HH:MM`
 * @returns the plan, or what is wrong with it in words
 */
export function readDayPlan(texts: readonly string[], zone: string): DayPlan | { problem: string } {
  if (!isZone(zone)) return { problem: `CARILLON_TIME_ZONE: "${zone}" is no IANA time zone` };
  const shifts: NamedShift[] = [];
  for (const text of texts) {
    const [, name, hours, minutes] = pattern.exec(text) ?? [];
    if (name === undefined) return { problem: `CARILLON_SHIFTS: "${text}" is not <name>=HH:MM` };
    shifts.push({ name, startsAtMinute: Number(hours) * 60 + Number(minutes) });
  }
  const starts = new Set(shifts.map(({ startsAtMinute }) => startsAtMinute));
  if (shifts.length === 0 || starts.size < shifts.length)
    return { problem: 'CARILLON_SHIFTS needs at least one shift, and each its own beginning' };
  return { zone, shifts: shifts.toSorted((a, b) => a.startsAtMinute - b.startsAtMinute) };
}
