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
import { entitiesOf, findIssues, personEntry, type EntityKind } from '../domain/hospital.ts';
import {
  listAdmissions,
  listBeds,
  listEntityKeys,
  listPeople,
  lockHospital,
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

/** Adds and updates; whoever is not in the file stays as he is. Idempotent: what is equal is not touched. */
export async function importFile(work: Work, file: HospitalFile): Promise<{ changed: number }> {
  const { tx } = work;
  const hospital = file.hospital.hospitalId;
  await lockHospital(tx, hospital, file.hospital.name);
  const issues = findIssues(file, {
    entities: await listEntityKeys(tx, hospital),
    beds: await listBeds(tx, hospital),
    admissions: await listAdmissions(tx, hospital),
  });
  if (issues.length > 0) throw badInput(issues);

  await releaseChangedBeds(tx, hospital, file.admissions);
  const changed = await upsertEntities(tx, hospital, entitiesOf(file));
  // A person comes after all that concerns him, and his key-value entry after that (same `entity`): whoever has seen the
  // person has seen where he lies and who is on duty, and a gateway takes readings for him no earlier.
  for (const { kind, id, body, version } of changed.toSorted((a, b) => rank(a.kind) - rank(b.kind))) {
    work.emit(eventOf[kind], { ...body, version }, { lane: 'normal', entity: id, version, tokens: { hospital, id } });
  }
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
  return importFile(work, file);
}
