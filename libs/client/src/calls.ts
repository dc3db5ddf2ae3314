/**
 * Commands and queries until they are answered. A command has a key, under which it is sent again after a lost link until
 * it has a result or is older than it may be; one that was given up is never sent afterwards. A query that the link
 * lost is asked again within its time.
 */
import { commandAgesMs } from '@carillon/contracts/command-ages';
import { CodedError, type ErrorCode } from '@carillon/contracts/errors';
import { randomKey, type Cancel, type Environment } from './environment.ts';
import type { Answer, Asking, ErrorFrame } from './frames.ts';
import type { Post } from './http.ts';
import type { QueueStore, StoredCommand } from './queue-store.ts';
import { reconnectDelayMs } from './reconnect.ts';
import type { Session } from './session.ts';

export type CallOptions = {
  /** Of a command; minted where absent. The same key never does anything twice. */
  key?: string;
  /** Of a query: until when an answer is awaited. 10 s where absent. */
  withinMs?: number;
  /** `http` for what is large, so that it does not hold up an alert on the link, or for before the first connection. */
  over?: 'link' | 'http';
};

/** What became of a command. */
export type SettledCommand = {
  key: string;
  op: string;
  data: unknown;
  outcome: { ok: true; data: unknown } | { ok: false; error: CodedError };
  /** An earlier page has left it behind, so that nobody here awaits it: tell the person if it failed. */
  isOfEarlierPage: boolean;
};

export type CallsOptions = {
  session: () => Session | undefined;
  post: Post;
  store: QueueStore;
  onSettled: (command: SettledCommand) => void;
  onProblem: (error: unknown) => void;
} & Pick<Environment, 'now' | 'random' | 'after'>;

type Waiting = {
  key: string | undefined;
  owner: string | undefined;
  op: string;
  data: unknown;
  issuedAt: number;
  expiresAt: number;
  over: 'link' | 'http';
  attempt: number;
  /** It was sent, and its time to be sent again has not come. */
  isResting: boolean;
  isInFlight: boolean;
  wasSent: boolean;
  isAccepted: boolean;
  isOfEarlierPage: boolean;
  cancelExpiry: Cancel;
  resolve: (data: unknown) => void;
  reject: (error: CodedError) => void;
};

/** The server answers within 5 s; no answer in twice that means that the frame or its answer is lost. */
const answerWithinMs = 10_000;
const queryWithinMs = 10_000;
/** What is stored is done even when it is old by the time that we hear of it. */
const followUpMs = 60_000;
const longestRetryMs = 5_000;
/** Far below the frames that a gateway lets wait. */
const mostInFlight = 16;
const mostWaiting = 500;

/** What the connection adds to a frame. */
const idBytes = 32;
const isLonger = (text: string, bytes: number): boolean =>
  text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;

const ageOf = (op: string): number | undefined =>
  Object.hasOwn(commandAgesMs, op) ? commandAgesMs[op as keyof typeof commandAgesMs] : undefined;

export type Calls = ReturnType<typeof createCalls>;

