/**
 * The end of a gateway: its clients are told, open a new connection to another gateway, and leave this one. Who does not is
 * closed in the second half of the time, one after the other, so that the others never see all of them at once.
 */
import type { Registry } from './registry.ts';
import type { Connection } from './session.ts';

/** A call that is under way when its connection's turn comes is waited for so long. */
const callWaitMs = 2_000;
const lookMs = 20;

export async function drain(registry: Registry, spreadMs: number): Promise<void> {
  const leaving = [...registry.all];
  if (leaving.length === 0) return;
  for (const connection of leaving) connection.goAway('drain', spreadMs);
  const startedAt = performance.now();
  const timers = new Set<NodeJS.Timeout>();
  const closeWhenIdle = (connection: Connection, giveUpAt: number): void => {
    if (!connection.isBusy() || performance.now() >= giveUpAt) return connection.close('drain');
    timers.add(setTimeout(closeWhenIdle, lookMs, connection, giveUpAt));
  };
  leaving.forEach((connection, index) => {
    const atMs = (spreadMs * (1 + (index + 1) / leaving.length)) / 2;
    const giveUpAt = startedAt + atMs + callWaitMs;
    timers.add(setTimeout(closeWhenIdle, atMs, connection, giveUpAt));
  });
  await registry.whenEmpty();
  for (const timer of timers) clearTimeout(timer);
  await Promise.all(leaving.map((connection) => connection.flushed()));
}
