/** The one place where it is decided what becomes of work that failed. */
import { CodedError, errorBody, type ErrorBody } from '@carillon/contracts/errors';
import { isPassing } from '@carillon/database/database';

/**
 * - `bad`: will never succeed. The caller hears why; the message is done with.
 * - `later`: a dependency is down. The work waits until it is back; no failure is counted.
 * - `poison`: unexpected, a defect. To the dead letters, with the reason.
 */
export type Outcome = { kind: 'bad'; error: ErrorBody } | { kind: 'later' } | { kind: 'poison'; reason: string };

export function judge(error: unknown): Outcome {
  if (error instanceof CodedError) {
    return error.code === 'unavailable' ? { kind: 'later' } : { kind: 'bad', error: errorBody(error) };
  }
  if (isPassing(error)) return { kind: 'later' };
  return { kind: 'poison', reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

/** So often delivered and never answered: whoever takes it dies of it. */
export const crashLoopDeliveries = 20;
