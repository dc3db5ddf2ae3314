import { getMe, getWard } from '@carillon/contracts/directory';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import { isPermitted } from '@carillon/contracts/permission';
import type { QueryWork } from '@carillon/runtime/queries';
import { findPerson, findWard, listPlaced, listWardNames } from '../store.ts';

export async function readWard(
  { sql, actor }: QueryWork,
  { wardId }: InputOf<typeof getWard>,
): Promise<ResultOf<typeof getWard>> {
  const entry = await findPerson(sql, actor.hospital, actor.person);
  const isAllowed = isPermitted(
    getWard.allow,
    actor,
    { wardId },
    {
      wardsOf: () => new Set(entry?.wards),
      wardOfPatient: () => undefined,
      patientsCaredForBy: () => new Set(),
      brokenGlassOf: () => new Set(),
    },
  );
  if (!isAllowed) throw new CodedError('forbidden');
  const ward = await findWard(sql, actor.hospital, wardId);
  if (ward === undefined) throw new CodedError('not_found');
  const placed = new Map((await listPlaced(sql, actor.hospital, wardId)).map((row) => [row.bedId, row]));
  return {
    wardId: ward.wardId,
    name: ward.name,
    version: ward.version,
    beds: ward.beds.map((bed) => {
      const patient = placed.get(bed.bedId);
      return { ...bed, patientId: patient?.patientId ?? null, patientName: patient?.name ?? null };
    }),
  };
}

export async function readMe({ sql, actor }: QueryWork): Promise<ResultOf<typeof getMe>> {
  const entry = await findPerson(sql, actor.hospital, actor.person);
  if (entry === undefined) throw new CodedError('not_found', 'The directory does not know you');
  return {
    person: entry.person,
    name: entry.name,
    hospital: entry.hospital,
    roles: entry.roles,
    wards: await listWardNames(sql, actor.hospital, entry.wards),
    patients: entry.roles.includes('patient') ? [entry.person, ...entry.caregiverOf] : entry.caregiverOf,
  };
}
