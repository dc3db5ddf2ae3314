/** Readings at the edge: each item judged alone by shape, patient, unit, range and time; the good ones made durable. */
import { randomUUID } from 'node:crypto';
import type { Actor } from '@carillon/contracts/define';
import { CodedError, badInput, vitalItemErrors, type VitalItemErrorCode } from '@carillon/contracts/errors';
import {
  maxVitalItems,
  recordVitals,
  vitalItemSchema,
  type Intake,
  type Reading,
} from '@carillon/contracts/monitoring';
import { isPermitted } from '@carillon/contracts/permission';
import { parseInstant, validate } from '@carillon/contracts/schema';
import { intakeSubject, partitionOf } from '@carillon/contracts/streams';
import {
  consciousnessLevels,
  isPlausible,
  isPossible,
  isVitalName,
  toCanonical,
  type VitalName,
} from '@carillon/contracts/vital-signs';
import type { Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import type { People } from './people.ts';

export type Rejection = { index: number; code: VitalItemErrorCode; message: string };
export type IntakeResult = { accepted: number; rejected: Rejection[] };

/** A device's clock may be wrong; outside this window of the receipt its time is replaced and kept beside. */
const oldestMs = 24 * 3_600_000;
const newestMs = 2 * 60_000;

type Judged = { reading: Reading } | { code: VitalItemErrorCode; message?: string };

function judgeValue(
  vital: VitalName,
  value: number | string,
  unit: string | undefined,
): Judged | { value: number | string } {
  if (vital === 'consciousness') {
    if (unit !== undefined) return { code: 'bad_unit' };
    if (typeof value !== 'string') return { code: 'bad_input', message: 'value: Expected one of A, C, V, P, U' };
    return (consciousnessLevels as readonly string[]).includes(value) ? { value } : { code: 'impossible_value' };
  }
  if (typeof value !== 'number') return { code: 'bad_input', message: 'value: Expected a number' };
  const canonical = toCanonical(vital, value, unit);
  if (canonical === undefined) return { code: 'bad_unit' };
  return isPossible(vital, canonical) ? { value: canonical } : { code: 'impossible_value' };
}

export type Judging = {
  actor: Actor;
  people: People;
  receivedAt: number;
  /**
   * The time is a clinical statement, and no device's clock: an old one is history, kept as it is stated (monitoring
   * raises nothing from it), and one in the future is wrong.
   */
  isTimeStated?: true;
};

/** What becomes of one item: a reading, or the code of what is wrong with it. */
export function judgeItem(item: unknown, { actor, people, receivedAt, isTimeStated }: Judging): Judged {
  const shape = validate(vitalItemSchema, item);
  if (!shape.ok) {
    return { code: 'bad_input', message: shape.issues.map(({ path, message }) => `${path}: ${message}`).join('; ') };
  }
  const { patientId, vital, value, unit, measuredAt, deviceId } = shape.value;
  const isKnown = people.find(actor.hospital, patientId)?.roles.includes('patient') === true;
  if (!isKnown || !isPermitted(recordVitals.allow, actor, { patientId }, people.relations(actor.hospital))) {
    return { code: 'unknown_patient' };
  }
  if (!isVitalName(vital)) return { code: 'unknown_vital' };
  const judged = judgeValue(vital, value, unit);
  if (!('value' in judged)) return judged;
  const statedAt = parseInstant(measuredAt);
  if (statedAt === undefined) return { code: 'bad_time' };
  const isAhead = statedAt > receivedAt + newestMs;
  if (isAhead && isTimeStated === true) return { code: 'bad_time', message: 'The time lies in the future' };
  const isInRange = !isAhead && (statedAt >= receivedAt - oldestMs || isTimeStated === true);
  const isGood = vital === 'consciousness' || typeof judged.value === 'string' || isPlausible(vital, judged.value);
  return {
    reading: {
      patientId,
      vital,
      value: judged.value,
      receivedValue: value,
      receivedUnit: unit ?? null,
      measuredAt: isInRange ? statedAt : receivedAt,
      statedAt: isInRange ? null : statedAt,
      quality: isGood ? 'good' : 'suspect',
      deviceId: deviceId ?? (actor.roles.includes('device') ? actor.person : null),
    },
  };
}

/** @returns the items of a body `{"items":[…]}`. @throws CodedError `bad_input`, `too_large` */
export function readItems(body: unknown): readonly unknown[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badInput([{ path: '', message: 'Expected {"items":[…]}' }]);
  }
  const unknownField = Object.keys(body).find((name) => name !== 'items');
  if (unknownField !== undefined) throw badInput([{ path: unknownField, message: 'Unknown field' }]);
  const items: unknown = Reflect.get(body, 'items');
  if (!Array.isArray(items) || items.length === 0) {
    throw badInput([{ path: 'items', message: `Expected 1 to ${maxVitalItems} items` }]);
  }
  if (items.length > maxVitalItems) {
    throw new CodedError('too_large', `${items.length} items; at most ${maxVitalItems} fit in one call`);
  }
  return items;
}

