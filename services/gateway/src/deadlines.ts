const longestMs = 2 ** 31 - 1;

/** Several deadlines of one thing behind one timer: ten thousand connections keep one each. */
export class Deadlines<Name extends string> {
  readonly #onDue: (name: Name) => void;
  readonly #dueAt: { name: Name; at: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #isStopped = false;

  constructor(onDue: (name: Name) => void) {
    this.#onDue = onDue;
  }

  set(name: Name, afterMs: number): void {
    if (this.#isStopped) return;
    this.clear(name);
    this.#dueAt.push({ name, at: performance.now() + Math.max(0, afterMs) });
    this.#arm();
  }

  /** The timer stays: when nothing is due then, it looks for what is next. */
  clear(name: Name): void {
    const index = this.#dueAt.findIndex((each) => each.name === name);
    if (index >= 0) this.#dueAt.splice(index, 1);
  }

  stop(): void {
    this.#isStopped = true;
    this.#dueAt.length = 0;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const next = this.#dueAt.reduce((first, { at }) => Math.min(first, at), Infinity);
    if (next === Infinity || this.#timerAt <= next) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(fire, Math.min(Math.max(0, next - performance.now()), longestMs), this);
  }

  /** For the timer alone. */
  look(): void {
    this.#timerAt = Infinity;
    // A timer may be early by a part of a millisecond.
    const now = performance.now() + 1;
    const due = this.#dueAt.filter(({ at }) => at <= now);
    for (const { name } of due) {
      if (this.#isStopped) return;
      this.clear(name);
      this.#onDue(name);
    }
    this.#arm();
  }
}

const fire = (deadlines: { look(): void }): void => deadlines.look();
