/** The rooms of the bench, and how events come into them: as services publish, straight into the streams. */
import { randomUUID } from 'node:crypto';
import { toNatsHeaders, type Bus } from '@carillon/bus/connection';
import type { Lane } from '@carillon/contracts/define';
import { eventHeaders } from '@carillon/contracts/streams';
import { hospitalId, patientId, wardId } from '../hospital.ts';

/** Wards, each with one patient; room k is that of ward k. */
export const roomCount = 1_000;
/** Over how many rooms clients are spread: client k is in room k modulo one of these, and may enter no other. */
export const spreads = [1, 10, 50, 100, 500, roomCount] as const;

/** Lossless, like all rooms but those of vital signs and devices. */
export const alertRoom = (room: number | string): string => `ward:${wardOfRoom(room)}:alerts`;
export const vitalsRoom = (room: number | string): string => `ward:${wardOfRoom(room)}:vitals`;
export const patientRoom = (room: number | string): string => `patient:${patientOfRoom(room)}`;
/** A template of wsload's stands for a number as well as a number does. */
const wardOfRoom = (room: number | string): string => (typeof room === 'number' ? wardId(room) : `w${room}`);
const patientOfRoom = (room: number | string): string => (typeof room === 'number' ? patientId(room) : `p${room}`);

type Event = { subject: string; event: string; lane: Lane; key?: string };

/** Without waiting for the answer: what is published is counted where it arrives. */
function emit(bus: Bus, { subject, event, lane, key }: Event, payload: string): void {
  bus.nc.publish(subject, new TextEncoder().encode(payload), {
    headers: toNatsHeaders({
      [eventHeaders.id]: randomUUID(),
      [eventHeaders.event]: event,
      [eventHeaders.at]: new Date().toISOString(),
      [eventHeaders.version]: '1',
      [eventHeaders.lane]: lane,
      ...(key === undefined ? {} : { [eventHeaders.key]: key }),
    }),
  });
}

export const emitAlert = (bus: Bus, room: number, payload: string): void =>
  emit(
    bus,
    {
      subject: `care.${hospitalId}.${wardId(room)}.${patientId(room)}.critical.alert.raised`,
      event: 'alert:raised',
      lane: 'critical',
    },
    payload,
  );

/** @param key conflation: the newest of each counts */
export const emitVital = (bus: Bus, { room, key }: { room: number; key: string }, payload: string): void =>
  emit(
    bus,
    { subject: `vitals.${hospitalId}.${wardId(room)}.${key}`, event: 'vitals:recorded', lane: 'bulk', key },
    payload,
  );