/** @throws CodedError `forbidden` for who may post readings of nobody */
export function assertMayRecord(actor: Actor): void {
  if (!recordVitals.allow.some((rule) => rule.roles.some((role) => actor.roles.includes(role)))) {
    throw new CodedError('forbidden');
  }
}

export type Storing = { actor: Actor; receivedAt: number; traceparent: string; source: string };

/**
 * Makes readings durable, those of one partition together.
 * @returns those of which it is not known that they are stored, each with the reason: send them again. A reading that
 *   was stored all the same does no harm twice.
 */
export async function storeReadings(
  bus: Bus,
  readings: readonly Reading[],
  { actor, receivedAt, traceparent, source }: Storing,
): Promise<ReadonlyMap<Reading, CodedError>> {
  const byPartition = new Map<string, Reading[]>();
  for (const reading of readings) {
    const partition = partitionOf(reading.patientId);
    const neighbours = byPartition.get(partition);
    if (neighbours === undefined) byPartition.set(partition, [reading]);
    else neighbours.push(reading);
  }
  const messages = [...byPartition].flatMap(([partition, all]) =>
    Array.from({ length: Math.ceil(all.length / maxVitalItems) }, (_, index) => ({
      subject: intakeSubject(actor.hospital, partition, source),
      readings: all.slice(index * maxVitalItems, (index + 1) * maxVitalItems),
    })),
  );
  const failed = new Map<Reading, CodedError>();
  await Promise.all(
    messages.map(async (message) => {
      const intake: Intake = {
        hospital: actor.hospital,
        by: actor.person,
        receivedAt,
        readings: message.readings,
      };
      try {
        await publish(bus, {
          subject: message.subject,
          body: encode(intake),
          headers: { 'Nats-Msg-Id': randomUUID(), traceparent },
        });
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        for (const reading of message.readings) failed.set(reading, error);
      }
    }),
  );
  return failed;
}

/** @throws CodedError `bad_input` when no item is good; `unavailable` when they could not be stored: send them again */
export async function takeVitals(
  bus: Bus,
  body: unknown,
  judging: Judging & { traceparent: string },
): Promise<IntakeResult> {
  const { actor } = judging;
  assertMayRecord(actor);
  const readings: Reading[] = [];
  const rejected: Rejection[] = [];
  for (const [index, item] of readItems(body).entries()) {
    const judged = judgeItem(item, judging);
    if ('reading' in judged) readings.push(judged.reading);
    else rejected.push({ index, code: judged.code, message: judged.message ?? vitalItemErrors[judged.code] });
  }
  if (readings.length === 0) throw new CodedError('bad_input', 'No item is good', { issues: rejected });
  const source = actor.roles.includes('device') ? 'device' : 'person';
  const failed = await storeReadings(bus, readings, { ...judging, source });
  for (const error of failed.values()) throw error;
  return { accepted: readings.length, rejected };
}
