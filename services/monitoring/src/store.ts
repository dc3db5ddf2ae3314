import type { Mode, Quality, Reading, RecordedVital } from '@carillon/contracts/monitoring';
import { partitionOf } from '@carillon/contracts/streams';
import { vitalNames, vitalSigns, type VitalName } from '@carillon/contracts/vital-signs';
import { bigints, doubles, texts } from '@carillon/database/arrays';
import type { Sql } from '@carillon/database/database';
import type { Binding, Decision, KnownDevice, PatientState, Population } from './domain/patient-state.ts';
import type { OwnRules } from './domain/rules-in-force.ts';

const hourMs = 3_600_000;

/** A reading with who posted it, where and when it was received (ms since the epoch). */
export type StoredReading = Reading & { hospital: string; by: string; receivedAt: number };

const readingKey = (
  reading: Pick<StoredReading, 'hospital' | 'patientId' | 'vital' | 'measuredAt' | 'deviceId'>,
): string => [reading.hospital, reading.patientId, reading.vital, reading.measuredAt, reading.deviceId ?? ''].join(' ');

/** Nearly always all of them are new and no device is under test: then one row says so. */
type InsertedRow = {
  count: number;
  hospital: string | null;
  patientId: string;
  vital: VitalName;
  measuredAt: number;
  deviceId: string;
  mode: Mode | null;
};

/**
 * Stores what is new, and notes the hours whose minutes are to be made. The engines of the patients are locked from here
 * on, so that the next statement, which reads what they are judged by, cannot have waited for a lock with a view of before.
 *
 * @param now corrected time, ms since the epoch
 * @returns those that were not there before, in their order, of equal ones the first; of a device under test with its mode
 */
export async function insertReadings(
  tx: Sql,
  readings: readonly StoredReading[],
  now: number,
): Promise<StoredReading[]> {
  const { rows } = await tx.query<InsertedRow>(
    `with engine as materialized (
       select from (
         select distinct hospital, patient_id from unnest($1::text[], $2::text[]) as given (hospital, patient_id)
         order by 1, 2) named, lateral (
         select from patient_monitor
         where hospital = named.hospital and patient_id = named.patient_id limit 1 for update) locked),
     stored as (
       insert into vital_sign (hospital, patient_id, vital, measured_at, device_id, value, code, quality, received_value,
         received_unit, received_at, stated_at, posted_by, mode)
       select hospital, patient_id, vital, to_timestamp(measured_at / 1000.0), device_id, value, code, quality,
         received_value, received_unit, to_timestamp(received_at / 1000.0), to_timestamp(stated_at / 1000.0), posted_by,
         -- A device that is registered as under test need not say so itself.
         coalesce(mode, (select device.mode from device
           where device.hospital = given.hospital and device.device_id = given.device_id))
       from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::double precision[], $7::text[],
           $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::text[])
         as given (hospital, patient_id, vital, measured_at, device_id, value, code, quality, received_value,
           received_unit, received_at, stated_at, posted_by, mode)
       where (select count(*) from engine) >= 0
       on conflict do nothing
       returning hospital, patient_id, vital, measured_at, device_id, mode),
     hour as (
       select distinct hospital, patient_id, date_trunc('hour', measured_at, 'UTC') as hour from stored
       where vital <> 'consciousness'),
     due as (
       -- Nobody makes the minutes of an hour that lasts, or has just ended.
       insert into minutes_due (hospital, patient_id, hour) select * from hour where hour > $15 order by 1, 2, 3
       on conflict do nothing),
     due_again as (
       insert into minutes_due (hospital, patient_id, hour) select * from hour where hour <= $15 order by 1, 2, 3
       -- Changes nothing and locks the row: whoever makes the minutes of this hour waits until these readings are seen.
       on conflict (hospital, patient_id, hour) do update set hour = excluded.hour where false)
     select counted.count, hospital, patient_id as "patientId", vital, epoch_ms(measured_at) as "measuredAt",
       device_id as "deviceId", mode
     from (select count(*)::int from stored) counted
       left join stored on counted.count < cardinality($1::text[]) or mode is not null`,
    [
      texts(readings.map((reading) => reading.hospital)),
      texts(readings.map((reading) => reading.patientId)),
      texts(readings.map((reading) => reading.vital)),
      bigints(readings.map((reading) => reading.measuredAt)),
      texts(readings.map((reading) => reading.deviceId ?? '')),
      doubles(readings.map((reading) => (typeof reading.value === 'number' ? reading.value : null))),
      texts(readings.map((reading) => (typeof reading.value === 'string' ? reading.value : null))),
      texts(readings.map((reading) => reading.quality)),
      texts(readings.map((reading) => String(reading.receivedValue))),
      texts(readings.map((reading) => reading.receivedUnit)),
      bigints(readings.map((reading) => reading.receivedAt)),
      bigints(readings.map((reading) => reading.statedAt)),
      texts(readings.map((reading) => reading.by)),
      texts(readings.map((reading) => reading.mode ?? null)),
      new Date(now - hourMs),
    ],
  );
  const areAllNew = rows[0]?.count === readings.length;
  const listed = new Map(
    rows.flatMap(({ hospital, ...row }) => (hospital === null ? [] : [[readingKey({ ...row, hospital }), row.mode]])),
  );
  if (areAllNew && listed.size === 0) return [...readings];
  return readings.flatMap((reading) => {
    const key = readingKey(reading);
    const mode = listed.get(key) ?? undefined;
    // The first of equal readings counts: each key is given once.
    if (!listed.delete(key) && !areAllNew) return [];
    return [mode === undefined ? reading : { ...reading, mode }];
  });
}

