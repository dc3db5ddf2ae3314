/** Readings at the edge: each item judged alone by shape, patient, unit, range and time; the good ones made durable. */
import { randomUUID } from 'node:crypto';
import type { Actor } from '@carillon/contracts/define';
import { CodedError, badInput, vitalItemErrors, type VitalItemErrorCode } from '@carillon/contracts/errors';
import {
  absenceReasons,
  maxVitalItems,
  modes,
  recordVitals,
  vitalItemSchema,
  type Absence,
  type Intake,
  type Reading,
  type VitalItem,
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

/** What goes into INTAKE. */
export type Taken = Reading | Absence;
export const isReading = (taken: Taken): taken is Reading => 'quality' in taken;
const isAbsence = (taken: Taken): taken is Absence => !isReading(taken);

type Refused = { code: VitalItemErrorCode; message?: string };
type Judged = { taken: Taken } | Refused;

const memberOf = <T extends string>(values: readonly T[], status: VitalItem['status']): T | undefined =>
  values.find((value) => value === status);

function judgeValue(
  vital: VitalName,
  value: VitalItem['value'],
  unit: string | undefined,
): Refused | { value: number | string } {
  if (value === undefined) return { code: 'bad_input', message: 'value: Required field is missing' };
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

/** What becomes of one item: a reading or that there is none, or the code of what is wrong with it. */
export function judgeItem(item: unknown, { actor, people, receivedAt, isTimeStated }: Judging): Judged {
  const shape = validate(vitalItemSchema, item);
  if (!shape.ok) {
    return { code: 'bad_input', message: shape.issues.map(({ path, message }) => `${path}: ${message}`).join('; ') };
  }
  const { patientId, vital, value, status, unit, measuredAt } = shape.value;
  const isKnown = people.find(actor.hospital, patientId)?.roles.includes('patient') === true;
  if (!isKnown || !isPermitted(recordVitals.allow, actor, { patientId }, people.relations(actor.hospital))) {
    return { code: 'unknown_patient' };
  }
  if (!isVitalName(vital)) return { code: 'unknown_vital' };
  const reason = memberOf(absenceReasons, status);
  // A value beside it is what the device shows while it measures nothing.
  const judged = reason === undefined ? judgeValue(vital, value, unit) : { value: 0 };
  if ('code' in judged) return judged;
  const statedAt = parseInstant(measuredAt);
  if (statedAt === undefined) return { code: 'bad_time' };
  const isAhead = statedAt > receivedAt + newestMs;
  if (isAhead && isTimeStated === true) return { code: 'bad_time', message: 'The time lies in the future' };
  const isInRange = !isAhead && (statedAt >= receivedAt - oldestMs || isTimeStated === true);
  const whenAndWhere = {
    measuredAt: isInRange ? statedAt : receivedAt,
    deviceId: shape.value.deviceId ?? (actor.roles.includes('device') ? actor.person : null),
  };
  if (reason !== undefined) return { taken: { patientId, vital, reason, ...whenAndWhere } };
  const isGood =
    (vital === 'consciousness' || typeof judged.value === 'string' || isPlausible(vital, judged.value)) &&
    status !== 'questionable' &&
    status !== 'calibrating';
  const mode = memberOf(modes, status);
  return {
    taken: {
      patientId,
      vital,
      value: judged.value,
      // judgeValue has refused an item without one.
      receivedValue: value ?? judged.value,
      receivedUnit: unit ?? null,
      statedAt: isInRange ? null : statedAt,
      quality: isGood ? 'good' : 'suspect',
      ...(mode === undefined ? {} : { mode }),
      ...whenAndWhere,
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
 * Makes readings and absences durable, those of one partition together.
 * @returns those of which it is not known that they are stored, each with the reason: send them again. A reading that
 *   was stored all the same does no harm twice.
 */
export async function storeTaken(
  bus: Bus,
  all: readonly Taken[],
  { actor, receivedAt, traceparent, source }: Storing,
): Promise<ReadonlyMap<Taken, CodedError>> {
  const byPartition = new Map<string, Taken[]>();
  for (const taken of all) {
    const partition = partitionOf(taken.patientId);
    const neighbours = byPartition.get(partition);
    if (neighbours === undefined) byPartition.set(partition, [taken]);
    else neighbours.push(taken);
  }
  const messages = [...byPartition].flatMap(([partition, mine]) =>
    Array.from({ length: Math.ceil(mine.length / maxVitalItems) }, (_, index) => ({
      subject: intakeSubject(actor.hospital, partition, source),
      all: mine.slice(index * maxVitalItems, (index + 1) * maxVitalItems),
    })),
  );
  const failed = new Map<Taken, CodedError>();
  await Promise.all(
    messages.map(async (message) => {
      const absences = message.all.filter(isAbsence);
      const intake: Intake = {
        hospital: actor.hospital,
        by: actor.person,
        receivedAt,
        readings: message.all.filter(isReading),
        ...(absences.length === 0 ? {} : { absences }),
      };
      try {
        await publish(bus, {
          subject: message.subject,
          body: encode(intake),
          headers: { 'Nats-Msg-Id': randomUUID(), traceparent },
        });
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        for (const taken of message.all) failed.set(taken, error);
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
  const all: Taken[] = [];
  const rejected: Rejection[] = [];
  for (const [index, item] of readItems(body).entries()) {
    const judged = judgeItem(item, judging);
    if ('taken' in judged) all.push(judged.taken);
    else rejected.push({ index, code: judged.code, message: judged.message ?? vitalItemErrors[judged.code] });
  }
  if (all.length === 0) throw new CodedError('bad_input', 'No item is good', { issues: rejected });
  const source = actor.roles.includes('device') ? 'device' : 'person';
  const failed = await storeTaken(bus, all, { ...judging, source });
  for (const error of failed.values()) throw error;
  return { accepted: all.length, rejected };
}
