import {
  admitPatient as admitContract,
  dischargePatient as dischargeContract,
  listBeds as bedsContract,
  listStays as staysContract,
  transferPatient as transferContract,
} from '@carillon/contracts/admissions';
import type { Actor, InputOf, ResultOf, Rule } from '@carillon/contracts/define';
import type { CareTeam, Person, Ward } from '@carillon/contracts/directory';
import { CodedError } from '@carillon/contracts/errors';
import { isPermitted } from '@carillon/contracts/permission';
import type { Sql } from '@carillon/database/database';
import type { CommandWork } from '@carillon/runtime/commands';
import type { QueryWork } from '@carillon/runtime/queries';
import {
  decideAdmission,
  decideDischarge,
  decideTransfer,
  type Destination,
  type Known,
  type Move,
  type Placement,
} from '../domain/admissions.ts';
import { entityKey, type Entity, type EntityKind } from '../domain/hospital.ts';
import { lockKnownHospital } from '../store-access.ts';
import {
  endStays,
  findEntities,
  findOccupant,
  insertStays,
  listBedsWithPatients,
  listNurses,
  listStaysOf,
  listWaiting,
} from '../store-admissions.ts';
import { findPerson, upsertEntities, upsertPersonEntries } from '../store.ts';
import { emitEntity, publishPersonEntry } from './hospital.ts';

const maxWaiting = 200;
const maxStays = 100;

/** @throws CodedError `forbidden` */
async function assertPermitted(
  sql: Sql,
  { actor, now }: { actor: Actor; now: number },
  rules: readonly Rule[],
  input: { patientId: string },
): Promise<void> {
  const asking = await findPerson(sql, actor.hospital, actor.person);
  const patient = await findPerson(sql, actor.hospital, input.patientId);
  const broken = (asking?.breakGlass ?? []).filter(({ until }) => Date.parse(until) > now);
  const isAllowed = isPermitted(rules, actor, input, {
    wardsOf: () => new Set(asking?.wards),
    wardOfPatient: () => patient?.placement?.wardId,
    patientsCaredForBy: () => new Set(asking?.caregiverOf),
    brokenGlassOf: () => new Set(broken.map(({ patientId }) => patientId)),
  });
  if (!isAllowed) throw new CodedError('forbidden');
}

type KnownOf = <T>(kind: EntityKind, id: string) => T | undefined;

async function findKnown(
  tx: Sql,
  hospital: string,
  keys: readonly { kind: EntityKind; id: string }[],
): Promise<KnownOf> {
  const bodies = new Map(
    (await findEntities(tx, hospital, keys)).map((row) => [entityKey(row.kind, row.id), row.body]),
  );
  return <T>(kind: EntityKind, id: string) => bodies.get(entityKey(kind, id)) as T | undefined;
}

async function loadKnown(tx: Sql, hospital: string, destination: Destination): Promise<Known> {
  const { patientId, wardId } = destination;
  const known = await findKnown(tx, hospital, [
    { kind: 'person', id: patientId },
    { kind: 'admission', id: patientId },
    { kind: 'careTeam', id: patientId },
    { kind: 'ward', id: wardId },
  ]);
  const careTeam = known<CareTeam>('careTeam', patientId);
  const nurseIds = destination.bedNurses ?? careTeam?.bedNurses ?? [];
  const nurses = await findEntities(
    tx,
    hospital,
    nurseIds.map((id) => ({ kind: 'person', id })),
  );
  return {
    patient: known<Person>('person', patientId),
    placement: known<Placement>('admission', patientId),
    careTeam,
    ward: known<Ward>('ward', wardId),
    occupant: await findOccupant(tx, hospital, destination),
    nurses: nurses.map(({ body }) => body as Person),
  };
}

