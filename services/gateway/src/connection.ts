/** One WebSocket connection: who it is, its rooms, its calls, its pings, its end. The protocol's rules in one place. */
import { randomUUID } from 'node:crypto';
import { CodedError, badInput, closeCodes, type CloseReason } from '@carillon/contracts/errors';
import type { ClientFrame, ServerFrame, SubscriptionEnd } from '@carillon/contracts/gateway';
import { childTrace } from '@carillon/runtime/trace';
import type { WebSocket } from 'ws';
import { Deadlines, type DueListener, type LinkDue, type TokenDue } from './deadlines.ts';
import { encodeFrame, errorFrame } from './frames.ts';
import { parseFrame } from './incoming.ts';
import type { Batch, Member } from './member.ts';
import { Outgoing, type SlowListener } from './outgoing.ts';
import type { Room } from './rooms.ts';
import {
  closeWaitMs,
  pongWaitMs,
  readyFrame,
  reauthBeforeMs,
  startRooms,
  type Connection,
  type Shared,
  type StartRoom,
} from './session.ts';
import { Subscriptions, type Line } from './subscriptions.ts';
import { TokenError, type Identity } from './tokens.ts';

const connectWithinMs = 5_000;
const reauthGraceMs = 25_000;
/** Frames that wait for the one before them; a client that floods is not served faster for it. */
const maxWaitingFrames = 256;
/** Frames of any kind; a client of ours sends a few a second. */
const maxFramesPerWindow = 10_000;
const frameWindowMs = 5_000;

export type Handshake = { address: string; token: string | undefined; rooms: readonly StartRoom[] };
type Connect = ClientFrame & { t: 'connect' };

const pong = Buffer.from('{"t":"pong"}');

/** A class, since there are ten thousand of them: their functions are shared, and each holds a few fields. */
export class WebSocketConnection implements Connection, Member, DueListener, Line, SlowListener {
  readonly transport = 'webSocket';
  readonly id = `c-${randomUUID().slice(0, 13)}`;
  readonly startedAt: number;
  readonly #socket: WebSocket;
  readonly #shared: Shared;
  readonly #address: string;
  readonly outgoing: Outgoing;
  readonly #deadlines: Deadlines;
  readonly #subscriptions: Subscriptions;
  /** Frames that came before the token was checked wait for it, and not for one another. */
  #authenticating: Promise<void> | undefined;
  /** Rooms of the path, until they are entered. */
  #asked: readonly StartRoom[] | undefined;
  #identity: Identity | undefined;
  #tab: string | undefined;
  #lastFrameId = -1;
  #waiting = 0;
  #frames = 0;
  #windowAt = 0;
  #isClosed = false;

