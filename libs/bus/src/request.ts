/** Queries (request and reply) and commands (stored, then answered after commit). */
import { CodedError, errorBody, type ErrorBody } from '@carillon/contracts/errors';
import { replySubject } from '@carillon/contracts/nats-permissions';
import { nuid, type Msg } from 'nats';
import { toNatsHeaders, readHeader, type Bus, type HeaderValues } from './connection.ts';
import { publish } from './publish.ts';

/** What a handler answers. `accepted` is made by the caller alone: stored, and not done in time. */
export type Reply = { ok: true; data: unknown } | { ok: false; error: ErrorBody };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const encode = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
/** @throws Error that shows nothing of what it could not read: it may be a patient's */
export function decode(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes)) as unknown;
  } catch {
    throw new Error(`${bytes.length} bytes that are no JSON`);
  }
}

/** Replies come from our own services; the shape is theirs to keep. */
const decodeReply = (bytes: Uint8Array): Reply => decode(bytes) as Reply;

/** A longer answer would be cut off by the server's limit and never arrive: lists are paged. */
const maxReplyBytes = 512 * 1024;
function encodeReply(reply: Reply): Uint8Array {
  const bytes = encode(reply);
  if (bytes.length <= maxReplyBytes) return bytes;
  return encode({ ok: false, error: errorBody(new CodedError('too_large', 'The answer is too large: ask for less')) });
}

/** Whose a subject is that begins with `cmd.<service>` or `qry.<service>`. */
const ownerOfSubject = (subject: string): string => subject.split('.')[1] ?? '';

/** @throws CodedError `unavailable` when nobody answers within the deadline */
export async function request(
  bus: Bus,
  subject: string,
  body: Uint8Array,
  { headers, deadlineMs }: { headers: HeaderValues; deadlineMs: number },
): Promise<Reply> {
  const startedAt = performance.now();
  try {
    await bus.whenConnected(deadlineMs);
    const timeout = Math.max(1, deadlineMs - (performance.now() - startedAt));
    // Not to the client's inbox, where answers of JetStream come: nobody else may have the right to publish there.
    const reply = replySubject(ownerOfSubject(subject), bus.name, nuid.next());
    const options = { timeout, headers: toNatsHeaders(headers), noMux: true, reply };
    const answer = await bus.nc.request(subject, body, options);
    return decodeReply(answer.data);
  } catch (error) {
    const failure = new CodedError('unavailable', 'The service does not answer now');
    failure.cause = error;
    throw failure;
  }
}

export type QueryMessage = { subject: string; body: Uint8Array; header(name: string): string | undefined };

/**
 * Answers what comes on `filter`, shared with the other replicas of the group.
 * @param handle must not reject
 * @returns how to stop
 */
export function respond(
  bus: Bus,
  filter: string,
  group: string,
  handle: (query: QueryMessage) => Promise<Reply>,
): () => Promise<void> {
  const answer = async (message: Msg): Promise<void> => {
    const reply = await handle({
      subject: message.subject,
      body: message.data,
      header: (name) => readHeader(message, name),
    });
    if (message.reply !== undefined) sendReply(bus, message.reply, reply, ownerOfSubject(message.subject));
  };
  const subscription = bus.nc.subscribe(filter, {
    queue: group,
    callback: (error, message) => {
      if (error === null) void answer(message);
    },
  });
  return () => subscription.drain();
}

export type CommandSender = {
  /**
   * Stores the command and waits for its reply.
   * @returns the reply, or undefined when the command is stored but was not done within the deadline
   * @throws CodedError `unavailable` when it could not be stored: repeat with the same key
   */
  send(subject: string, makeBody: (replyTo: string) => Uint8Array, options: SendOptions): Promise<Reply | undefined>;
  close(): void;
};
export type SendOptions = { headers: HeaderValues; deadlineMs: number };

/** One subscription serves the replies of all commands that this process sends. */
export function createCommandSender(bus: Bus): CommandSender {
  const nonce = nuid.next();
  const waiting = new Map<string, (reply: Reply) => void>();
  const subscription = bus.nc.subscribe(replySubject('*', bus.name, `${nonce}.*`), {
    callback: (error, message) => {
      if (error === null) waiting.get(message.subject)?.(decodeReply(message.data));
    },
  });
  let count = 0;
  return {
    async send(subject, makeBody, { headers, deadlineMs }) {
      const replyTo = replySubject(ownerOfSubject(subject), bus.name, `${nonce}.${(count++).toString(36)}`);
      const startedAt = performance.now();
      let timer: NodeJS.Timeout | undefined;
      try {
        const reply = new Promise<Reply>((resolve) => waiting.set(replyTo, resolve));
        await publish(bus, { subject, body: makeBody(replyTo), headers });
        const leftMs = Math.max(0, deadlineMs - (performance.now() - startedAt));
        const late = new Promise<undefined>((resolve) => {
          timer = setTimeout(() => resolve(undefined), leftMs);
        });
        return await Promise.race([reply, late]);
      } finally {
        clearTimeout(timer);
        waiting.delete(replyTo);
      }
    },
    close: () => subscription.unsubscribe(),
  };
}

const isReplySubject = /^rep(\.[A-Za-z0-9_-]+){3,4}$/;

/**
 * Sends a reply; nobody may be listening any more, and that is fine. The caller chose the subject, so one that is not
 * for replies of `owner` is refused: else a caller could make a service publish anywhere.
 * @returns false when it was refused
 */
export function sendReply(bus: Bus, replyTo: string, reply: Reply, owner: string = bus.name): boolean {
  if (!isReplySubject.test(replyTo) || !replyTo.startsWith(`rep.${owner}.`)) return false;
  if (!bus.nc.isClosed()) bus.nc.publish(replyTo, encodeReply(reply));
  return true;
}
