/** Finds devices of which nothing has come for too long. Counted while we listened: no outage or backlog of ours is theirs. */
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

/** What is not known to be silent yet, since nobody could have heard it, is looked at again no sooner than after this. */
const againMs = 1_000;

export function deviceTimer({ clock, database, log, metrics, work }: ServiceTools, ears: Ears): DueWork {
  const labels = { kind: 'timer', name: 'device:due' };
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  metrics.handled.inc({ ...labels, outcome: 'poison' }, 0);
  const partsHeld = (): number[] => ears.attended().map(({ partition }) => Number(partition));
  const look = async (at: At): Promise<void> => {
    try {
      await work(childTrace(undefined), (unit) => fallSilent(unit, at, ears));
    } catch (error) {
      if (judge(error).kind !== 'poison') throw error;
      log.error({ err: error, deviceId: at.deviceId }, 'a device cannot be looked at');
      metrics.handled.inc({ ...labels, outcome: 'poison' });
      await postponeDevice(database, at, clock.now() + failedAgainMs);
    }
  };
  return {
    name: 'devices',
    nextDueAt() {
      const parts = partsHeld();
      return parts.length === 0 ? Promise.resolve(undefined) : nextDueDevice(database, parts);
    },
    async run(now) {
      const due = await listDueDevices(database, { parts: partsHeld(), now, limit: batchSize });
      for (const at of due) await look(at);
      return due.length;
    },
  };
}

async function fallSilent(work: Work, at: At, ears: Ears): Promise<void> {
  const { now, tx } = work;
  await lockForChange(work, at);
  if (!(await claimSilence(tx, at, now))) return;
  const device = await getDevice(work, at);
  const hearing = device.patientId === null ? ears.hearingOfAll() : ears.hearingOf(device.patientId);
  const silentMs = silentAtMs(device.body, Math.max(hearing?.sinceMs ?? 0, device.heardAt?.getTime() ?? 0));
  if (silentMs !== null && (hearing === undefined || silentMs > hearing.untilMs)) {
    // Where it is not known here, whoever listens to its patient may come first.
    await postponeDevice(tx, at, Math.max(hearing === undefined ? 0 : silentMs, now + againMs));
    return;
  }
  await save(work, at, { ...device, isConnected: false });
  const silent = tellDevice(work, at.hospital, deviceDisconnected, await getDevice(work, at));
  await lookAt(work, at.hospital, silent.patientId);
}