  constructor(socket: WebSocket, handshake: Handshake, shared: Shared) {
    this.#socket = socket;
    this.#shared = shared;
    this.#address = handshake.address;
    this.startedAt = shared.now();
    this.outgoing = new Outgoing(socket, this);
    this.#subscriptions = new Subscriptions(this, shared);
    this.#deadlines = new Deadlines(shared.wheel, this);
    connectionOf.set(socket, this);
    socket.on('message', onMessage);
    socket.on('close', onClose);
    // `ws` closes by itself after what is no WebSocket frame or larger than any of ours may be (1002, 1007, 1009).
    socket.on('error', onError);
    this.#deadlines.setLink('connect', connectWithinMs);
    if (handshake.rooms.length > 0) this.#asked = handshake.rooms;
    if (handshake.token !== undefined) this.#authenticating = this.#begin(handshake.token);
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  get tab(): string | undefined {
    return this.#tab;
  }

  unreadBytes(): number {
    return this.outgoing.waitingBytes();
  }

  isFull(): boolean {
    return this.outgoing.isFull();
  }

  close(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.end();
    this.#socket.close(closeCodes[reason], reason);
    setTimeout(terminate, closeWaitMs, this.#socket).unref();
  }

  /** Calls that are under way are answered first; their answers are on record by their keys in any case. */
  isBusy(): boolean {
    return this.#waiting > 0;
  }

  goAway(reason: string, spreadMs: number): void {
    this.send({ t: 'goaway', reason, spreadMs });
  }

  end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deadlines.stop();
    this.outgoing.stop();
    this.#subscriptions.stop();
    this.#shared.registry.remove(this);
    if (this.#identity !== undefined) this.#shared.presence.leave(this.#identity, this.id);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** `ws` waits for its sockets by itself. */
  flushed(): Promise<void> {
    return Promise.resolve();
  }

  // As a member of rooms.

  deliver(batch: Batch): void {
    if (this.#isClosed) return;
    this.#shared.frames.out += batch.frames.length;
    this.outgoing.deliver(batch);
  }

  reset(rooms: readonly Room[], reason: 'epoch' | 'retention'): void {
    for (const room of rooms) {
      this.outgoing.forget(room);
      this.send({ t: 'reset', room: room.name, reason });
    }
  }

  recheck(room: Room): void {
    if (this.#identity !== undefined) this.#subscriptions.recheck(room, this.#identity);
  }

  recheckAll(): void {
    if (this.#identity !== undefined) this.#subscriptions.recheckAll(this.#identity);
  }

  endRoom(name: string, code: SubscriptionEnd): void {
    this.#subscriptions.endRoom(name, code);
  }

  // What comes.

  take(data: Buffer, isBinary: boolean): void {
    if (this.#isClosed) return;
    if (isBinary) return this.#refuseFrame(new CodedError('bad_frame', 'Frames are text'), 'badFrame');
    // Most of what comes in all is this: ten thousand idle clients send hundreds a second.
    if (this.#identity !== undefined && data.equals(pong)) {
      this.#shared.frames.in++;
      return this.#isFlooding() ? this.close('abuse') : this.#onPong();
    }
    const { CARILLON_LIMIT_FRAME_BYTES: most } = this.#shared.config;
    if (data.length > most)
      return this.#refuseFrame(new CodedError('too_large', `At most ${most} bytes a frame`), 'tooBig');
    for (const line of data.toString().split('\n')) {
      if (line.trim() === '') continue;
      this.#shared.frames.in++;
      if (this.#isFlooding()) return this.close('abuse');
      const parsed = parseFrame(line, this.#lastFrameId);
      if ('error' in parsed) {
        if (parsed.close === undefined) this.#lastFrameId = parsed.frameId ?? this.#lastFrameId;
        this.#refuseFrame(parsed.error, parsed.close, parsed.frameId);
      } else {
        if ('id' in parsed.frame) this.#lastFrameId = parsed.frame.id;
        this.#dispatch(parsed.frame);
      }
      if (this.#isClosed) return;
    }
  }

  #isFlooding(): boolean {
    const now = performance.now();
    if (now - this.#windowAt > frameWindowMs) {
      this.#windowAt = now;
      this.#frames = 0;
    }
    return ++this.#frames > maxFramesPerWindow;
  }

  /** Frames are begun in order; a slow call does not hold up the frames behind it, the check of a token does. */
  #dispatch(frame: ClientFrame): void {
    // What has no answer is done in this turn, once it is known who it is.
    const isWaiting = 'id' in frame || this.#identity === undefined;
    if (isWaiting && ++this.#waiting > maxWaitingFrames) return this.close('abuse');
    const work =
      this.#identity !== undefined || this.#authenticating === undefined
        ? this.#onFrame(frame)
        : this.#authenticating.then(() => this.#onFrame(frame));
    if (this.#identity === undefined && frame.t === 'connect') this.#authenticating = work;
    if (isWaiting) void work.finally(() => this.#waiting--);
  }

  async #onFrame(frame: ClientFrame): Promise<void> {
    if (this.#isClosed) return undefined;
    const frameId = 'id' in frame ? frame.id : undefined;
    try {
      if (this.#identity !== undefined) return await this.#handle(this.#identity, frame);
      if (frame.t !== 'connect') throw new TokenError(false);
      if (frame.token === undefined) throw badInput([{ path: 'token', message: 'Required field is missing' }]);
      return await this.#authenticate(frame.token, frame.id, frame);
    } catch (error) {
      const coded = error instanceof CodedError ? error : new CodedError('internal');
      if (coded !== error) this.#shared.log.error({ err: error, connection: this.id }, 'frame failed');
      if (this.#identity === undefined || error instanceof TokenError) return this.#refuse(coded, frameId);
      return this.send(errorFrame(coded, frameId));
    }
  }

  #handle(who: Identity, frame: ClientFrame): Promise<void> | void {
    switch (frame.t) {
      case 'connect':
        return this.#ready(who, frame.id);
      case 'subscribe':
        return this.#subscriptions.subscribe(() => this.#identity ?? who, frame);
      case 'unsubscribe':
        return this.#subscriptions.unsubscribe(who, frame);
      case 'call':
        return this.#call(who, frame);
      case 'reauth':
        return this.#reauthenticate(who, frame);
      case 'pong':
        return this.#onPong();
      case 'ack':
        return this.#shared.receipts.take(who, frame.mid, frame.level);
      case 'rx':
        return this.outgoing.hasRead(frame.n);
      case 'signal':
        // Its readers come with chat; a client that sends one is not at fault.
        return undefined;
    }
  }

  #onPong(): void {
    this.#deadlines.setLink('ping', this.#shared.config.CARILLON_PING_MS);
  }

  // Who it is.

  async #begin(token: string): Promise<void> {
    try {
      await this.#authenticate(token, undefined, undefined);
    } catch (error) {
      if (!(error instanceof CodedError))
        this.#shared.log.error({ err: error, connection: this.id }, 'handshake failed');
      this.#refuse(error instanceof CodedError ? error : new CodedError('internal'), undefined);
    }
  }

  /** @throws CodedError */
  async #authenticate(token: string, frameId: number | undefined, frame: Connect | undefined): Promise<void> {
    const shared = this.#shared;
    const who = await shared.admit(token, this.#address);
    if (this.#isClosed) return;
    shared.checkPlace(who, () => this.#endOld(who, frame?.tab));
    const { rooms } = startRooms(this.#asked ?? [], who, shared);
    this.#asked = undefined;
    this.#identity = who;
    // What waits for it has it; nothing else needs it any more.
    this.#authenticating = undefined;
    this.#tab = frame?.tab;
    shared.registry.add(this, who);
    shared.presence.arrive(who, { id: this.id, tab: frame?.tab });
    this.#scheduleExpiry(who);
    this.#deadlines.setLink('ping', shared.config.CARILLON_PING_MS);
    this.#subscriptions.begin(rooms);
    this.#ready(who, frameId);
    await this.#subscriptions.joinAll();
  }

  /** Who comes back from the same tab has lost the connection before, though nobody has noticed yet that it is dead. */
  #endOld(who: Identity, tab: string | undefined): boolean {
    if (tab === undefined) return false;
    const old = [...this.#shared.registry.of(who.hospital, who.person)].find((each) => each.tab === tab);
    old?.close('noPong');
    return old !== undefined;
  }

  async #reauthenticate(who: Identity, frame: ClientFrame & { t: 'reauth' }): Promise<void> {
    const next = await this.#shared.admit(frame.token, this.#address);
    if (next.person !== who.person || next.hospital !== who.hospital) throw new TokenError(false);
    this.#identity = next;
    this.#scheduleExpiry(next);
    this.send({ t: 'ok', id: frame.id, data: { expiresAt: new Date(next.expiresAt).toISOString() } });
    // The new token may have fewer roles.
    this.recheckAll();
  }

  #ready(who: Identity, frameId: number | undefined): void {
    const frame = readyFrame(who, this.id, this.#subscriptions.names(), this.#shared);
    this.send(frameId === undefined ? frame : { ...frame, id: frameId });
  }

  #scheduleExpiry(who: Identity): void {
    this.#deadlines.setToken('reauth', who.expiresAt - this.#shared.now() - reauthBeforeMs);
  }

  onDue(due: LinkDue | TokenDue): void {
    switch (due) {
      case 'connect':
        // Who brought a token that nobody could check in time is not at fault, and comes again.
        return this.close(this.#authenticating === undefined ? 'noConnect' : 'internal');
      case 'ping':
        this.send({ t: 'ping' });
        return this.#deadlines.setLink('pong', pongWaitMs);
      case 'pong':
        return this.close('noPong');
      case 'reauth':
        this.send({ t: 'reauth', graceMs: reauthGraceMs });
        return this.#deadlines.setToken(
          'expiry',
          Math.max(reauthGraceMs, (this.#identity?.expiresAt ?? 0) - this.#shared.now()),
        );
      case 'expiry':
        return this.close('tokenExpired');
    }
  }

  async #call(who: Identity, frame: ClientFrame & { t: 'call' }): Promise<void> {
    const answer = await this.#shared.caller.call({
      actor: who,
      operation: frame.op,
      data: frame.data === undefined ? {} : frame.data,
      key: frame.key,
      traceparent: childTrace(undefined),
      connection: this.id,
    });
    this.send({ t: 'ok', id: frame.id, ...answer });
  }

  // What goes.

  send(frame: ServerFrame): void {
    if (this.#isClosed) return;
    this.#shared.frames.out++;
    this.outgoing.send(encodeFrame(frame));
  }

  #refuseFrame(error: CodedError, reason: CloseReason | undefined, frameId?: number): void {
    this.send(errorFrame(error, frameId));
    if (reason !== undefined) this.close(reason);
  }

  #refuse(error: CodedError, frameId: number | undefined): void {
    this.send(errorFrame(error, frameId));
    this.close(reasonOfRefusal(error));
  }

  onSlow(): void {
    this.#shared.log.warn({ connection: this.id }, 'slow consumer');
    this.close('slowConsumer');
  }
}

function reasonOfRefusal(error: CodedError): CloseReason {
  if (error instanceof TokenError) {
    return error.isRevoked ? 'tokenRevoked' : error.isExpired ? 'tokenExpired' : 'unauthorised';
  }
  if (error.code === 'rate_limited') return 'rateLimited';
  if (error.code === 'forbidden') return 'forbidden';
  // Nobody can judge the token now; it need not be bad.
  return error.code === 'internal' || error.code === 'unavailable' ? 'internal' : 'unauthorised';
}

/** One listener serves all sockets: `ws` calls it with the socket as `this`. */
const connectionOf = new WeakMap<WebSocket, WebSocketConnection>();
function onMessage(this: WebSocket, data: Buffer, isBinary: boolean): void {
  connectionOf.get(this)?.take(data, isBinary);
}
function onClose(this: WebSocket): void {
  connectionOf.get(this)?.end();
}
function onError(this: WebSocket): void {
  connectionOf.get(this)?.end();
  setTimeout(terminate, closeWaitMs, this).unref();
}
const terminate = (socket: WebSocket): void => socket.terminate();
