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
  if (!(await bus.whenConnected(ackTimeoutMs))) throw new CodedError('unavailable');
  let stopListening: () => void = () => {};
  // The answer would come over the connection that was lost; the client itself would wait for it.
  const lost = new Promise<never>((_, reject) => {
    stopListening = bus.onDisconnect(() => reject(new Error('the connection was lost')));
  });
  try {
    const stored = bus.js.publish(subject, body, { headers: toNatsHeaders(headers), timeout: ackTimeoutMs });
    await Promise.race([stored, lost]);
  } catch (error) {
    const isTooLarge = error instanceof NatsError && error.code === (ErrorCode.MaxPayloadExceeded as string);
    const failure = new CodedError(isTooLarge ? 'too_large' : 'unavailable');
    failure.cause = error;
    throw failure;
  } finally {
    stopListening();
  }
}
