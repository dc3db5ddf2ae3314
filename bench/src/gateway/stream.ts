/** Where a stream stands. */
import type { StreamName } from '@carillon/contracts/define';
import type { Desk } from './desk.ts';

const storedWithinMs = 30_000;

/** Everything that was published has reached the server, and what it sends us has come. */
export const flushed = (desk: Desk): Promise<void> => desk.bus.nc.flush();

/** Waits until so many messages are stored behind a position. */
export async function untilStored(desk: Desk, stream: StreamName, position: string, count: number): Promise<void> {
  const after = Number(position.split('-').at(-1));
  const giveUpAt = performance.now() + storedWithinMs;
  for (;;) {
    const { state } = await desk.bus.jsm.streams.info(stream);
    if (state.last_seq >= after + count) return;
    if (performance.now() > giveUpAt) throw new Error(`${stream} holds ${state.last_seq - after} of ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
