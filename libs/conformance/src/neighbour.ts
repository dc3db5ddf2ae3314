/** A healthy client beside all that is hostile: it must not notice anything. */
import type { Client } from './client.ts';
import type { Frame } from './recorder.ts';
import type { Setting } from './setting.ts';

/** Little enough that it counts against no limit, often enough that each check meets several. */
const everyMs = 200;
const publishEveryMs = 3_000;

export type Neighbour = {
  /** Looks whether it is served now. @returns what it has noticed since it was asked last */
  complaints(): Promise<string[]>;
  /** The longest answer of all, in ms. */
  slowestMs(): number;
  stop(): Promise<string[]>;
};

/**
 * Asks and pings the gateway five times a second, and where there is an operator gets a numbered message now and then.
 * @param promisedMs how late an answer or a message may be
 */
export async function startNeighbour(setting: Setting, promisedMs: number): Promise<Neighbour> {
  const client: Client & { ready: Frame } = await setting.connect();
  const room = `person:${setting.me.person}`;
  await client.ask({ t: 'subscribe', room });
  const { everyMs: pingEveryMs, waitMs } = client.ready['ping'] as { everyMs: number; waitMs: number };
  const complaints: string[] = [];
  let slowest = 0;
  let isStopping = false;
  let hasLeft = false;
  let toldAt = performance.now();

  const timed = async (what: string, work: Promise<unknown>): Promise<void> => {
    const startedAt = performance.now();
    try {
      await work;
    } catch (error) {
      complaints.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      isStopping = true;
    }
    const tookMs = Math.round(performance.now() - startedAt);
    slowest = Math.max(slowest, tookMs);
    if (tookMs > promisedMs) complaints.push(`${what} took ${tookMs} ms`);
  };
  const until = (work: () => Promise<void>, pauseMs: number): Promise<void> => {
    const round = async (): Promise<void> => {
      while (!isStopping) {
        await work();
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    return round();
  };
  const look = async (): Promise<void> => {
    await timed('an answer', client.ask({ t: 'unsubscribe', room: 'no:such:room' }));
    await timed('a pong', client.pong());
    const silentMs = performance.now() - Math.max(client.pings.at(-1) ?? 0, toldAt);
    if (silentMs < pingEveryMs + waitMs) return;
    complaints.push('no ping came for too long');
    toldAt = performance.now();
  };
  const asking = until(look, everyMs);
  const listening =
    setting.given.operatorToken === undefined
      ? Promise.resolve()
      : until(async () => {
          const mid = await setting.publish(room, { neighbour: true });
          await timed(
            'a message',
            client.expect((frame) => frame['mid'] === mid, 'a message'),
          );
        }, publishEveryMs).catch((error: unknown) => void complaints.push(`publishing: ${String(error)}`));

  void client.closed.then(({ code }) => hasLeft || complaints.push(`it was closed with ${code}`));

  const takeComplaints = (): string[] => {
    const isAbout = (frame: Frame): boolean => frame['room'] === undefined || frame['room'] === room;
    const told = client.frames.find((frame) => ['err', 'reset', 'unsubscribed'].includes(frame.t) && isAbout(frame));
    return [...new Set(complaints.splice(0)), ...(told === undefined ? [] : [`it got ${JSON.stringify(told)}`])];
  };
  /** Each message names the one before it. */
  const findHoles = (): string[] =>
    client.messages(room).flatMap((message, index, all) => {
      const before = all[index - 1];
      const isHole = before !== undefined && message['prev'] !== before['pos'];
      return isHole ? [`a hole before ${String(message['pos'])}`] : [];
    });
  return {
    async complaints() {
      await look();
      return takeComplaints();
    },
    slowestMs: () => slowest,
    async stop() {
      await look();
      isStopping = true;
      await Promise.all([asking, listening]);
      const noticed = [...takeComplaints(), ...findHoles()];
      hasLeft = true;
      return noticed;
    },
  };
}
