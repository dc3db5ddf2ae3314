/** A fault of this machine or its settings that a person can mend: its message is one line that says how. */
export class SetupError extends Error {
  override name = 'SetupError';
}

/** The code of an error of Node or of PostgreSQL, such as ECONNREFUSED. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The first line of what went wrong. */
export function messageOf(error: unknown): string {
  const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
  return String(hasMessage ? error.message : error).split('\n')[0]!;
}
