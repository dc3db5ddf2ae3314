/** Alerts are opened here, whoever raises them. */
import { randomUUID } from 'node:crypto';
import type { Alert, raiseAlert as raiseContract } from '@carillon/contracts/alert-escalation';
import { staffRoles, type Actor, type InputOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type { CommandWork } from '@carillon/runtime/commands';
import { loadRelations } from '@carillon/runtime/directory-projection';
import type { Work } from '@carillon/runtime/work';
import { episodeKey, timeFor, type AlertState, type ChosenPolicy } from '../domain/alert.ts';
import { isHigher, openAlert, raiseAgain, type NewAlert } from '../domain/runs.ts';
import { findWardToStay, insertAlert, lockOpenAlert } from '../store.ts';
import { choosePolicyFor, loadFactsOf } from './facts.ts';
import { saveChange, saveChanges } from './save.ts';
import { toFullAlert } from './summary.ts';

const hasRole = (actor: Actor, roles: readonly string[]): boolean => actor.roles.some((role) => roles.includes(role));

type Raising = Omit<NewAlert, 'alertId' | 'policy' | 'policyId' | 'policyVersion'>;

async function join(work: Work, existing: AlertState, given: Raising): Promise<AlertState> {
  const now = timeFor(existing, work.now);
  const { priority, source, message } = given;
  const isUpgrade = isHigher(priority, existing.priority);
  const newest = isUpgrade ? await choosePolicyFor(work.tx, { ...existing, priority }) : existing;
  // An upgrade may be a matter of another policy; nobody who edits its own policy moves a deadline of it.
  const { policyId, policyVersion, policy } = newest.policyId === existing.policyId ? existing : newest;
  const becoming = { ...existing, policy, priority: isUpgrade ? priority : existing.priority };
  const facts = { ...(await loadFactsOf(work.tx, becoming, now)), chosen: { policyId, policyVersion, policy } };
  const actor = given.actor === undefined ? {} : { actor: given.actor };
  const change = raiseAgain(existing, { priority, source, message, ...actor }, now, facts);
  await saveChange(work, existing, change);
  return change.state;
}

/**
 * Opens an alert, or joins the open one of the episode; concurrent raises meet in the unique index.
 * @param more `known` is the open alert, by who has locked the episode already; `callOut` the policy of a call of many
 */
export async function raise(
  work: Work,
  given: Raising,
  { known, callOut }: { known?: { open: AlertState | undefined }; callOut?: ChosenPolicy } = {},
): Promise<AlertState> {
  const { tx, now } = work;
  const { hospital, patientId, wardId, kind } = given;
  // A call-out joins another of the same people only: an alarm of the same kind has called others.
  const key = [episodeKey(patientId, wardId, kind), ...(callOut === undefined ? [] : [callOut.policyId])].join(' ');
  for (let isFirst = true; ; isFirst = false) {
    const existing = known !== undefined && isFirst ? known.open : await lockOpenAlert(tx, hospital, key);
    if (existing !== undefined) return join(work, existing, given);
    const chosen = callOut ?? (await choosePolicyFor(tx, given));
    const opening = { ...given, ...chosen, alertId: randomUUID() };
    const change = openAlert(opening, now, await loadFactsOf(tx, opening, now));
    if (await insertAlert(tx, change.state, key)) {
      await saveChanges(work, [{ before: { ...change.state, pages: [] }, change, isInserted: true }]);
      return change.state;
    }
    // Another transaction opened it between our look and our insert; it has committed, so the next look finds it.
  }
}

type Place = { patientId: string | null; wardId: string | null };

/** Of what staff raise: a patient or a ward of their own; `anywhere` for who answers for the whole hospital. */
export async function placeOfStaff(
  { tx, actor, now }: CommandWork,
  input: { patientId?: string; wardId?: string },
  anywhere = false,
): Promise<Place> {
  const { patientId } = input;
  // Whoever moves him waits for us, and then finds the alert.
  if (patientId !== undefined) await findWardToStay(tx, actor.hospital, patientId);
  const relations = await loadRelations(tx, { actor, now }, patientId);
  const wardId = patientId === undefined ? input.wardId : relations.wardOfPatient(patientId);
  if (patientId === undefined && wardId === undefined) {
    throw badInput([{ path: 'patientId', message: 'A patient or a ward is needed' }]);
  }
  const isBroken = patientId !== undefined && relations.brokenGlassOf(actor.person).has(patientId);
  const isOwn = wardId !== undefined && relations.wardsOf(actor.person).has(wardId);
  if (!anywhere && !isBroken && !isOwn) throw new CodedError('forbidden');
  if (input.wardId !== undefined && input.wardId !== wardId) {
    throw badInput([{ path: 'wardId', message: 'The patient lies in another ward' }]);
  }
  return { patientId: patientId ?? null, wardId: wardId ?? null };
}

/** Staff for their wards; patients and caregivers an SOS for themselves and theirs. */
async function placeOfRaise(work: CommandWork, input: InputOf<typeof raiseContract>): Promise<Place> {
  const { tx, actor, now } = work;
  const isPatient = hasRole(actor, ['patient']);
  const patientId = input.patientId ?? (isPatient ? actor.person : undefined);
  if (hasRole(actor, staffRoles)) return placeOfStaff(work, { ...input, ...(patientId && { patientId }) });
  if (patientId !== undefined) await findWardToStay(tx, actor.hospital, patientId);
  const relations = await loadRelations(tx, { actor, now }, patientId);
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
    priority: input.priority,
    message: input.message,
    source: 'person',
    actor: work.actor.person,
  });
  return toFullAlert(work.tx, alert);
}
