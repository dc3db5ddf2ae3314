/** What admission, transfer and discharge change, and when they are refused: pure. */
import type { CareTeam, Person, Ward } from '@carillon/contracts/directory';
import { CodedError, badInput } from '@carillon/contracts/errors';

/** Where a patient lies; both null after discharge. */
export type Placement = { patientId: string; wardId: string | null; bedId: string | null };
/** Where a command wants the patient to lie. */
export type Destination = { patientId: string; wardId: string; bedId: string; bedNurses?: readonly string[] };

/** What is known of the patient and of where he is to lie. */
export type Known = {
  patient: Person | undefined;
  placement: Placement | undefined;
  careTeam: CareTeam | undefined;
  ward: Ward | undefined;
  /** Who lies in the bed. */
  occupant: string | undefined;
  /** Those who are to be, or were, nurses at the bed. */
  nurses: readonly Person[];
};
/** The care team is absent where it stays as it is. */
export type Move = { placement: Placement; careTeam?: CareTeam };

const isPlaced = (placement: Placement | undefined): placement is Placement & { wardId: string; bedId: string } =>
  placement !== undefined && placement.wardId !== null && placement.bedId !== null;

function assertFree({ patientId, bedId }: Destination, { patient, ward, occupant }: Known): void {
  if (patient?.roles.includes('patient') !== true) throw new CodedError('not_found', `No patient ${patientId}`);
  if (ward?.beds.some((bed) => bed.bedId === bedId) !== true) throw new CodedError('not_found', `No bed ${bedId}`);
  if (occupant !== undefined && occupant !== patientId) {
    throw new CodedError('conflict', `Patient ${occupant} lies in bed ${bedId}`);
  }
}

/** Nobody stays at the bed of a patient whose ward is not his. */
function nextCareTeam({ patientId, wardId, bedNurses }: Destination, known: Known): CareTeam | undefined {
  const ofWard = (id: string): boolean =>
    known.nurses.some(
      ({ personId, roles, wards }) => personId === id && roles.includes('nurse') && wards.includes(wardId),
    );
  const strangers = (bedNurses ?? []).filter((id) => !ofWard(id));
  if (strangers.length > 0) {
    throw badInput(strangers.map((id) => ({ path: 'bedNurses', message: `${id} is no nurse of ward ${wardId}` })));
  }
  const team = known.careTeam ?? { patientId, bedNurses: [], caregivers: [] };
  return withNurses(team, bedNurses ?? team.bedNurses.filter(ofWard));
}

const withNurses = (team: CareTeam, bedNurses: readonly string[]): CareTeam | undefined =>
  bedNurses.length === team.bedNurses.length && bedNurses.every((id, index) => id === team.bedNurses[index])
    ? undefined
    : { ...team, bedNurses: [...bedNurses] };

const moveTo = ({ patientId, wardId, bedId }: Destination, careTeam: CareTeam | undefined): Move => ({
  placement: { patientId, wardId, bedId },
  ...(careTeam === undefined ? {} : { careTeam }),
});

/** @throws CodedError `not_found` (patient, bed), `conflict` (taken, or in a bed already), `bad_input` (nurses) */
export function decideAdmission(destination: Destination, known: Known): Move {
  assertFree(destination, known);
  if (isPlaced(known.placement)) {
    throw new CodedError('conflict', `Patient ${destination.patientId} lies in bed ${known.placement.bedId}`);
  }
  return moveTo(destination, nextCareTeam(destination, known));
}

/** @throws CodedError as `decideAdmission`; `conflict` for one who has left, or is not where the caller believes */
export function decideTransfer(destination: Destination & { fromBedId?: string }, known: Known): Move {
  assertFree(destination, known);
  const { patientId, fromBedId } = destination;
  if (!isPlaced(known.placement)) throw new CodedError('conflict', `Patient ${patientId} lies in no bed`);
  if (fromBedId !== undefined && fromBedId !== known.placement.bedId) {
    throw new CodedError('conflict', `Patient ${patientId} lies in bed ${known.placement.bedId}`);
  }
  return moveTo(destination, nextCareTeam(destination, known));
}

/** @throws CodedError `conflict` for one who lies in no bed */
export function decideDischarge(patientId: string, known: Pick<Known, 'placement' | 'careTeam'>): Move {
  if (!isPlaced(known.placement)) throw new CodedError('conflict', `Patient ${patientId} lies in no bed`);
  const careTeam = known.careTeam === undefined ? undefined : withNurses(known.careTeam, []);
  return {
    placement: { patientId, wardId: null, bedId: null },
    ...(careTeam === undefined ? {} : { careTeam }),
  };
}
