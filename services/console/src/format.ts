/** Times, durations and codes as words. Local time of the viewer, 24 hours. */

const two = (value: number): string => String(value).padStart(2, '0');

export const clockTime = (at: number | string): string => {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '--:--:--';
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

export const clockMinute = (at: number | string): string => clockTime(at).slice(0, 5);

export const dayAndTime = (at: number | string): string => {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(at)}`;
};

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** "Sat 21 Nov 14:00": of a time in the weeks to come. */
export const dayAndMinute = (at: number | string): string => {
  const date = new Date(at);
  return `${WEEKDAYS[date.getDay()] ?? ''} ${date.getDate()} ${MONTHS[date.getMonth()] ?? ''} ${clockMinute(at)}`;
};

/** A running clock: "02:13", "1:02:13", from a day on "2 d 03 h". Never negative, since clocks differ. */
export const runningTime = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
};

/** "lowMedium", "low-medium" and "alert:raised" as words. */
export const words = (code: string): string =>
  code
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[-_:]+/g, ' ')
    .toLowerCase();

export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const ROLE_ORDER = ['nurse', 'doctor', 'responder', 'operator', 'admin', 'caregiver', 'patient'];

export const roleRank = (role: string | undefined): number => {
  const rank = ROLE_ORDER.indexOf(role ?? '');
  return rank === -1 ? ROLE_ORDER.length : rank;
};

/** "812 B", "3.4 kB", "12 MB". */
export const bytesInWords = (bytes: number): string => {
  if (bytes < 1000) return `${bytes} B`;
  const [size, unit] = bytes < 1_000_000 ? [bytes / 1000, 'kB'] : [bytes / 1_000_000, 'MB'];
  return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
};
