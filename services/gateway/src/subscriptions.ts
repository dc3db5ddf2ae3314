/** The rooms of one WebSocket connection: entering, leaving, and being put out of them. */
import { CodedError } from '@carillon/contracts/errors';
import type { ClientFrame, ServerFrame, SubscriptionEnd } from '@carillon/contracts/gateway';
import type { Hub, Joined } from './hub.ts';
import type { Member } from './member.ts';
import type { Outgoing } from './outgoing.ts';
import { openRoom, parseRoom, type Room } from './rooms.ts';
import { tooManyRooms, type Shared } from './session.ts';
import type { StateRoom, StateSubscription } from './state-rooms.ts';
import type { Identity } from './tokens.ts';

type Subscribe = ClientFrame & { t: 'subscribe' };
type Unsubscribe = ClientFrame & { t: 'unsubscribe' };

/** What the connection lends: its place in rooms, and its way out. */
export type Line = Member & { outgoing: Outgoing; send(frame: ServerFrame): void };

export class Subscriptions {
  readonly #line: Line;
  readonly #shared: Shared;
  readonly #rooms = new Map<string, Room>();
  #stateRooms: Map<string, StateSubscription> | undefined;
  /** What is asked about one room is done in the order in which it was asked: a replay may take a while. */
  #turns: Map<string, Promise<void>> | undefined;
  #isOver = false;

  constructor(line: Line, shared: Shared) {
    this.#line = line;
    this.#shared = shared;
  }

  names(): Iterable<string> {
    return this.#rooms.keys();
  }

  /** Those in which he is from the start. */
  begin(rooms: ReadonlyMap<string, Room>): void {
    for (const [name, room] of rooms) this.#rooms.set(name, this.#hubOf(room)?.shared(room) ?? room);
  }

  async joinAll(): Promise<void> {
    // Not those that are subscribed to meanwhile.
    const rooms = [...this.#rooms.values()];
    for (const room of rooms) {
      const isStillIn = (): boolean => this.#rooms.get(room.name) === room;
      await this.#hubOf(room)?.join([room], this.#line, undefined, () => {}, isStillIn);
    }
  }

  /** @throws CodedError */
  subscribe(who: () => Identity, frame: Subscribe): Promise<void> {
    return this.#inTurn(nameOf(frame.room, who()), () => this.#subscribe(who, frame));
  }

  unsubscribe(who: Identity, frame: Unsubscribe): Promise<void> {
    const name = nameOf(frame.room, who);
    return this.#inTurn(name, () => {
      this.#drop(name);
      this.#line.send({ t: 'ok', id: frame.id });
    });
  }

  recheck(room: Room, who: Identity): void {
    const { people } = this.#shared;
    const isHis = openRoom(room.name, who, people.relations(who.hospital)) !== undefined;
    if (!isHis) this.endRoom(room.name, 'relation_ended');
  }

  recheckAll(who: Identity): void {
    for (const room of this.#rooms.values()) this.recheck(room, who);
    for (const name of this.#stateRooms?.keys() ?? []) this.#recheckState(name, who);
  }

  #recheckState(name: string, who: Identity): void {
    if (this.#shared.openStateRoom(name, who) === undefined) this.endRoom(name, 'relation_ended');
  }

  endRoom(name: string, code: SubscriptionEnd): void {
    if (this.#drop(name)) this.#line.send({ t: 'unsubscribed', room: name, code });
  }

  stop(): void {
    this.#isOver = true;
    for (const room of this.#rooms.values()) this.#hubOf(room)?.leave(room, this.#line);
    this.#rooms.clear();
    for (const { leave } of this.#stateRooms?.values() ?? []) leave();
    this.#stateRooms?.clear();
  }

  #hubOf(room: Room): Hub | undefined {
    return this.#shared.hubs.get(room.definition.stream);
  }

  #inTurn(room: string, work: () => Promise<void> | void): Promise<void> {
    this.#turns ??= new Map();
    const turns = this.#turns;
    const mine = (turns.get(room) ?? Promise.resolve()).then(() => (this.#isOver ? undefined : work()));
    const settled = mine
      .catch(() => {})
      .then(() => {
        if (turns.get(room) === settled) turns.delete(room);
        if (turns.size === 0 && this.#turns === turns) this.#turns = undefined;
      });
    turns.set(room, settled);
    return mine;
  }

  async #subscribe(identity: () => Identity, frame: Subscribe): Promise<void> {
    const { config, people } = this.#shared;
    const who = identity();
    const room = openRoom(frame.room, who, people.relations(who.hospital));
    const state = room === undefined ? this.#shared.openStateRoom(frame.room, who) : undefined;
    const name = room?.name ?? state?.name;
    if (name === undefined) throw new CodedError('forbidden');
    const isIn = this.#rooms.has(name) || this.#stateRooms?.has(name) === true;
    if (!isIn && this.#rooms.size + (this.#stateRooms?.size ?? 0) >= config.CARILLON_LIMIT_ROOMS) {
      throw tooManyRooms(config);
    }
    // Subscribed again: the new subscription takes the place of the old one, before its replay.
    this.#drop(name);
    if (state !== undefined) return this.#enterState(state, frame.id, identity);
    if (room !== undefined) await this.#enter(room, frame, identity);
  }

  #enterState(state: StateRoom, id: number, who: () => Identity): void {
    const line = this.#line;
    const subscription = state.join({
      deliver: (frames) => {
        this.#shared.frames.out += frames.length;
        line.outgoing.deliverState(stateKey(state.name), frames);
      },
      recheck: () => this.#recheckState(state.name, who()),
    });
    this.#stateRooms ??= new Map();
    this.#stateRooms.set(state.name, subscription);
    const { snapshot } = subscription;
    line.send({ t: 'subscribed', id, room: state.name, lane: state.lane, recovery: 'snapshot', data: snapshot });
  }

  async #enter(opened: Room, { id, from }: Subscribe, who: () => Identity): Promise<void> {
    const line = this.#line;
    const hub = this.#hubOf(opened);
    if (hub === undefined) throw new CodedError('unavailable');
    const room = hub.shared(opened);
    const { lane } = room.definition;
    this.#rooms.set(room.name, room);
    const onJoined = (_: Room, { position: pos, recovery }: Joined): void =>
      line.send({ t: 'subscribed', id, room: room.name, pos, lane, recovery });
    const isStillHis = (): boolean => {
      // A patient may have moved: who is not in the room yet is not told.
      this.recheck(room, who());
      return this.#rooms.get(room.name) === room;
    };
    const hasJoined = await hub.join([room], line, from, onJoined, isStillHis);
    // The right to it ended while the replay was read.
    if (!hasJoined && !this.#isOver) throw new CodedError('forbidden');
  }

  /** @returns whether he was in it */
  #drop(name: string): boolean {
    const room = this.#rooms.get(name);
    const state = this.#stateRooms?.get(name);
    if (room !== undefined) {
      this.#rooms.delete(name);
      this.#hubOf(room)?.leave(room, this.#line);
      this.#line.outgoing.forget(room);
    }
    if (state !== undefined) {
      this.#stateRooms?.delete(name);
      state.leave();
      this.#line.outgoing.forget({ key: stateKey(name) });
    }
    return room !== undefined || state !== undefined;
  }
}

/** No room of a hospital has such a key. */
const stateKey = (name: string): string => `state ${name}`;
/** A room may have two names, and is one room. */
const nameOf = (name: string, who: Identity): string => parseRoom(name, who.hospital)?.name ?? name;
