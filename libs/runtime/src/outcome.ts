/** The one place where it is decided what becomes of work that failed. */
import { types } from 'node:util';
import { CodedError, errorBody, type ErrorBody } from '@carillon/contracts/errors';
import { isPassing } from '@carillon/database/database';

/**
 * - `bad`: will never succeed. The caller hears why; the message is done with.
 * - `later`: a dependency is down. The work waits until it is back; no failure is counted.
 * - `notYet`: something this work needs is on its way (a projection lags). The same again in a moment; nothing else waits.
 * - `poison`: unexpected, a defect. To the dead letters, with the reason.
 */
export type Outcome =
  { kind: 'bad'; error: ErrorBody } | { kind: 'later' } | { kind: 'notYet' } | { kind: 'poison'; reason: string };

/** Before the same work is tried again that was not possible yet. */
export const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));

/** SQLSTATE of a statement that passed `statement_timeout`: a busy database, or work that no attempt will finish. */
const queryCanceled = '57014';
const tooHeavyAttempts = 5;

/** @param attempt from 1, in a row */
export function judge(error: unknown, attempt = 1): Outcome {
  if (error instanceof CodedError) {
    return error.code === 'unavailable' ? { kind: 'notYet' } : { kind: 'bad', error: errorBody(error) };
  }
  if (isPassing(error)) {
    const isTooHeavy = Reflect.get(error, 'code') === queryCanceled && attempt >= tooHeavyAttempts;
    return isTooHeavy ? { kind: 'poison', reason: 'its statements time out again and again' } : { kind: 'later' };
  }
  return { kind: 'poison', reason: types.isNativeError(error) ? `${error.name}: ${error.message}` : String(error) };
}

/** So often delivered and never answered: whoever takes it dies of it. */
export const crashLoopDeliveries = 20;
