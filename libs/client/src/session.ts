/** A connection on which somebody is known: ids and their answers, the token at the start, pings, the end. */
import type { Answer, Asking, ReadyFrame, ServerFrame, Telling } from './frames.ts';
import { ownerOf } from './tokens.ts';
import type { OpenWire, TransportName, Wire, WireEnd } from './wire.ts';

/** Undefined when the connection ended before. */
type OnAnswer = (answer: Answer | undefined) => void;

export type Session = {
  readonly transport: TransportName;
  /** Whose it is, as far as the token says. */
  readonly owner: string | undefined;
  /** Once it is known who is connected. */
  ready: ReadyFrame | undefined;
  heardAt: number;
  hasOpened: boolean;
  isEnded: boolean;
  ask(frame: Asking, onAnswer: OnAnswer): void;
  tell(frame: Telling): void;
  end(end: WireEnd): void;
  /** Ends when all that was asked on it is answered. */
  retire(): void;
};

export type SessionEvents = {
  onOpen(session: Session): void;
  onReady(session: Session): void;
  onHeard(session: Session): void;
  /** What is no answer. */
  onFrame(session: Session, frame: ServerFrame): void;
  onEnd(session: Session, end: WireEnd): void;
};

export type SessionOptions = {
  transport: TransportName;
  open: OpenWire;
  now: () => number;
  connect: Extract<Asking, { t: 'connect' }>;
};

export function createSession({ transport, open, now, connect }: SessionOptions, events: SessionEvents): Session {
  const answers = new Map<number, OnAnswer>();
  let nextId = 1;
  let isRetiring = false;
  let told: Omit<WireEnd, 'code'> = {};

  const finish = (end: WireEnd): void => {
    if (session.isEnded) return;
    session.isEnded = true;
    const waiting = [...answers.values()];
    answers.clear();
    events.onEnd(session, { ...told, ...end });
    for (const onAnswer of waiting) onAnswer(undefined);
  };

  const answer = (frame: Answer): boolean => {
    const onAnswer = frame.id === undefined ? undefined : answers.get(frame.id);
    if (onAnswer === undefined) return false;
    answers.delete(frame.id ?? 0);
    onAnswer(frame);
    if (isRetiring && answers.size === 0) session.end({ code: 1000 });
    return true;
  };

  const receive = (frame: ServerFrame): void => {
    switch (frame.t) {
      case 'ready': {
        const isFirst = session.ready === undefined;
        session.ready = frame;
        if (!isFirst) return;
        // Nothing but `connect` was asked; an event stream answers it without an id.
        answers.clear();
        return events.onReady(session);
      }
      case 'err':
        // What comes before a close says why and how long to wait.
        if (!answer(frame) || session.ready === undefined) {
          told = { message: frame.message, ...(frame.afterMs === undefined ? {} : { afterMs: frame.afterMs }) };
        }
        return;
      case 'ok':
        answer(frame);
        return;
      case 'subscribed':
        if (!answer(frame)) events.onFrame(session, frame);
        return;
      case 'ping':
        return session.tell({ t: 'pong' });
      default:
        return events.onFrame(session, frame);
    }
  };

  const session: Session = {
    transport,
    owner: ownerOf(connect.token ?? ''),
    ready: undefined,
    heardAt: now(),
    hasOpened: false,
    isEnded: false,
    ask(frame, onAnswer) {
      if (session.isEnded) return onAnswer(undefined);
      const id = nextId++;
      answers.set(id, onAnswer);
      wire.send({ ...frame, id });
    },
    tell(frame) {
      if (!session.isEnded) wire.send(frame);
    },
    end(end) {
      wire.close();
      finish(end);
    },
    retire() {
      isRetiring = true;
      if (answers.size === 0) session.end({ code: 1000 });
    },
  };
  const wire: Wire = open({
    onOpen() {
      session.hasOpened = true;
      session.heardAt = now();
      events.onOpen(session);
      session.ask(connect, () => {});
    },
    onHeard() {
      session.heardAt = now();
      events.onHeard(session);
    },
    onFrame: receive,
    onEnd: finish,
  });
  return session;
}
