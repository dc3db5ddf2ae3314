import {
  admissionChanged,
  careTeamChanged,
  personChanged,
  shiftChanged,
  wardChanged,
  type HospitalFile,
  type PersonEntry,
} from '@carillon/contracts/directory';
import type { EventDefinition } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { peopleSubject } from '@carillon/contracts/streams';
import type { CommandWork } from '@carillon/runtime/commands';
import type { Work } from '@carillon/runtime/work';
import { entitiesOf, entityKey, findIssues, personEntry, type Entity, type EntityKind } from '../domain/hospital.ts';
import { endStays, insertStays } from '../store-admissions.ts';
import {
  listAdmissions,
  listBeds,
  listEntityKeys,
  listPeople,
  listUnchanged,
  lockHospital,
  markImported,
  releaseChangedBeds,
  upsertEntities,
  upsertPersonEntries,
} from '../store.ts';

const eventOf: Readonly<Record<EntityKind, EventDefinition>> = {
  ward: wardChanged,
  person: personChanged,
  admission: admissionChanged,
  careTeam: careTeamChanged,
  shift: shiftChanged,
};

const order: readonly EntityKind[] = ['ward', 'shift', 'careTeam', 'admission', 'person'];
const rank = (kind: EntityKind): number => order.indexOf(kind);

export function emitEntity(
  work: Work,
  hospital: string,
  { kind, id, body, version }: Entity & { version: number },
): void {
  const at = kind === 'admission' ? { at: new Date(work.now).toISOString() } : {};
  const data = { ...body, ...at, version };
  work.emit(eventOf[kind], data, { lane: 'normal', entity: id, version, tokens: { hospital, id } });
}

/** The key-value entry of every gateway goes the way of all events: committed first, published once, in order. */
export function publishPersonEntry(work: Work, entry: PersonEntry): void {
  const { hospital, person, version } = entry;
  work.publish({
    lane: 'normal',
    entity: person,
    subject: peopleSubject(hospital, person),
    headers: { 'Nats-Msg-Id': `person-${hospital}-${person}-${version}`, traceparent: work.traceparent },
    body: JSON.stringify(entry),
  });
}

/**
 * Adds and updates; whoever is not in the file stays as he is. What the last file said already is not touched, also where
 * people have changed it since: a file that is imported at each start undoes no transfer.
 * @param by who imports it; null for the file of each start
 */
export async function importFile(work: Work, file: HospitalFile, by: string | null): Promise<{ changed: number }> {
  const { tx } = work;
  const hospital = file.hospital.hospitalId;
  await lockHospital(tx, hospital, file.hospital.name);
  const given = entitiesOf(file);
  const unchanged = new Set((await listUnchanged(tx, hospital, given)).map(({ kind, id }) => entityKey(kind, id)));
  const entities = given.filter(({ kind, id }) => !unchanged.has(entityKey(kind, id)));
  const admissions = file.admissions.filter(({ patientId }) => !unchanged.has(entityKey('admission', patientId)));
  const issues = findIssues(file, admissions, {
    entities: await listEntityKeys(tx, hospital),
    beds: await listBeds(tx, hospital),
    admissions: await listAdmissions(tx, hospital),
  });
  if (issues.length > 0) throw badInput(issues);

  await releaseChangedBeds(tx, hospital, admissions);
  const changed = await upsertEntities(tx, hospital, entities);
  await markImported(tx, hospital, entities);
  // A person comes after all that concerns him, and his key-value entry after that (same `entity`): whoever has seen the
  // person has seen where he lies and who is on duty, and a gateway takes readings for him no earlier.
  for (const { kind, id, body, version } of changed.toSorted((a, b) => rank(a.kind) - rank(b.kind))) {
    emitEntity(work, hospital, { kind, id, body, version });
  }
  const versions = new Map(changed.flatMap(({ kind, id, version }) => (kind === 'admission' ? [[id, version]] : [])));
  const stays = admissions.flatMap((admission) => {
    const version = versions.get(admission.patientId);
    return version === undefined ? [] : [{ ...admission, version }];
  });
  const moved = stays.map(({ patientId }) => patientId);
  await endStays(tx, hospital, moved, { at: work.now, by, reason: null });
  await insertStays(tx, hospital, stays, { at: work.now, by });
  const people = await listPeople(tx, hospital);
  const entries = await upsertPersonEntries(
    tx,
    hospital,
    people.map((row) => personEntry({ hospital, ...row })),
  );
  for (const entry of entries) publishPersonEntry(work, entry);
  return { changed: changed.length };
}

export async function importHospital(work: CommandWork, file: HospitalFile): Promise<{ changed: number }> {
  if (file.hospital.hospitalId !== work.actor.hospital) throw new CodedError('forbidden', 'Not your hospital');
  return importFile(work, file, work.actor.person);
}
