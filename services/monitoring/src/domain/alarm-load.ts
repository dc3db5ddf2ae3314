const dayMs = 86_400_000;
const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Alarms by the time in which a patient lay in a bed: a bed that is empty half the day is half a bed-day. */
export function perBedDay(
  alarms: number,
  occupiedMs: number,
): { alarms: number; bedDays: number; alarmsPerBedDay: number | null } {
  const bedDays = occupiedMs / dayMs;
  return { alarms, bedDays: round(bedDays, 3), alarmsPerBedDay: bedDays === 0 ? null : round(alarms / bedDays, 2) };
}
