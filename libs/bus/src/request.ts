/** Queries (request and reply) and commands (stored, then answered after commit). */
import { CodedError, type ErrorBody } from '@carillon/contracts/errors';
import { createInbox, type Msg } from 'nats';
import { toNatsHeaders, type Bus, type HeaderValues } from './connection.ts';
import { publish } from './publish.ts';

/** What a handler answers. `accepted` is made by the caller alone: stored, and not done in time. */
export type Reply = { ok: true; data: unknown } | { ok: false; error: ErrorBody };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const encode = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
export const decode = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes));

/** Replies come from our own services; the shape is theirs to keep. */
const decodeReply = (bytes: Uint8Array): Reply => decode(bytes) as Reply;

/** @throws CodedError `unavailable` when nobody answers within the deadline */
export async function request(
  bus: Bus,
  subject: string,
  body: Uint8Array,
  { headers, deadlineMs }: { headers: HeaderValues; deadlineMs: number },
): Promise<Reply> {
  try {
    const answer = await bus.nc.request(subject, body, { timeout: deadlineMs, headers: toNatsHeaders(headers) });
    return decodeReply(answer.data);
  } catch (error) {
    const failure = new CodedError('unavailable', 'The service does not answer now');
    failure.cause = error;
    throw failure;
  }
}

export type QueryMessage = { subject: string; body: Uint8Array; header(name: string): string | undefined };

/** Answers what comes on `filter`, shared with the other replicas of the group. @returns how to stop */
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
      header: (name) => message.headers?.get(name) || undefined,
    });
    message.respond(encode(reply));
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
  const prefix = createInbox(`_INBOX.${bus.name}`);
  const waiting = new Map<string, (reply: Reply) => void>();
  const subscription = bus.nc.subscribe(`${prefix}.*`, {
    callback: (error, message) => {
      if (error === null) waiting.get(message.subject)?.(decodeReply(message.data));
    },
  });
  let count = 0;
  return {
    async send(subject, makeBody, { headers, deadlineMs }) {
      const replyTo = `${prefix}.${(count++).toString(36)}`;
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

/** Sends a reply to a caller's inbox; nobody may be listening any more, and that is fine. */
export const sendReply = (bus: Bus, replyTo: string, reply: Reply): void => bus.nc.publish(replyTo, encode(reply));
