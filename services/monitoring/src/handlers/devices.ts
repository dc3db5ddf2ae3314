/** Devices, and on whom they measure. */
import {
  deviceAssigned,
  deviceConnected,
  deviceRegistered,
  deviceReleased,
  deviceReported,
  listBindings as listBindingsContract,
  listDevices as listContract,
  registerDevice as registerContract,
  bindDevice as bindContract,
  reportDevice as reportContract,
  stopSignal as stopContract,
  unbindDevice as unbindContract,
  type Device,
} from '@carillon/contracts/devices';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { parseInstant } from '@carillon/contracts/schema';
import type { CommandWork } from '@carillon/runtime/commands';
import { assertPermitted, findWards } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import { decideBinding, decideRelease, type BindingRefusal } from '../domain/bindings.ts';
import * as store from '../store-devices.ts';
import { getDevice, lockForChange, lookAt, save } from './device-change.ts';
import { tellDevice, toDevice } from './device-events.ts';
import { runMonitors } from './patients.ts';

const defaultBatteryLowPercent = 20;

export async function registerDevice(work: CommandWork, input: InputOf<typeof registerContract>): Promise<Device> {
  const { actor, now } = work;
  await assertPermitted(work.tx, registerContract.allow, { actor, now }, input);
  const { deviceId, type, label, mode = null, expectEverySeconds = null } = input;
  const at = { hospital: actor.hospital, deviceId };
  const known = await lockForChange(work, at);
  const { battery = null, isConnected = null, heardAt = null } = known ?? {};
  const body = { label, expectEverySeconds, batteryLowPercent: input.batteryLowPercent ?? defaultBatteryLowPercent };
  await save(work, at, { type, mode, body, battery, isConnected, heardAt });
  const device = tellDevice(work, at.hospital, deviceRegistered, await getDevice(work, at));
  // Nothing is missed of one that is tested.
  await lookAt(work, at.hospital, device.patientId, { isStopped: (_, of) => mode !== null && of === deviceId });
  return device;
}

function refuse(refusal: BindingRefusal | undefined): void {
  if (refusal?.code === 'conflict') throw new CodedError('conflict', refusal.message);
  if (refusal !== undefined) throw badInput([{ path: refusal.field, message: refusal.message }]);
}

export async function bindDevice(work: CommandWork, input: InputOf<typeof bindContract>): Promise<Device> {
  const { actor, now, tx } = work;
  await assertPermitted(tx, bindContract.allow, { actor, now }, input);
  const { deviceId, patientId, from } = input;
  const at = { hospital: actor.hospital, deviceId };
  await lockForChange(work, at, patientId);
  // An admin may bind to any patient of the hospital, but not to one who is not there, or has left while we waited.
  if (!(await findWards(tx, at.hospital, [patientId])).has(patientId)) throw new CodedError('forbidden');
  const device = await getDevice(work, at);
  const fromMs = from === undefined ? now : (parseInstant(from) ?? now);
  const refusal = decideBinding(await store.findBindings(tx, at), { patientId, fromMs, nowMs: now });
  if (refusal === 'bound') return toDevice(device);
  refuse(refusal);
  await store.insertBinding(tx, at, { patientId, fromMs, by: actor.person });
  await save(work, at, device);
  const bound = tellDevice(work, at.hospital, deviceAssigned, await getDevice(work, at));
  await lookAt(work, at.hospital, patientId);
  return bound;
}

export async function unbindDevice(work: CommandWork, input: InputOf<typeof unbindContract>): Promise<Device> {
  const { actor, now, tx } = work;
  await assertPermitted(tx, unbindContract.allow, { actor, now }, input);
  const { deviceId, patientId, until } = input;
  const at = { hospital: actor.hospital, deviceId };
  await lockForChange(work, at, patientId);
  const device = await getDevice(work, at);
  const untilMs = until === undefined ? now : (parseInstant(until) ?? now);
  refuse(decideRelease(await store.findBindings(tx, at), { patientId, untilMs, nowMs: now }));
  await store.endBinding(tx, at, { untilMs, by: actor.person });
  await save(work, at, device);
  const released = tellDevice(work, at.hospital, deviceReleased, await getDevice(work, at));
  await lookAt(work, at.hospital, patientId, { isStopped: (_, of) => of === deviceId });
  return released;
}

export async function reportDevice(work: CommandWork, input: InputOf<typeof reportContract>): Promise<Device> {
  const { actor, now, tx } = work;
  await assertPermitted(tx, reportContract.allow, { actor, now }, input);
  const at = { hospital: actor.hospital, deviceId: input.deviceId };
  await lockForChange(work, at);
  const before = await getDevice(work, at);
  const battery = input.battery ?? before.battery;
  await save(work, at, { ...before, battery, isConnected: true, heardAt: new Date(now) });
  const event = before.isConnected === true ? deviceReported : deviceConnected;
  const device = tellDevice(work, at.hospital, event, await getDevice(work, at));
  await lookAt(work, at.hospital, device.patientId);
  return device;
}

export async function stopSignal(
  work: CommandWork,
  input: InputOf<typeof stopContract>,
): Promise<ResultOf<typeof stopContract>> {
  const { actor, now, tx } = work;
  await assertPermitted(tx, stopContract.allow, { actor, now }, input);
  await runMonitors(work, actor.hospital, new Map([[input.patientId, []]]), {
    isStopped: (vital) => vital === input.vital,
  });
  return { stoppedAt: new Date(now).toISOString() };
}

const devicesShown = 500;

export async function listDevices(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof listContract>,
): Promise<ResultOf<typeof listContract>> {
  await assertPermitted(sql, listContract.allow, { actor, now }, input);
  const { wardId, cursor: after = '' } = input;
  const found = await store.listDevices(sql, { hospital: actor.hospital, wardId, after, limit: devicesShown + 1 });
  const items = found.slice(0, devicesShown).map(toDevice);
  const last = items.at(-1);
  return { items, ...(found.length > devicesShown && last !== undefined ? { next: last.deviceId } : {}) };
}

const bindingsShown = 200;

export async function listBindings(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof listBindingsContract>,
): Promise<ResultOf<typeof listBindingsContract>> {
  await assertPermitted(sql, listBindingsContract.allow, { actor, now }, input);
  const at = { hospital: actor.hospital, deviceId: input.deviceId };
  const items = (await store.listBindings(sql, at, bindingsShown)).map(({ fromAt, untilAt, ...by }) => ({
    ...by,
    from: fromAt.toISOString(),
    until: untilAt?.toISOString() ?? null,
  }));
  return { items };
}
