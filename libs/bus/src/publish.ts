import { CodedError } from '@carillon/contracts/errors';
import { ErrorCode, NatsError, createInbox, type Msg } from 'nats';
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

/** Publishes many at once, for less than a call of `publish` for each: one inbox, one timer, no Error. */
export type BatchPublisher = {
  /**
   * All are sent one after another, in their order. Never throws.
   * @returns for each whether its stream said, within 2 s, that it is stored; repeat the rest as those of `publish`
   */
  publishAll(publications: readonly Publication[]): Promise<boolean[]>;
  stop(): void;
};

function saysStored(message: Msg): boolean {
  // Nobody listens: the answer is a status without a body.
  if (message.data.length === 0) return false;
  try {
    const answer = message.json<{ error?: unknown; stream?: unknown }>();
    return answer.error === undefined && typeof answer.stream === 'string' && answer.stream !== '';
  } catch {
    return false;
  }
}

export function createBatchPublisher(bus: Bus): BatchPublisher {
  const inbox = createInbox(`_INBOX.${bus.name}`);
  const batches = new Map<string, (position: number, isStored: boolean) => void>();
  let count = 0;
  const subscription = bus.nc.subscribe(`${inbox}.*.*`, {
    callback(error, message) {
      if (error !== null) return;
      const [batch = '', position] = message.subject.slice(inbox.length + 1).split('.');
      batches.get(batch)?.(Number(position), saysStored(message));
    },
  });
  return {
    async publishAll(publications) {
      const stored = publications.map(() => false);
      if (publications.length === 0 || !(await bus.whenConnected(ackTimeoutMs))) return stored;
      const batch = String(count++);
      return new Promise((resolve) => {
        let waiting = publications.length;
        const finish = (): void => {
          clearTimeout(timer);
          stopListening();
          batches.delete(batch);
          resolve(stored);
        };
        const answered = (position: number, isStored: boolean): void => {
          stored[position] = isStored;
          if (--waiting === 0) finish();
        };
        const timer = setTimeout(finish, ackTimeoutMs);
        const stopListening = bus.onDisconnect(finish);
        batches.set(batch, answered);
        for (const [position, { subject, body, headers }] of publications.entries()) {
          try {
            bus.nc.publish(subject, body, { headers: toNatsHeaders(headers), reply: `${inbox}.${batch}.${position}` });
          } catch {
            // Too large, or the connection was closed for good.
            answered(position, false);
          }
        }
      });
    },
    stop: () => subscription.unsubscribe(),
  };
}
