/** What every change of a device does. Engines of patients are locked before devices, as intake does it. */
import { CodedError } from '@carillon/contracts/errors';
import type { Work } from '@carillon/runtime/work';
import { silentAtMs } from '../domain/devices.ts';
import { lockEngines } from '../store.ts';
import * as store from '../store-devices.ts';
import { runMonitors, type Observed } from './patients.ts';

export type At = { hospital: string; deviceId: string };

/**
 * Locks the engines of on whom the device measures and of `patientId`, and then the device.
 * @throws CodedError `unavailable` where it was bound to somebody else meanwhile, whose engine must not be locked now
 */
export async function lockForChange(work: Work, at: At, patientId?: string): Promise<store.DeviceRow | undefined> {
  const holder = await store.findHolder(work.tx, at);
  const patients = [holder, patientId].filter((id) => id !== undefined);
  await lockEngines(work.tx, at.hospital, patients);
  const device = await store.lockDevice(work.tx, at);
  const wearer = await store.findHolder(work.tx, at);
  if (wearer !== undefined && !patients.includes(wearer)) {
    throw new CodedError('unavailable', 'It was bound to somebody else meanwhile');
  }
  return device;
}

export async function getDevice(work: Work, at: At): Promise<store.DeviceRow> {
  const device = await store.lockDevice(work.tx, at);
  if (device === undefined) throw new CodedError('not_found', 'No such device is registered');
  return device;
}

/** What is known of a device decides what is missed of its patient. */
export async function lookAt(
  work: Work,
  hospital: string,
  patientId: string | null,
  observed: Observed = {},
): Promise<void> {
  if (patientId !== null) await runMonitors(work, hospital, new Map([[patientId, []]]), observed);
}

export async function save(work: Work, at: At, change: store.DeviceChange): Promise<void> {
  const heardAtMs = change.isConnected === true ? change.heardAt?.getTime() : undefined;
  const dueAtMs = heardAtMs === undefined ? null : silentAtMs(change.body, heardAtMs);
  await store.saveDevice(work.tx, at, change, dueAtMs === null ? null : new Date(dueAtMs));
}
