/** Any order of commands, also of those that are refused: what must hold of beds and of those at them. */
import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import type { CareTeam, Person, Ward } from '@carillon/contracts/directory';
import { CodedError } from '@carillon/contracts/errors';
import {
  decideAdmission,
  decideDischarge,
  decideTransfer,
  type Destination,
  type Known,
  type Move,
  type Placement,
} from './admissions.ts';

const wards: Ward[] = ['w1', 'w2'].map((wardId) => ({
  wardId,
  name: wardId,
  beds: ['b1', 'b2'].map((bedId) => ({ bedId, label: bedId })),
}));
const nurses: Person[] = [
  { personId: 'n1', name: 'n1', roles: ['nurse'], wards: ['w1'] },
  { personId: 'n2', name: 'n2', roles: ['nurse'], wards: ['w2'] },
  { personId: 'n12', name: 'n12', roles: ['nurse'], wards: ['w1', 'w2'] },
];
const patients = ['p1', 'p2', 'p3', 'p4', 'p5'];

type House = { placements: Map<string, Placement>; teams: Map<string, CareTeam> };

function knownOf({ placements, teams }: House, { patientId, wardId, bedId }: Destination): Known {
  const occupant = [...placements.values()].find((each) => each.wardId === wardId && each.bedId === bedId);
  return {
    patient: { personId: patientId, name: patientId, roles: ['patient'], wards: [] },
    placement: placements.get(patientId),
    careTeam: teams.get(patientId),
    ward: wards.find((ward) => ward.wardId === wardId),
    occupant: occupant?.patientId,
    nurses,
  };
}

const destinations = fc.record(
  {
    patientId: fc.constantFrom(...patients),
    wardId: fc.constantFrom('w1', 'w2', 'w3'),
    bedId: fc.constantFrom('b1', 'b2', 'b3'),
    bedNurses: fc.subarray(['n1', 'n2', 'n12'], { maxLength: 2 }),
    fromBedId: fc.constantFrom('b1', 'b2'),
  },
  { requiredKeys: ['patientId', 'wardId', 'bedId'] },
);
const commands = fc.record({ command: fc.constantFrom('admit', 'transfer', 'discharge'), to: destinations });

function decide(house: House, { command, to }: { command: string; to: Destination }): Move | undefined {
  const known = knownOf(house, to);
  try {
    if (command === 'admit') return decideAdmission(to, known);
    return command === 'transfer' ? decideTransfer(to, known) : decideDischarge(to.patientId, known);
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

test('whatever is asked, a bed holds one patient, he is admitted once, and none of another ward is at his bed', () => {
  let done = 0;
  fc.assert(
    fc.property(fc.array(commands, { maxLength: 40, size: 'max' }), (asked) => {
      const house: House = { placements: new Map(), teams: new Map() };
      for (const each of asked) {
        const { patientId } = each.to;
        const before = house.placements.get(patientId)?.wardId ?? undefined;
        const move = decide(house, each);
        if (move === undefined) continue;
        done++;
        house.placements.set(patientId, move.placement);
        if (move.careTeam !== undefined) house.teams.set(patientId, move.careTeam);
        expect(before === undefined).toBe(each.command === 'admit');
        const beds = [...house.placements.values()].flatMap(({ wardId, bedId }) =>
          wardId === null ? [] : [`${wardId} ${bedId}`],
        );
        expect(new Set(beds).size).toBe(beds.length);
        for (const { wardId, patientId: id } of house.placements.values()) {
          for (const nurse of house.teams.get(id)?.bedNurses ?? []) {
            expect(nurses.find(({ personId }) => personId === nurse)?.wards).toContain(wardId);
          }
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(done).toBeGreaterThan(500);
});
