import { randomUUID } from 'node:crypto';
import type {
  Alert,
  acknowledgeAlert as acknowledgeContract,
  declineAlert as declineContract,
  raiseAlert as raiseContract,
  resolveAlert as resolveContract,
} from '@carillon/contracts/alert-escalation';
import { staffRoles, type Actor, type InputOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type { Priority } from '@carillon/contracts/monitoring';
import type { CommandWork } from '@carillon/runtime/commands';
import { loadRelations } from '@carillon/runtime/directory-projection';
import type { Work } from '@carillon/runtime/work';
import {
  acknowledge,
  decline,
  episodeKey,
  openAlert,
  raiseAgain,
  resolve,
  type AlertState,
  type Change,
  type NewAlert,
} from '../domain/alert.ts';
import { defaultPolicy } from '../domain/levels.ts';
import { findPolicy, insertAlert, loadStaffing, lockAlert, lockOpenAlert, wasPaged } from '../store.ts';
import { saveChange, toFullAlert } from './save.ts';

const hasRole = (actor: Actor, roles: readonly string[]): boolean => actor.roles.some((role) => roles.includes(role));

export type Raising = Omit<NewAlert, 'alertId' | 'policy'>;

/**
 * Opens an alert, or joins the open one of the episode; concurrent raises meet in the unique index.
 * @param known the open alert, by who has locked the episode already
 */
export async function raise(work: Work, given: Raising, known?: { open: AlertState | undefined }): Promise<AlertState> {
  const { tx, now } = work;
  const { hospital, patientId, wardId } = given;
  const key = episodeKey(patientId, wardId, given.kind);
  for (let isFirst = true; ; isFirst = false) {
    const existing = known !== undefined && isFirst ? known.open : await lockOpenAlert(tx, hospital, key);
    if (existing !== undefined) {
      const actor = given.actor === undefined ? {} : { actor: given.actor };
      const { priority, source, message } = given;
      const staffing = await loadStaffing(tx, { ...existing, now });
      const change = raiseAgain(existing, { priority, source, message, ...actor }, now, staffing);
      await saveChange(work, existing, change);
      return change.state;
    }
    const policy = (await findPolicy(tx, hospital, 'default')) ?? defaultPolicy;
    const staffing = await loadStaffing(tx, { hospital, patientId, wardId, policy, now });
    const change = openAlert({ ...given, alertId: randomUUID(), policy }, now, staffing);
    if (await insertAlert(tx, change.state, key)) {
      await saveChange(work, { ...change.state, pages: [] }, change, true);
      return change.state;
    }
    // Another transaction opened it between our look and our insert; it has committed, so the next look finds it.
  }
}

/** Staff for their wards; patients and caregivers an SOS for themselves and theirs. @returns patient and ward */
async function placeOfRaise(
  { tx, actor, now }: CommandWork,
  input: InputOf<typeof raiseContract>,
): Promise<{ patientId: string | null; wardId: string | null }> {
  const isPatient = hasRole(actor, ['patient']);
  const patientId = input.patientId ?? (isPatient ? actor.person : undefined);
  const relations = await loadRelations(tx, { actor, now }, patientId);
  if (hasRole(actor, staffRoles)) {
    const wards = relations.wardsOf(actor.person);
    const wardId = patientId === undefined ? input.wardId : relations.wardOfPatient(patientId);
    if (patientId === undefined && wardId === undefined) {
      throw badInput([{ path: 'patientId', message: 'A patient or a ward is needed' }]);
    }
    const isBroken = patientId !== undefined && relations.brokenGlassOf(actor.person).has(patientId);
    if (!isBroken && (wardId === undefined || !wards.has(wardId))) throw new CodedError('forbidden');
    if (input.wardId !== undefined && input.wardId !== wardId) {
      throw badInput([{ path: 'wardId', message: 'The patient lies in another ward' }]);
    }
    return { patientId: patientId ?? null, wardId: wardId ?? null };
  }
  const isOwn =
    patientId !== undefined &&
    (patientId === actor.person || relations.patientsCaredForBy(actor.person).has(patientId));
  if (!isOwn || input.kind !== 'sos')
    throw new CodedError('forbidden', 'Only an SOS, for yourself or who you care for');
  return { patientId, wardId: relations.wardOfPatient(patientId) ?? null };
}

export async function raiseAlert(work: CommandWork, input: InputOf<typeof raiseContract>): Promise<Alert> {
  const place = await placeOfRaise(work, input);
  const alert = await raise(work, {
    ...place,
    hospital: work.actor.hospital,
    kind: input.kind,
    priority: input.priority satisfies Priority,
    message: input.message,
    source: 'person',
    actor: work.actor.person,
  });
  return toFullAlert(work.tx, alert);
}

/** Staff of the ward, and who broke the glass to the patient; with `orPaged` also whoever was called. */
async function lockForAnswer(work: CommandWork, alertId: string, orPaged: boolean): Promise<AlertState> {
  const { tx, actor, now } = work;
  const alert = await lockAlert(tx, actor.hospital, alertId);
  if (alert === undefined) throw new CodedError('not_found', 'No such alert');
  const relations = await loadRelations(tx, { actor, now });
  const isHis =
    (alert.wardId !== null && relations.wardsOf(actor.person).has(alert.wardId)) ||
    (alert.patientId !== null && relations.brokenGlassOf(actor.person).has(alert.patientId));
  if ((isHis && hasRole(actor, staffRoles)) || (orPaged && (await wasPaged(tx, alertId, actor.person)))) return alert;
  throw new CodedError('forbidden');
}

async function answer(work: CommandWork, alert: AlertState, change: Change): Promise<Alert> {
  await saveChange(work, alert, change);
  return toFullAlert(work.tx, change.state);
}

export async function acknowledgeAlert(
  work: CommandWork,
  { alertId }: InputOf<typeof acknowledgeContract>,
): Promise<Alert> {
  const alert = await lockForAnswer(work, alertId, true);
  return answer(work, alert, acknowledge(alert, work.actor.person, work.now));
}

export async function declineAlert(
  work: CommandWork,
  { alertId, reason }: InputOf<typeof declineContract>,
): Promise<Alert> {
  const alert = await lockForAnswer(work, alertId, true);
  const staffing = await loadStaffing(work.tx, { ...alert, now: work.now });
  return answer(work, alert, decline(alert, work.actor.person, work.now, { staffing, reason }));
}

export async function resolveAlert(
  work: CommandWork,
  { alertId, reason }: InputOf<typeof resolveContract>,
): Promise<Alert> {
  const alert = await lockForAnswer(work, alertId, false);
  return answer(work, alert, resolve(alert, work.actor.person, work.now, reason));
}
