/** Whether a clinician may break the glass: pure. */
import type { PersonEntry } from '@carillon/contracts/directory';
import { CodedError } from '@carillon/contracts/errors';

export type BreakGlassPolicy = {
  /** So long a second factor counts as fresh. */
  mfaFreshMs: number;
  lastsMs: number;
};

export type BreakGlassCase = {
  person: PersonEntry | undefined;
  patient: PersonEntry | undefined;
  /** To whom he has broken the glass already. */
  broken: readonly string[];
};

/** Nobody treats more patients of other wards at a time: it would be a way to read a hospital. */
const maxBroken = 20;

/** @returns the time of the second factor. @throws CodedError `mfa_required` */
export function requireFreshFactor(mfaAt: number | undefined, now: number, { mfaFreshMs }: BreakGlassPolicy): number {
  if (mfaAt === undefined || now - mfaAt > mfaFreshMs) throw new CodedError('mfa_required');
  return mfaAt;
}

/**
 * @returns until when he may, ms since the epoch
 * @throws CodedError `forbidden`, `not_found`, `conflict`
 */
export function decideBreakGlass(
  { person, patient, broken }: BreakGlassCase,
  now: number,
  { lastsMs }: BreakGlassPolicy,
): number {
  if (person === undefined) throw new CodedError('forbidden', 'The directory does not know you');
  if (patient?.roles.includes('patient') !== true) throw new CodedError('not_found', 'No such patient');
  if (patient.placement !== null && person.wards.includes(patient.placement.wardId)) {
    throw new CodedError('conflict', 'The patient lies in a ward of yours: you may see him already');
  }
  if (!broken.includes(patient.person) && broken.length >= maxBroken) {
    throw new CodedError('conflict', `Access to ${maxBroken} patients at a time; end one first`);
  }
  return now + lastsMs;
}