export function createCalls({ session, post, store, onSettled, onProblem, now, random, after }: CallsOptions) {
  const waiting = new Set<Waiting>();
  /** Flags that timers end rather than times to compare: timers may be early, and clocks are set back. */
  const timers = new Set<Cancel>();
  let pauses = 0;
  let owner: string | undefined;
  let isPumping = false;
  let timesAbandoned = 0;
  let nextHttpId = 1;
  let issuedAt = 0;

  const later = (delayMs: number, act: () => void): Cancel => {
    const cancelTimer = after(delayMs, () => {
      timers.delete(cancel);
      act();
      pump();
    });
    const cancel = (): void => {
      cancelTimer();
      timers.delete(cancel);
    };
    timers.add(cancel);
    return cancel;
  };

  let isStoreBroken = false;
  /** Where nothing can be kept, as in some private windows, that is told once and commands go from memory. */
  const keep = (work: Promise<void>): void => {
    work.then(
      () => (isStoreBroken = false),
      (error: unknown) => {
        if (!isStoreBroken) onProblem(error);
        isStoreBroken = true;
      },
    );
  };

  const finish = (call: Waiting, outcome: SettledCommand['outcome']): void => {
    call.cancelExpiry();
    if (outcome.ok) call.resolve(outcome.data);
    else call.reject(outcome.error);
    if (call.key !== undefined) {
      if (call.owner !== undefined) keep(store.remove(call.key));
      onSettled({ key: call.key, op: call.op, data: call.data, outcome, isOfEarlierPage: call.isOfEarlierPage });
    }
  };
  const settle = (call: Waiting, outcome: SettledCommand['outcome']): void => {
    if (!waiting.delete(call)) return;
    finish(call, outcome);
    pump();
  };
  const fail = (call: Waiting, code: ErrorCode, message?: string, more?: ConstructorParameters<typeof CodedError>[2]) =>
    settle(call, { ok: false, error: new CodedError(code, message, more) });

  const expire = (call: Waiting): void => {
    if (call.key === undefined) return fail(call, 'unavailable', 'No answer came in time');
    if (call.isAccepted && now() < call.expiresAt + followUpMs) {
      call.cancelExpiry = after(followUpMs, () => expire(call));
      return;
    }
    fail(
      call,
      'expired',
      call.wasSent ? 'No answer came in time: look whether it was done' : 'It could not be sent in time',
    );
  };

  const sendAgain = (call: Waiting, delayMs: number): void => {
    call.isResting = true;
    call.attempt++;
    later(delayMs, () => (call.isResting = false));
  };

  const onError = (call: Waiting, error: ErrorFrame): void => {
    const isCommand = call.key !== undefined;
    if (isCommand && error.retry === 'backoff') {
      return sendAgain(call, reconnectDelayMs(call.attempt, random, longestRetryMs));
    }
    if (isCommand && error.retry === 'after') {
      // Those behind it would be refused as well.
      const delayMs = error.afterMs ?? 1_000;
      pauses++;
      later(delayMs, () => pauses--);
      return sendAgain(call, delayMs);
    }
    const { issues, afterMs } = error;
    fail(call, error.code, error.message, {
      ...(issues === undefined ? {} : { issues }),
      ...(afterMs === undefined ? {} : { afterMs }),
    });
  };

  const onAnswer = (call: Waiting, answer: Answer | undefined): void => {
    if (!waiting.has(call)) return;
    call.isInFlight = false;
    if (answer?.t === 'err') onError(call, answer);
    else if (answer?.t === 'ok' && answer.accepted === true) {
      call.isAccepted = true;
      sendAgain(call, Math.min(longestRetryMs, 1_000 * 2 ** call.attempt));
    } else if (answer?.t === 'ok') settle(call, { ok: true, data: answer.data });
    pump();
  };

  const transmit = (call: Waiting): void => {
    const { op, key, data } = call;
    const frame: Extract<Asking, { t: 'call' }> = { t: 'call', op, data, ...(key === undefined ? {} : { key }) };
    const link = session();
    // Somebody else may have signed in, and be about to connect.
    if (call.over === 'link' && (link === undefined || link.owner !== call.owner)) return;
    // The server would end the connection for it.
    const mostBytes = call.over === 'link' ? (link?.ready?.limits.frameBytes ?? Infinity) : Infinity;
    if (isLonger(JSON.stringify(frame), mostBytes - idBytes)) return fail(call, 'too_large');
    call.isInFlight = true;
    call.wasSent = true;
    // An answer that comes after all is as good.
    const cancel = later(answerWithinMs, () => onAnswer(call, undefined));
    const heard = (answer: Answer | undefined): void => {
      cancel();
      onAnswer(call, answer);
    };
    if (call.over === 'http') void post({ ...frame, id: nextHttpId++ }).then(heard);
    else link?.ask(frame, heard);
  };

  /** Sends what may be sent, in the order in which it was called. */
  const pump = (): void => {
    // Whatever is settled or called meanwhile is met further on.
    if (isPumping) return;
    isPumping = true;
    try {
      sendWaiting();
    } finally {
      isPumping = false;
    }
  };
  const sendWaiting = (): void => {
    let inFlight = [...waiting].filter((call) => call.isInFlight).length;
    for (const call of waiting) {
      // Its timer is late where the device slept.
      if (now() >= call.expiresAt && !call.isAccepted) {
        if (call.isInFlight) inFlight--;
        expire(call);
        continue;
      }
      if (inFlight >= mostInFlight) return;
      const isPaused = call.key !== undefined && pauses > 0;
      if (call.isInFlight || isPaused || call.isResting) continue;
      transmit(call);
      if (call.isInFlight) inFlight++;
    }
  };

  const add = (
    given: Omit<StoredCommand, 'key' | 'owner'> & Pick<Waiting, 'key' | 'owner' | 'over' | 'resolve' | 'reject'>,
  ) => {
    const call: Waiting = {
      ...given,
      attempt: 0,
      isResting: false,
      isInFlight: false,
      wasSent: false,
      isAccepted: false,
      isOfEarlierPage: false,
      cancelExpiry: () => {},
    };
    waiting.add(call);
    call.cancelExpiry = after(Math.max(0, call.expiresAt - now()), () => expire(call));
    return call;
  };

  const toStored = (call: Waiting): StoredCommand | undefined => {
    const { key, op, data, issuedAt, expiresAt } = call;
    return key === undefined || call.owner === undefined
      ? undefined
      : { key, owner: call.owner, op, data, issuedAt, expiresAt };
  };
  const persist = (call: Waiting): void => {
    const stored = toStored(call);
    if (stored !== undefined) keep(store.put(stored));
  };

  /** What an earlier page of the same person has left goes before what was called meanwhile. */
  const restore = async (his: string): Promise<void> => {
    const before = timesAbandoned;
    const stored = await store.load(his);
    const known = new Set([...waiting].map(({ key }) => key));
    const calledSince = [...waiting];
    const left = stored.filter(({ key }) => !known.has(key));
    if (before !== timesAbandoned) return left.forEach(({ key }) => keep(store.remove(key)));
    if (owner !== his || left.length === 0) return;
    waiting.clear();
    for (const command of left) {
      const call = add({ ...command, over: 'link', resolve: () => {}, reject: () => {} });
      Object.assign(call, { wasSent: true, isOfEarlierPage: true });
    }
    calledSince.forEach((call) => waiting.add(call));
    pump();
  };

  return {
    call(
      op: string,
      data: unknown,
      { key, withinMs = queryWithinMs, over = 'link' }: CallOptions = {},
    ): Promise<unknown> {
      return new Promise((resolve, reject) => {
        const ageMs = ageOf(op);
        // A copy: under one key everything that is sent must be the same, whatever the program does with its own.
        const copy: unknown = data === undefined ? undefined : JSON.parse(JSON.stringify(data));
        if (waiting.size >= mostWaiting) return reject(new CodedError('unavailable', 'Too much waits for an answer'));
        const calledAt = now();
        // Grows, so that the order of what was called within a millisecond outlives the page.
        issuedAt = Math.max(calledAt, issuedAt + 1);
        const call = add({
          op,
          data: copy,
          key: ageMs === undefined ? undefined : (key ?? randomKey()),
          owner,
          issuedAt,
          expiresAt: calledAt + (ageMs ?? withinMs),
          over,
          resolve,
          reject,
        });
        persist(call);
        return pump();
      });
    },
    /** A connection lives, or another one does. */
    pump,
    /** Whose commands these are. */
    setOwner(his: string): void {
      if (owner === his) return;
      owner = his;
      for (const call of waiting) {
        if (call.owner === undefined) {
          call.owner = his;
          persist(call);
        } else if (call.owner !== his) fail(call, 'unauthorised', 'Somebody else has signed in');
      }
      keep(restore(his));
    },
    /** Nothing is sent any more: whoever waits has to know that it may not have happened. */
    abandon(error: CodedError): void {
      timesAbandoned++;
      for (const cancel of timers) cancel();
      pauses = 0;
      const given = [...waiting];
      waiting.clear();
      for (const call of given) finish(call, { ok: false, error });
    },
    waiting: (): number => waiting.size,
  };
}
