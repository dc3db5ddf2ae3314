/**
 * Which gateways live, as far as this one has heard. nats-server 2.9 tells watchers of no expiry, so age is judged here, by
 * this process's own monotonic clock: no clock of another machine decides who is dead.
 */
export type Gateways = {
  /** Something came from it. @returns whether it was thought dead */
  heard(instance: string, at?: number): boolean;
  /** It has said that it goes, or was buried. */
  forget(instance: string): void;
  known(): string[];
  /** We were deaf for a while: our own silence is nobody's death. */
  startAnew(): void;
  /** Those that were silent for too long, each once. */
  takeDead(): string[];
  /** Thought dead, and not buried yet. */
  unburied(): string[];
  isLive(instance: string): boolean;
  /** When it last wrote, by its own clock. */
  lastHeartbeatAt(instance: string): number | undefined;
  /** One of the living does what one alone must do: the one whose name is the first. */
  isFirst(): boolean;
  others(): number;
};

type Known = { heardAt: number; heartbeatAt: number | undefined; isDead: boolean };

export type GatewaysOptions = { instance: string; deadAfterMs: number; elapsed: () => number };

export function createGateways({ instance: self, deadAfterMs, elapsed }: GatewaysOptions): Gateways {
  const known = new Map<string, Known>();
  const living = (): string[] => [...known].flatMap(([instance, { isDead }]) => (isDead ? [] : [instance]));
  return {
    heard(instance, at) {
      const before = known.get(instance);
      known.set(instance, { heardAt: elapsed(), heartbeatAt: at ?? before?.heartbeatAt, isDead: false });
      return before?.isDead === true;
    },
    forget: (instance) => void known.delete(instance),
    known: () => [...known.keys()],
    startAnew() {
      for (const each of known.values()) if (!each.isDead) each.heardAt = elapsed();
    },
    takeDead() {
      const dead = [...known].filter(([, { heardAt, isDead }]) => !isDead && elapsed() - heardAt > deadAfterMs);
      for (const [, each] of dead) each.isDead = true;
      return dead.map(([instance]) => instance);
    },
    unburied: () => [...known].flatMap(([instance, { isDead }]) => (isDead ? [instance] : [])),
    isLive: (instance) => instance === self || known.get(instance)?.isDead === false,
    lastHeartbeatAt: (instance) => known.get(instance)?.heartbeatAt,
    isFirst: () => living().every((other) => self < other),
    others: () => living().length,
  };
}