/** Tells it in the order of an import: who cares for him, where he lies, and then his entry. */
async function save(
  work: CommandWork,
  { placement, careTeam }: Move,
  reason: string | null,
): Promise<ResultOf<typeof admitContract>> {
  const { tx, actor, now } = work;
  const { hospital, person: by } = actor;
  const { patientId: id, wardId, bedId } = placement;
  const entities: Entity[] = [
    ...(careTeam === undefined ? [] : [{ kind: 'careTeam' as const, id, body: careTeam }]),
    { kind: 'admission', id, body: placement },
  ];
  const changed = new Map((await upsertEntities(tx, hospital, entities)).map((row) => [row.kind, row]));
  const admission = changed.get('admission');
  if (admission === undefined) throw new CodedError('conflict', `Patient ${id} lies there already`);
  for (const { kind } of entities) {
    const row = changed.get(kind);
    if (row !== undefined) emitEntity(work, hospital, row);
  }
  const { version } = admission;
  await endStays(tx, hospital, [id], { at: now, by, reason });
  const isPlaced = wardId !== null && bedId !== null;
  if (isPlaced) await insertStays(tx, hospital, [{ patientId: id, wardId, bedId, version }], { at: now, by });
  const known = await findPerson(tx, hospital, id);
  if (known !== undefined) {
    const { version: _, ...entry } = known;
    const next = { ...entry, placement: isPlaced ? { wardId, bedId } : null };
    for (const told of await upsertPersonEntries(tx, hospital, [next])) publishPersonEntry(work, told);
  }
  return { ...placement, since: new Date(now).toISOString(), version };
}

export async function admitPatient(
  work: CommandWork,
  input: InputOf<typeof admitContract>,
): Promise<ResultOf<typeof admitContract>> {
  const { hospital } = work.actor;
  await lockKnownHospital(work.tx, hospital);
  await assertPermitted(work.tx, work, admitContract.allow, input);
  return save(work, decideAdmission(input, await loadKnown(work.tx, hospital, input)), null);
}

export async function transferPatient(
  work: CommandWork,
  input: InputOf<typeof transferContract>,
): Promise<ResultOf<typeof transferContract>> {
  const { hospital } = work.actor;
  await lockKnownHospital(work.tx, hospital);
  await assertPermitted(work.tx, work, transferContract.allow, input);
  return save(work, decideTransfer(input, await loadKnown(work.tx, hospital, input)), null);
}

export async function dischargePatient(
  work: CommandWork,
  input: InputOf<typeof dischargeContract>,
): Promise<ResultOf<typeof dischargeContract>> {
  const { tx, actor } = work;
  const { patientId, reason = null } = input;
  await lockKnownHospital(tx, actor.hospital);
  await assertPermitted(tx, work, dischargeContract.allow, input);
  const known = await findKnown(tx, actor.hospital, [
    { kind: 'admission', id: patientId },
    { kind: 'careTeam', id: patientId },
  ]);
  const decided = decideDischarge(patientId, {
    placement: known<Placement>('admission', patientId),
    careTeam: known<CareTeam>('careTeam', patientId),
  });
  return save(work, decided, reason);
}

export async function listBeds(
  { sql, actor }: QueryWork,
  { wardId, name }: InputOf<typeof bedsContract>,
): Promise<ResultOf<typeof bedsContract>> {
  const seesAll = actor.roles.includes('operator') || actor.roles.includes('admin');
  const own = new Set((await findPerson(sql, actor.hospital, actor.person))?.wards);
  const beds = await listBedsWithPatients(sql, actor.hospital, wardId);
  return {
    beds: beds.map((bed) => ({
      ...bed,
      isTaken: bed.patientId !== null,
      ...(seesAll || own.has(bed.wardId) ? {} : { patientId: null, patientName: null, since: null }),
    })),
    nurses: await listNurses(sql, actor.hospital, wardId),
    waiting: await listWaiting(sql, actor.hospital, { name, limit: maxWaiting }),
  };
}

export async function listStays(
  work: QueryWork,
  input: InputOf<typeof staysContract>,
): Promise<ResultOf<typeof staysContract>> {
  await assertPermitted(work.sql, work, staysContract.allow, input);
  return { stays: await listStaysOf(work.sql, work.actor.hospital, input.patientId, maxStays) };
}