/** `dueAtMs`: when it must be looked at again without a sample; null where nothing waits for a time. */
export type MonitorRow = { patientId: string; state: PatientState; version: number; dueAtMs: number | null };
export type KnownEngine = Pick<MonitorRow, 'state' | 'version'>;
/** What is needed to judge a patient; null where there is nothing yet. */
export type PatientRow = {
  patientId: string;
  isKnown: boolean;
  /** YYYY-MM-DD */
  birthDate: string | null;
  wardId: string | null;
  population: Population | null;
  /** The patient's own rules, also where they have just expired. */
  own: OwnRules | null;
  /** The hospital has default sets of its own that are signed. */
  hasSets: boolean;
  /** Oldest first. */
  decisions: Decision[];
  /** Of the devices that were asked for and of those that the patient wears now. */
  bindings: Binding[];
  /** The registered ones among these devices. */
  devices: KnownDevice[];
  state: PatientState | null;
  version: number | null;
  dueAtMs: number | null;
};

/**
 * A statement of its own: one that waits for a lock has looked at everything else before it waited. Devices are locked
 * after the engines of their patients, as intake does it: so nobody waits for one another.
 */
export async function lockEngines(tx: Sql, hospital: string, patientIds: readonly string[]): Promise<void> {
  await tx.query(
    `select from (select unnest($2::text[]) as id order by 1) named, lateral (
       select from patient_monitor where hospital = $1 and patient_id = named.id limit 1 for update) engine`,
    [hospital, patientIds],
  );
}

/**
 * All that is needed to judge these patients, in one statement. Their engines are locked before: by `lockEngines`, or
 * since their readings were stored. Each row is looked up by its key (`limit 1`, `offset 0` keep it so): a plan that was
 * made while a table was small would else read the hospital's whole table for each patient.
 *
 * @param patients ids in ascending order, each with the devices that measured what is to be judged
 * @param measuredSince the oldest of it, ms since the epoch: bindings that had ended by then say nothing of it
 * @param known states that need not be read where their versions are still the newest
 */
