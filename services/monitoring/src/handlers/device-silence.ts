/** Finds devices of which nothing has come for too long. Counted from when we listened: no outage of ours is theirs. */
import { deviceDisconnected } from '@carillon/contracts/devices';
import type { DueWork } from '@carillon/runtime/due-loop';
import { judge } from '@carillon/runtime/outcome';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { silentAtMs } from '../domain/devices.ts';
import { claimSilence, listDueDevices, nextDueDevice, postponeDevice } from '../store-devices.ts';
import { getDevice, lockForChange, lookAt, save, type At } from './device-change.ts';
import { tellDevice } from './device-events.ts';
import type { Ears } from './ears.ts';

const batchSize = 50;
/** A device that fails for itself comes again after this; the others do not wait for it. */
const failedAgainMs = 60_000;

export function deviceTimer({ clock, database, log, metrics, work }: ServiceTools, ears: Ears): DueWork {
  const labels = { kind: 'timer', name: 'device:due' };
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  metrics.handled.inc({ ...labels, outcome: 'poison' }, 0);
  const look = async (at: At, listeningSinceMs: number): Promise<void> => {
    try {
      await work(childTrace(undefined), (unit) => fallSilent(unit, at, listeningSinceMs));
    } catch (error) {
      if (judge(error).kind !== 'poison') throw error;
      log.error({ err: error, deviceId: at.deviceId }, 'a device cannot be looked at');
      metrics.handled.inc({ ...labels, outcome: 'poison' });
      await postponeDevice(database, at, clock.now() + failedAgainMs);
    }
  };
  return {
    name: 'devices',
    nextDueAt: () => (ears.allHeardSince() === undefined ? Promise.resolve(undefined) : nextDueDevice(database)),
    async run(now) {
      const since = ears.allHeardSince();
      if (since === undefined) return 0;
      const due = await listDueDevices(database, now, batchSize);
      for (const at of due) await look(at, since);
      return due.length;
    },
  };
}

async function fallSilent(work: Work, at: At, listeningSinceMs: number): Promise<void> {
  const { now, tx } = work;
  const device = await lockForChange(work, at);
  if (device === undefined || !(await claimSilence(tx, at, now))) return;
  const silentMs = silentAtMs(device.body, listeningSinceMs);
  if (silentMs !== null && silentMs > now) {
    await postponeDevice(tx, at, silentMs);
    return;
  }
  await save(work, at, { ...device, isConnected: false });
  const silent = tellDevice(work, at.hospital, deviceDisconnected, await getDevice(work, at));
  await lookAt(work, at.hospital, silent.patientId);
}
