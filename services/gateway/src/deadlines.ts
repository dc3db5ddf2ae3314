/**
 * What happens to connections by the clock, behind one timer for all of them: of ten thousand a timer each would be felt,
 * and those that are due in the same tenth of a second are better woken once.
 */
const tickMs = 100;
/** Whoever has nothing sooner is looked at again then. */
const farTicks = 300;
const never = 2 ** 30;

/** The hello, a ping, or the answer to one. */
export type LinkDue = 'connect' | 'ping' | 'pong';
export type TokenDue = 'reauth' | 'expiry';
export type DueListener = { onDue(due: LinkDue | TokenDue): void };

/** Ticks are counted from the start of the process: a small whole number takes no memory of its own. */
const ticksFrom = (afterMs: number): number =>
  Math.min(never, Math.ceil((performance.now() + Math.max(0, afterMs)) / tickMs));

export class DeadlineWheel {
  readonly #places = new Map<number, Set<Deadlines>>();
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;

  /** @returns where it was put: not before the next look */
  put(tick: number, deadlines: Deadlines): number {
    if (this.#timer === undefined) {
      this.#lookedAt = Math.floor(performance.now() / tickMs);
      this.#timer = setTimeout(look, tickMs, this);
    }
    const place = Math.max(tick, this.#lookedAt + 1);
    const others = this.#places.get(place);
    if (others === undefined) this.#places.set(place, new Set([deadlines]));
    else others.add(deadlines);
    return place;
  }

  take(place: number, deadlines: Deadlines): void {
    const others = this.#places.get(place);
    if (others?.delete(deadlines) === true && others.size === 0) this.#places.delete(place);
    if (this.#places.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** For the timer alone. */
  look(): void {
    const until = Math.floor(performance.now() / tickMs);
    while (this.#lookedAt < until) {
      const place = ++this.#lookedAt;
      const due = this.#places.get(place);
      this.#places.delete(place);
      for (const deadlines of due ?? []) deadlines.look(place);
    }
    this.#timer = this.#places.size === 0 ? undefined : setTimeout(look, tickMs, this);
  }
}
const look = (wheel: DeadlineWheel): void => wheel.look();

/** Of one connection: one deadline of its link, and one of its token. */
export class Deadlines {
  readonly #wheel: DeadlineWheel;
  readonly #listener: DueListener;
  #linkDue: LinkDue = 'connect';
  #linkTick = never;
  #tokenDue: TokenDue = 'reauth';
  #tokenTick = never;
  /** Where it is in the wheel; -1 where it is not. */
  #place = -1;
  #isStopped = false;

  constructor(wheel: DeadlineWheel, listener: DueListener) {
    this.#wheel = wheel;
    this.#listener = listener;
  }

  /** Takes the place of what was due of the link before. */
  setLink(due: LinkDue, afterMs: number): void {
    this.#linkDue = due;
    this.#linkTick = ticksFrom(afterMs);
    this.#move();
  }

  /** Takes the place of what was due of the token before. */
  setToken(due: TokenDue, afterMs: number): void {
    this.#tokenDue = due;
    this.#tokenTick = ticksFrom(afterMs);
    this.#move();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#place >= 0) this.#wheel.take(this.#place, this);
    this.#place = -1;
  }

  /** For the wheel alone, which has let go of it. */
  look(tick: number): void {
    this.#place = -1;
    if (this.#tokenTick <= tick && !this.#isStopped) {
      this.#tokenTick = never;
      this.#listener.onDue(this.#tokenDue);
    }
    if (this.#linkTick <= tick && !this.#isStopped) {
      this.#linkTick = never;
      this.#listener.onDue(this.#linkDue);
    }
    this.#move();
  }

  #move(): void {
    if (this.#isStopped) return;
    const next = Math.min(this.#linkTick, this.#tokenTick);
    if (next === never) return;
    // Later than where it is: it is looked at there, and moves on. So what is put off again and again costs nothing.
    if (this.#place >= 0 && this.#place <= next) return;
    if (this.#place >= 0) this.#wheel.take(this.#place, this);
    this.#place = this.#wheel.put(Math.min(next, ticksFrom(0) + farTicks), this);
  }
}