export async function findPatients(
  tx: Sql,
  hospital: string,
  patients: ReadonlyMap<string, readonly string[]>,
  { measuredSince, known }: { measuredSince?: number; known?: (patientId: string) => KnownEngine | undefined } = {},
): Promise<PatientRow[]> {
  const engines = new Map([...patients.keys()].map((patientId) => [patientId, known?.(patientId)]));
  const { rows } = await tx.query<PatientRow>(
    `select given.patient_id as "patientId", person.person_id is not null as "isKnown",
       person.birth_date::text as "birthDate", admission.ward_id as "wardId", ward.population,
       (select json_build_object('version', own.version, 'body', own.body, 'setBy', own.set_by,
            'setAtMs', epoch_ms(own.set_at), 'expiresAtMs', epoch_ms(own.expires_at), 'resumes', own.resumes)
          from patient_rules own
          where own.hospital = $1 and own.patient_id = given.patient_id and own.ended_at is null) as own,
       exists (select from limit_set where hospital = $1 and signed_off_at is not null) as "hasSets",
       coalesce((select json_agg(json_build_object('decidedAtMs', epoch_ms(decided_at), 'endedAtMs', epoch_ms(ended_at),
            'scale', scale, 'isApplicable', is_applicable) order by decided_at)
          from score_decision where hospital = $1 and patient_id = given.patient_id), '[]') as decisions,
       coalesce((select json_agg(json_build_object('deviceId', device_id, 'patientId', patient_id,
            'fromMs', epoch_ms(from_at), 'untilMs', epoch_ms(until_at)) order by device_id, from_at)
          from (
            select device_id, patient_id, from_at, until_at from device_binding
            where hospital = $1 and patient_id = given.patient_id and until_at is null
            union
            select sent.* from unnest(string_to_array(given.devices, ' ')) as name, lateral (
              select device_id, patient_id, from_at, until_at from device_binding binding
              where hospital = $1 and device_id = name and (coalesce(until_at > $4, true)
                -- That it was ever bound is known by the last one.
                or not exists (select from device_binding later where later.hospital = $1
                  and later.device_id = binding.device_id and later.from_at > binding.from_at)) offset 0) sent
          ) bound), '[]') as bindings,
       coalesce((select json_agg(json_build_object('deviceId', device_id, 'patientId', worn.patient_id,
            'isUnderTest', mode is not null, 'isConnected', is_connected, 'heardAtMs', epoch_ms(heard_at),
            'expectEverySeconds', body -> 'expectEverySeconds', 'battery', battery,
            'batteryLowPercent', body -> 'batteryLowPercent') order by device_id)
          from (
            select unnest(string_to_array(given.devices, ' ')) as name union
            select device_id from device_binding
            where hospital = $1 and patient_id = given.patient_id and until_at is null) named,
          lateral (select * from device where hospital = $1 and device_id = name limit 1) device
            left join lateral (select patient_id from device_binding
              where hospital = $1 and device_id = name and until_at is null limit 1) worn on true), '[]') as devices,
       case when engine.version = given.known then null else engine.state end as state, engine.version,
       epoch_ms(engine.due_at) as "dueAtMs"
     from unnest($2::text[], $3::text[], $5::bigint[]) as given (patient_id, devices, known)
       left join lateral (select person_id, birth_date from directory_person
         where hospital = $1 and person_id = given.patient_id limit 1) person on true
       left join lateral (select ward_id from directory_admission
         where hospital = $1 and patient_id = given.patient_id limit 1) admission on true
       left join lateral (select population from directory_ward
         where hospital = $1 and ward_id = admission.ward_id limit 1) ward on true
       left join lateral (select state, version, due_at from patient_monitor
         where hospital = $1 and patient_id = given.patient_id limit 1) engine on true
     order by given.patient_id`,
    [
      hospital,
      texts([...patients.keys()]),
      texts([...patients.values()].map((devices) => devices.join(' '))),
      measuredSince === undefined ? null : new Date(measuredSince),
      bigints([...engines.values()].map((engine) => engine?.version ?? null)),
    ],
  );
  return rows.map((row) => {
    const engine = engines.get(row.patientId);
    return engine !== undefined && engine.version === row.version ? { ...row, state: engine.state } : row;
  });
}

/** So that the first two who have something of a patient meet one row. One that is being written is waited for. */
export async function insertMonitors(
  tx: Sql,
  hospital: string,
  patientIds: readonly string[],
  state: PatientState,
): Promise<void> {
  await tx.query(
    `insert into patient_monitor (hospital, patient_id, state, version)
     select $1, patient_id, $3, 0 from unnest($2::text[]) as given (patient_id) order by patient_id
     on conflict do nothing`,
    [hospital, patientIds, JSON.stringify(state)],
  );
}

/** A monitor that sends each second is heard again before that. */
const soonMs = 3_000;

/**
 * When to look again, so that the index seldom changes and no look is lost: a time that is well ahead stays where it is
 * the earlier one. One that is soon gives way where nothing is waited for as soon as that: such a look would find nothing.
 * Else it stays, also where it has passed: what only a look finds, as a sensor that is silent, must not be put off by
 * each of the readings that come meanwhile.
 *
 * @param isLook it was time to look, and that has been done: a time that has passed gives way
 */
export async function upsertMonitors(
  tx: Sql,
  { hospital, now, isLook = false }: { hospital: string; now: number; isLook?: boolean },
  monitors: readonly MonitorRow[],
): Promise<void> {
  await tx.query(
    `insert into patient_monitor as known (hospital, patient_id, state, version, part, due_at)
     select $1, patient_id, state::json, version, part, to_timestamp(due_at / 1000.0)
     from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::double precision[])
       as given (patient_id, state, version, part, due_at)
     on conflict (hospital, patient_id) do update set state = excluded.state, version = excluded.version,
       part = excluded.part,
       due_at = case
         when known.due_at <= $7 and $9 then excluded.due_at
         when known.due_at <= excluded.due_at and (known.due_at > $8 or excluded.due_at <= $8) then known.due_at
         else excluded.due_at end`,
    [
      hospital,
      texts(monitors.map((monitor) => monitor.patientId)),
      texts(monitors.map((monitor) => JSON.stringify(monitor.state))),
      bigints(monitors.map((monitor) => monitor.version)),
      bigints(monitors.map((monitor) => Number(partitionOf(monitor.patientId)))),
      doubles(monitors.map((monitor) => monitor.dueAtMs)),
      new Date(now),
      new Date(now + soonMs),
      isLook,
    ],
  );
}

