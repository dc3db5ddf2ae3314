import { CodedError } from '@carillon/contracts/errors';
import { ErrorCode, NatsError } from 'nats';
import { toNatsHeaders, type Bus, type HeaderValues } from './connection.ts';

export type Publication = { subject: string; body: Uint8Array; headers: HeaderValues };

const ackTimeoutMs = 2_000;

/**
 * Publishes to the stream that holds the subject and waits until it is stored.
 * @throws CodedError `unavailable` when that is not known in 2 s, or the stream is full. It may have been stored all
 *   the same: repeat with the same `Nats-Msg-Id` (or a command's key).
 * @throws CodedError `too_large` for what no repetition can store
 */
export async function publish(bus: Bus, { subject, body, headers }: Publication): Promise<void> {
  try {
    await bus.js.publish(subject, body, { headers: toNatsHeaders(headers), timeout: ackTimeoutMs });
  } catch (error) {
    const isTooLarge = error instanceof NatsError && error.code === (ErrorCode.MaxPayloadExceeded as string);
    const failure = new CodedError(isTooLarge ? 'too_large' : 'unavailable');
    failure.cause = error;
    throw failure;
  }
}
