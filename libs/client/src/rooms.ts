/**
 * The rooms that the program wants, whichever connection they come over. What always holds: a room is taken from one
 * connection at a time, the newest that has answered for it; what was handed on is not handed on again; a room whose
 * completeness cannot be proved says so by `loadState`.
 */
import { CodedError, type ErrorCode } from '@carillon/contracts/errors';
import type { SubscriptionEnd } from '@carillon/contracts/gateway';
import type { Cancel, Environment } from './environment.ts';
import type { Answer, MessageFrame, ServerFrame, SubscribedFrame } from './frames.ts';
import type { Message, MessageHandlers } from './message.ts';
import { reconnectDelayMs } from './reconnect.ts';
import { advance, forget, join, judge, newRoom, type LoadReason, type RoomState } from './room.ts';
import type { Session } from './session.ts';

export type Subscriber = {
  /** By event. */
  on?: MessageHandlers;
  /** Every message of the room, those of `on` included. */
  onMessage?: (message: Message) => void;
  /** Of a room that shows a state: all of it, each time the room is entered. Changes come as messages. */
  onState?: (state: unknown) => void;
  /**
   * Read the state of the room: at the first join, and when messages may be missing. It may overlap with messages, so go
   * by versions. When it rejects it is asked again.
   */
  loadState?: (reason: LoadReason, room: string) => void | Promise<unknown>;
  /** The room is not to be entered, or no longer. It is not tried again. */
  onEnd?: (end: { room: string; code: ErrorCode | SubscriptionEnd; message: string }) => void;
};
export type Subscription = { readonly room: string; leave(): void };

type Room = {
  name: string;
  state: RoomState;
  /** From which it is taken. */
  source: Session | undefined;
  /** Where it was asked for. */
  asked: Session | undefined;
  hasState: boolean;
  members: Set<Member>;
};
/** One `subscribe`; the same subscriber may be given to several. */
type Member = {
  subscriber: Subscriber;
  /** What the newest call of its `loadState` was for, until it has succeeded. */
  loading: { reason: LoadReason } | undefined;
};

export type RoomOptions = {
  session: () => Session | undefined;
  toMessage: (frame: MessageFrame) => Message;
  /** Somebody has it. */
  onDelivered: (frame: MessageFrame) => void;
  onJoined: (session: Session, frame: SubscribedFrame) => void;
  /** Every room of this connection was answered for. */
  onSettled: (session: Session) => void;
  onProblem: (error: unknown) => void;
} & Pick<Environment, 'after' | 'random'>;

const ends: Readonly<Record<SubscriptionEnd, string>> = {
  relation_ended: 'You may no longer see this.',
  ended: 'This was ended by an operator.',
};
const longestRetryMs = 20_000;

export type Rooms = ReturnType<typeof createRooms>;