export async function findMonitors(
  sql: Sql,
  hospital: string,
  patientIds: readonly string[],
): Promise<Omit<MonitorRow, 'dueAtMs'>[]> {
  const { rows } = await sql.query<Omit<MonitorRow, 'dueAtMs'>>(
    `select patient_id as "patientId", state, version from patient_monitor
     where hospital = $1 and patient_id = any($2::text[])`,
    [hospital, patientIds],
  );
  return rows;
}

type VitalRow = {
  patient_id: string;
  vital: VitalName;
  value: number | null;
  code: string | null;
  quality: Quality;
  mode: Mode | null;
  measured_at: Date;
  device_id: string;
  received_at: Date;
};

const toRecorded = (row: VitalRow): RecordedVital => ({
  vital: row.vital,
  value: row.value ?? row.code ?? '',
  unit: row.vital === 'consciousness' ? null : vitalSigns[row.vital].unit,
  measuredAt: row.measured_at.toISOString(),
  quality: row.quality,
  ...(row.mode === null ? {} : { mode: row.mode }),
});

export type ListedVital = RecordedVital & { deviceId: string | null; receivedAt: string };
export type VitalPlace = { measuredAt: number; vital: string; deviceId: string };

export async function listVitals(
  sql: Sql,
  filter: {
    hospital: string;
    patientId: string;
    vital: string | undefined;
    from: number;
    to: number;
    after: VitalPlace | undefined;
    limit: number;
  },
): Promise<ListedVital[]> {
  const { rows } = await sql.query<VitalRow>(
    // A page of each vital sign, in the order of the index: however long the time, no more than that is read.
    `select page.* from unnest($3::text[]) as name,
       lateral (
         select patient_id, vital, value, code, quality, mode, measured_at, device_id, received_at from vital_sign
         where hospital = $1 and patient_id = $2 and vital = name
           and measured_at >= greatest($4::timestamptz, $6::timestamptz) and measured_at < $5
           and ($6::timestamptz is null or (measured_at, vital, device_id) > ($6, $7, $8))
         order by measured_at, device_id limit $9) page
     order by measured_at, vital, device_id limit $9`,
    [
      filter.hospital,
      filter.patientId,
      filter.vital === undefined ? vitalNames : [filter.vital],
      new Date(filter.from),
      new Date(filter.to),
      filter.after === undefined ? null : new Date(filter.after.measuredAt),
      filter.after?.vital ?? null,
      filter.after?.deviceId ?? null,
      filter.limit,
    ],
  );
  return rows.map((row) => ({
    ...toRecorded(row),
    deviceId: row.device_id === '' ? null : row.device_id,
    receivedAt: row.received_at.toISOString(),
  }));
}

/** Within this time nearly every vital sign that comes at all has a value; only few partitions hold it. */
const recentMs = 2 * 86_400_000;
const aheadMs = 86_400_000;

/** The newest reading of each vital sign of each patient; none of a device under test. */
export async function findNewestVitals(
  sql: Sql,
  { hospital, now }: { hospital: string; now: number },
  patientIds: readonly string[],
): Promise<Map<string, RecordedVital[]>> {
  const recent = await findNewestBetween(
    sql,
    hospital,
    patientIds.flatMap((patientId) => vitalNames.map((vital) => ({ patientId, vital }))),
    { from: now - recentMs, to: now + aheadMs },
  );
  const isFound = new Set(recent.map((row) => `${row.patient_id} ${row.vital}`));
  const rest = patientIds.flatMap((patientId) =>
    vitalNames.flatMap((vital) => (isFound.has(`${patientId} ${vital}`) ? [] : [{ patientId, vital }])),
  );
  // All partitions are looked into for each of these, the default one too.
  const older = await findNewestBetween(sql, hospital, rest, { from: 0, to: now - recentMs });
  const byPatient = new Map<string, RecordedVital[]>();
  for (const row of [...recent, ...older]) {
    const items = byPatient.get(row.patient_id);
    if (items === undefined) byPatient.set(row.patient_id, [toRecorded(row)]);
    else items.push(toRecorded(row));
  }
  return byPatient;
}

async function findNewestBetween(
  sql: Sql,
  hospital: string,
  wanted: readonly { patientId: string; vital: VitalName }[],
  { from, to }: { from: number; to: number },
): Promise<VitalRow[]> {
  const { rows } = await sql.query<VitalRow>(
    `select newest.* from unnest($2::text[], $3::text[]) as wanted (patient, name),
       lateral (select patient_id, vital, value, code, quality, mode, measured_at, device_id, received_at from vital_sign
         where hospital = $1 and patient_id = wanted.patient and vital = wanted.name and measured_at >= $4 and measured_at < $5
           and mode is null
         order by measured_at desc limit 1) newest`,
    [
      hospital,
      wanted.map(({ patientId }) => patientId),
      wanted.map(({ vital }) => vital),
      new Date(from),
      new Date(to),
    ],
  );
  return rows;
}
