/** Loaded into a server by `--import`: tells whoever started it how long the longest turn of its event loop was. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The delay is seen by a timer of 1 ms, which is subtracted by whoever reads it. */
const delay = monitorEventLoopDelay({ resolution: 1 });
process.on('message', (question) => {
  if (question === 'watch') {
    delay.reset();
    delay.enable();
  } else {
    delay.disable();
    process.send?.({ longestTurnMs: Math.max(0, delay.max / 1e6 - 1) });
  }
});
// A server ends as it would without a probe, and never outlives whoever measures it.
process.channel?.unref();
process.on('disconnect', () => process.exit());