export function createRooms(options: RoomOptions) {
  const { after, random, onProblem } = options;
  const rooms = new Map<string, Room>();
  const timers = new Set<Cancel>();
  let isStopped = false;
  const isWanted = (room: Room): boolean => rooms.get(room.name) === room;

  /** What a program does with what it got is no reason to lose the next message. */
  const guarded = (act: () => unknown): void => {
    try {
      act();
    } catch (error) {
      onProblem(error);
    }
  };

  const later = (delayMs: number, act: () => void): void => {
    const cancel = after(delayMs, () => {
      timers.delete(cancel);
      act();
    });
    timers.add(cancel);
  };

  const load = (room: Room, member: Member, reason: LoadReason, attempt = 0): void => {
    const { loadState } = member.subscriber;
    if (loadState === undefined) return;
    const mine = { reason };
    member.loading = mine;
    // Whatever was asked for since then reads the same state.
    const isNewest = (): boolean => isWanted(room) && room.members.has(member) && member.loading === mine;
    const again = (error: unknown): void => {
      if (isStopped) {
        room.state = forget(room.state);
        return;
      }
      onProblem(error);
      if (!isNewest()) return;
      later(reconnectDelayMs(attempt, random, longestRetryMs), () => {
        if (isNewest()) load(room, member, reason, attempt + 1);
      });
    };
    const read = async (): Promise<unknown> => loadState(reason, room.name);
    read().then(() => member.loading === mine && (member.loading = undefined), again);
  };
  const loadAll = (room: Room, reason: LoadReason): void =>
    room.members.forEach((member) => load(room, member, reason));

  const settle = (session: Session): void => {
    const isWaiting = [...rooms.values()].some((room) => room.asked === session && room.source !== session);
    if (!isWaiting) options.onSettled(session);
  };

  const ask = (room: Room, attempt = 0): void => {
    const session = options.session();
    if (session === undefined) return;
    room.asked = session;
    const { last } = room.state;
    session.ask({ t: 'subscribe', room: room.name, ...(last === undefined ? {} : { from: last }) }, (answer) => {
      // Its messages are on their way, and count, even where nobody wants the room any more.
      if (answer?.t === 'subscribed') options.onJoined(session, answer);
      if (isWanted(room) && room.asked === session) onAnswer(room, session, answer, attempt);
    });
  };

  const onAnswer = (room: Room, session: Session, answer: Answer | undefined, attempt: number): void => {
    // The next connection asks anew.
    if (answer === undefined || answer.t === 'ok') return;
    if (answer.t === 'subscribed') return enter(room, session, answer);
    room.asked = undefined;
    if (answer.retry === 'never' || answer.retry === 'reauth') {
      end(room, answer.code, answer.message);
    } else {
      if (attempt === 0) onProblem(new CodedError(answer.code, `${room.name}: ${answer.message}`));
      if (answer.retry === 'resnapshot') room.state = forget(room.state);
      const delayMs = answer.afterMs ?? reconnectDelayMs(attempt, random, longestRetryMs);
      later(delayMs, () => {
        if (isWanted(room) && room.asked === undefined) ask(room, attempt + 1);
      });
    }
    settle(session);
  };

  const enter = (room: Room, session: Session, frame: SubscribedFrame): void => {
    const joined = join(room.state, frame);
    room.state = joined.room;
    room.source = session;
    room.hasState = frame.recovery === 'snapshot';
    if (room.hasState) {
      for (const { subscriber } of room.members) guarded(() => subscriber.onState?.(frame.data));
    }
    if (joined.load !== undefined) loadAll(room, joined.load);
    settle(session);
  };

  const end = (room: Room, code: ErrorCode | SubscriptionEnd, message: string): void => {
    rooms.delete(room.name);
    for (const { subscriber } of room.members) guarded(() => subscriber.onEnd?.({ room: room.name, code, message }));
  };

  const deliver = (room: Room, frame: MessageFrame): void => {
    const message = options.toMessage(frame);
    let isTaken = false;
    for (const { subscriber } of room.members) {
      const { on, onMessage } = subscriber;
      const handler = (on as Record<string, ((message: Message) => void) | undefined> | undefined)?.[frame.ev];
      for (const act of [handler, onMessage]) {
        if (act === undefined) continue;
        isTaken = true;
        guarded(() => act(message));
      }
    }
    if (isTaken) options.onDelivered(frame);
  };

  /** `system` is another name of the room of one's own hospital, which answers by its own. */
  const find = (name: string): Room | undefined =>
    rooms.get(name) ?? (/^hospital:[^:]+$/.test(name) ? rooms.get('system') : undefined);

  const receive = (session: Session, frame: ServerFrame): void => {
    const room = 'room' in frame ? find(frame.room) : undefined;
    if (room === undefined) return;
    switch (frame.t) {
      case 'subscribed':
        // An event stream that was opened anew answers for all of its rooms.
        options.onJoined(session, frame);
        return session === options.session() ? enter(room, session, frame) : undefined;
      case 'msg': {
        if (room.source !== session) return;
        const verdict = judge(room.state, frame);
        if (verdict === 'hole') {
          // The rest of this flow is of no use: the replay brings it again.
          room.source = undefined;
          return ask(room);
        }
        if (verdict === 'double') return;
        if (frame.pos !== undefined) room.state = advance(room.state, frame.pos);
        return deliver(room, frame);
      }
      case 'reset':
        if (room.source !== session) return;
        room.state = forget(room.state);
        return loadAll(room, 'reset');
      case 'unsubscribed':
        return room.source === session ? end(room, frame.code, ends[frame.code] ?? frame.code) : undefined;
      default:
        return undefined;
    }
  };

  return {
    names: (): string[] => [...rooms.keys()],
    receive,
    /** A connection lives: every room is resumed on it. */
    resume(session: Session): void {
      isStopped = false;
      for (const room of rooms.values()) ask(room);
      settle(session);
    },
    /** What is known of positions is void. */
    forgetPositions(): void {
      for (const room of rooms.values()) room.state = forget(room.state);
    },
    /** Nothing is asked of the program until the next connection, which asks for what was not read. */
    stop(): void {
      isStopped = true;
      for (const cancel of timers) cancel();
      timers.clear();
      for (const room of rooms.values()) {
        if ([...room.members].some(({ loading }) => loading !== undefined)) room.state = forget(room.state);
      }
    },
    subscribe(name: string, subscriber: Subscriber): Subscription {
      const member: Member = { subscriber, loading: undefined };
      let room = rooms.get(name);
      if (room === undefined) {
        room = {
          name,
          state: newRoom,
          source: undefined,
          asked: undefined,
          hasState: false,
          members: new Set([member]),
        };
        rooms.set(name, room);
        ask(room);
      } else {
        room.members.add(member);
        // Who comes later has seen nothing yet: of a state all is asked again, else his own is to be read.
        if (room.hasState && room.source !== undefined) ask(room);
        else if (room.state.wasJoined) load(room, member, 'fresh');
      }
      const joined = room;
      return {
        room: name,
        leave() {
          joined.members.delete(member);
          if (joined.members.size > 0 || !isWanted(joined)) return;
          rooms.delete(name);
          options.session()?.ask({ t: 'unsubscribe', room: name }, () => {});
        },
      };
    },
  };
}
