/** Says every second that readings are taken in here, so that nobody takes our being away for sensors that fell off. */
import { edgeBeatSubject } from '@carillon/contracts/devices';
import type { Bus } from '@carillon/bus/connection';

const everyMs = 1_000;

/** @param isWhole whether readings are taken in now; what is said while it is not would be a lie */
export function startEdgeBeat(bus: Bus, isWhole: () => boolean): { stop(): void } {
  const beat = (): void => {
    if (bus.isConnected() && isWhole()) bus.nc.publish(edgeBeatSubject);
  };
  beat();
  const timer = setInterval(beat, everyMs).unref();
  return { stop: () => clearInterval(timer) };
}
