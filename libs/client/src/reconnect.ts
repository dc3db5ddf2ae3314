/** When and whether to connect again: the close codes and the backoff of the protocol. */

export type CloseFamily = 'resume' | 'renew' | 'drop' | 'wait' | 'stop';

const stoppingCodes = [1002, 1003, 1007, 1009];

/** 40xx and lost links resume, 41xx need a new token, 42xx drop positions, 43xx wait as told, 44xx stop. */
export function closeFamily(code: number): CloseFamily {
  const hundred = Math.floor(code / 100);
  if (hundred === 41) return 'renew';
  if (hundred === 42) return 'drop';
  if (hundred === 43) return 'wait';
  return hundred === 44 || stoppingCodes.includes(code) ? 'stop' : 'resume';
}

const leastMs = 500;

/** Full jitter: `0.5 s + random(0, min(longest, 0.5 s · 2^n))`. */
export const reconnectDelayMs = (attempt: number, random: () => number, longestMs: number): number =>
  leastMs + random() * Math.min(longestMs, leastMs * 2 ** Math.min(attempt, 20));

const reasons: Readonly<Record<number, string>> = {
  4401: 'Your sign-in is not valid any more. Please sign in again.',
  4403: 'You are not allowed to connect here.',
  4406: 'This program is older than the server. Please load it again.',
  4429: 'The server has refused this program for sending too much. Please load it again.',
  4440: 'You have been signed out, or disconnected by an operator.',
};

/** For people. */
export const stopReason = (code: number): string =>
  reasons[code] ?? `The server ended the connection (code ${code}). Please load the page again.`;
