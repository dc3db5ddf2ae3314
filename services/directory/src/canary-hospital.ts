/** The hospital of the canary as a file: somebody on duty for each level of the policy that is built in. */
import { canary } from '@carillon/contracts/canary';
import type { Role } from '@carillon/contracts/define';
import type { HospitalFile } from '@carillon/contracts/directory';

const since = '2026-01-01T00:00:00Z';
const staff: readonly { person: string; role: Role; isOfWard: boolean }[] = [
  { person: canary.nurse, role: 'nurse', isOfWard: true },
  { person: canary.doctor, role: 'doctor', isOfWard: true },
  { person: canary.operator, role: 'operator', isOfWard: false },
];

/** @param year of now: the patient is a child for ever, since a score of adults would raise alarms beside the one that is timed */
export const canaryHospital = (year: number): HospitalFile => ({
  hospital: { hospitalId: canary.hospital, name: 'Canary' },
  wards: [
    {
      wardId: canary.ward,
      name: 'Canary',
      beds: [{ bedId: 'canary-bed', label: 'Canary' }],
      population: 'paediatric',
    },
  ],
  people: [
    ...staff.map(({ person, role, isOfWard }) => ({
      personId: person,
      name: person,
      roles: [role],
      wards: isOfWard ? [canary.ward] : [],
    })),
    {
      personId: canary.patient,
      name: canary.patient,
      roles: ['patient' as const],
      wards: [],
      birthDate: `${year - 8}-01-01`,
    },
  ],
  admissions: [{ patientId: canary.patient, wardId: canary.ward, bedId: 'canary-bed' }],
  careTeams: [{ patientId: canary.patient, bedNurses: [canary.nurse], caregivers: [] }],
  shifts: staff.map(({ person, role, isOfWard }) => ({
    shiftId: `shift-${person}`,
    personId: person,
    wardId: isOfWard ? canary.ward : null,
    role,
    startsAt: since,
    endsAt: null,
  })),
});
