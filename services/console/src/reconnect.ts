/** When and whether to connect again, from the close codes and the backoff rule of the client protocol. */

export type CloseFamily = 'resume' | 'renew' | 'drop' | 'wait' | 'stop';

/** 40xx and lost links resume, 41xx need a new token, 42xx drop positions, 43xx wait as told, 44xx stop. */
export const closeFamily = (code: number): CloseFamily => {
  if (code >= 4100 && code < 4200) return 'renew';
  if (code >= 4200 && code < 4300) return 'drop';
  if (code >= 4300 && code < 4400) return 'wait';
  if (code >= 4400 && code < 4500) return 'stop';
  if (code === 1002 || code === 1003 || code === 1007 || code === 1009) return 'stop';
  return 'resume';
};

/** A board that someone looks at tries at least this often, so that it is live within 3 s of the server's return. */
const VISIBLE_CEILING_MS = 2000;

/**
 * Full jitter: 0.5 s + random(0, min(20 s, 0.5 s * 2^n)). The first try after a loss comes almost at once
 * (a gateway that was replaced is there already), spread a little so that a ward does not knock as one.
 */
export const reconnectDelayMs = (attempt: number, isVisible: boolean, random: () => number): number => {
  if (attempt === 0) return random() * 300;
  const full = 500 + random() * Math.min(20_000, 500 * 2 ** attempt);
  // Capping the sum would bunch everyone at the ceiling: the random part is drawn below it instead.
  return isVisible ? Math.min(full, 500 + random() * (VISIBLE_CEILING_MS - 500)) : full;
};

const STOP_REASONS: Record<number, string> = {
  4401: 'Your sign-in is not valid any more. Please sign in again.',
  4403: 'You are not allowed to open this board.',
  4406: 'This page is older than the server. Please reload it.',
  4429: 'The server has refused this page for sending too much. Please reload it.',
  4440: 'You have been signed out.',
};

export const stopReason = (code: number): string =>
  STOP_REASONS[code] ?? `The server ended the connection (code ${code}). Please reload the page.`;
