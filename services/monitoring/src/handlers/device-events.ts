/** What is told of devices, and that they are heard. */
import type {
  Device,
  deviceAssigned,
  deviceDisconnected,
  deviceRegistered,
  deviceReleased,
  deviceReported,
} from '@carillon/contracts/devices';
import { deviceConnected } from '@carillon/contracts/devices';
import type { Work } from '@carillon/runtime/work';
import { silentAtMs, toMark } from '../domain/devices.ts';
import type { KnownDevice } from '../domain/patient-state.ts';
import { markHeard, type DeviceRow } from '../store-devices.ts';

export const toDevice = (row: DeviceRow): Device => ({
  deviceId: row.deviceId,
  type: row.type,
  ...row.body,
  mode: row.mode,
  battery: row.battery,
  isConnected: row.isConnected,
  heardAt: row.heardAt?.toISOString() ?? null,
  patientId: row.patientId,
  boundAt: row.boundAt?.toISOString() ?? null,
  version: row.version,
});

type DeviceEvent =
  | typeof deviceAssigned
  | typeof deviceConnected
  | typeof deviceDisconnected
  | typeof deviceRegistered
  | typeof deviceReleased
  | typeof deviceReported;

export function tellDevice(work: Work, hospital: string, event: DeviceEvent, row: DeviceRow): Device {
  const device = toDevice(row);
  const { deviceId, type, version } = device;
  work.emit(event, device, {
    lane: 'bulk',
    entity: `device ${deviceId}`,
    version,
    tokens: { hospital, type, device: deviceId },
    // Each event holds all that is known of the device: the newest stands for those before.
    key: deviceId,
  });
  return device;
}

/** Readings of these devices came: of those that are registered it is known from now on. */
export async function hearDevices(
  work: Work,
  hospital: string,
  { known, sending }: { known: readonly KnownDevice[]; sending: ReadonlySet<string> },
): Promise<void> {
  const { tx, now } = work;
  const marked = new Map(toMark(known, sending, now).map((device) => [device.deviceId, device]));
  if (marked.size === 0) return;
  const devices = [...marked.values()].map((device) => ({
    deviceId: device.deviceId,
    dueAtMs: silentAtMs(device, now),
  }));
  for (const row of await markHeard(tx, { hospital, now }, devices)) tellDevice(work, hospital, deviceConnected, row);
}
