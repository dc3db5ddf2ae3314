/**
 * Commands that wait for their answer. Each has a key, so that sending it again after a lost connection is
 * harmless: the server answers the same key with the same result and does nothing twice.
 */
import type { ServerFrame } from './types.ts';

/** A refusal with its code from the server's error table; the message is meant for people. */
export class CallError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'CallError';
    this.code = code;
  }
}

type PendingCall = {
  op: string;
  key: string;
  data: unknown;
  resolve: (data: unknown) => void;
  reject: (error: CallError) => void;
  timer?: ReturnType<typeof setTimeout>;
};

export type CallsOptions = {
  /** Sends a frame and returns its id, or undefined while there is no live connection. */
  send: (frame: { t: 'call'; op: string; key: string; data: unknown }) => number | undefined;
  makeKey: () => string;
  random: () => number;
};

/** The server answers within its default deadline of 5 s; no answer in twice that means the frame or answer is lost. */
const ANSWER_WITHIN_MS = 10_000;
/** A command stored but not yet done is asked for again after this time. */
const ASK_AGAIN_MS = 1000;

export const createCalls = ({ send, makeKey, random }: CallsOptions) => {
  const waiting = new Set<PendingCall>();
  const sent = new Map<number, PendingCall>();

  const transmit = (call: PendingCall): void => {
    clearTimeout(call.timer);
    const id = send({ t: 'call', op: call.op, key: call.key, data: call.data });
    if (id === undefined) return;
    sent.set(id, call);
    call.timer = setTimeout(() => {
      sent.delete(id);
      transmit(call);
    }, ANSWER_WITHIN_MS);
  };

  const sendLater = (call: PendingCall, delayMs: number): void => {
    clearTimeout(call.timer);
    call.timer = setTimeout(() => transmit(call), delayMs);
  };

  const finish = (call: PendingCall): void => {
    clearTimeout(call.timer);
    waiting.delete(call);
  };

  return {
    call: (op: string, data: unknown): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const call: PendingCall = { op, key: makeKey(), data, resolve, reject };
        waiting.add(call);
        transmit(call);
      }),

    /** The connection is live again: whatever has no answer yet goes out once more under its old key. */
    resend: (): void => {
      sent.clear();
      for (const call of waiting) transmit(call);
    },

    /** True when the frame answered one of these calls. */
    answer: (frame: Extract<ServerFrame, { t: 'ok' | 'err' }>): boolean => {
      const call = frame.id === undefined ? undefined : sent.get(frame.id);
      if (!call || frame.id === undefined) return false;
      sent.delete(frame.id);
      if (frame.t === 'ok') {
        if (frame.accepted) {
          sendLater(call, ASK_AGAIN_MS);
          return true;
        }
        finish(call);
        call.resolve(frame.data);
      } else if (frame.retry === 'backoff') {
        sendLater(call, 500 + random() * 1500);
      } else if (frame.retry === 'after') {
        sendLater(call, frame.afterMs ?? 1000);
      } else {
        finish(call);
        call.reject(new CallError(frame.code, frame.message));
      }
      return true;
    },

    /** Nothing will be sent any more: the person must know that the action did not happen. */
    abandon: (reason: string): void => {
      for (const call of waiting) {
        finish(call);
        call.reject(new CallError('unavailable', reason));
      }
      sent.clear();
    },
  };
};
