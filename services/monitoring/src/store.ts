import type { Quality, Reading, RecordedVital } from '@carillon/contracts/monitoring';
import { vitalNames, vitalSigns, type VitalName } from '@carillon/contracts/vital-signs';
import type { Sql } from '@carillon/database/database';
import type { Limit } from './domain/alarm-engine.ts';
import type { PatientState } from './domain/patient-monitor.ts';

/** A reading with who posted it, where and when it was received (ms since the epoch). */
export type StoredReading = Reading & { hospital: string; by: string; receivedAt: number };

export const readingKey = (
  reading: Pick<StoredReading, 'hospital' | 'patientId' | 'vital' | 'measuredAt' | 'deviceId'>,
): string => [reading.hospital, reading.patientId, reading.vital, reading.measuredAt, reading.deviceId ?? ''].join(' ');

/** Stores what is new. @returns the `readingKey` of each row that was not there before */
export async function insertReadings(tx: Sql, readings: readonly StoredReading[]): Promise<Set<string>> {
  const { rows } = await tx.query<{
    hospital: string;
    patient_id: string;
    vital: string;
    at: number;
    device_id: string;
  }>(
    `insert into vital_sign (hospital, patient_id, vital, measured_at, device_id, value, code, quality, received_value,
       received_unit, received_at, stated_at, posted_by)
     select hospital, patient_id, vital, to_timestamp(measured_at / 1000.0), device_id, value, code, quality,
       received_value, received_unit, to_timestamp(received_at / 1000.0), to_timestamp(stated_at / 1000.0), posted_by
     from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::double precision[], $7::text[],
         $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::text[])
       as given (hospital, patient_id, vital, measured_at, device_id, value, code, quality, received_value,
         received_unit, received_at, stated_at, posted_by)
     on conflict do nothing
     returning hospital, patient_id, vital, (extract(epoch from measured_at) * 1000)::bigint as at, device_id`,
    [
      readings.map((reading) => reading.hospital),
      readings.map((reading) => reading.patientId),
      readings.map((reading) => reading.vital),
      readings.map((reading) => reading.measuredAt),
      readings.map((reading) => reading.deviceId ?? ''),
      readings.map((reading) => (typeof reading.value === 'number' ? reading.value : null)),
      readings.map((reading) => (typeof reading.value === 'string' ? reading.value : null)),
      readings.map((reading) => reading.quality),
      readings.map((reading) => String(reading.receivedValue)),
      readings.map((reading) => reading.receivedUnit),
      readings.map((reading) => reading.receivedAt),
      readings.map((reading) => reading.statedAt),
      readings.map((reading) => reading.by),
    ],
  );
  return new Set(rows.map((row) => [row.hospital, row.patient_id, row.vital, row.at, row.device_id].join(' ')));
}

export type MonitorRow = { patientId: string; state: PatientState; version: number };
/** What is needed to judge a patient; null where there is nothing yet. */
export type PatientRow = {
  patientId: string;
  isKnown: boolean;
  wardId: string | null;
  limits: Limit[] | null;
  state: PatientState | null;
  version: number | null;
};

/** All that is needed to judge these patients, in one statement; their engines are locked. */
export async function lockPatients(tx: Sql, hospital: string, patientIds: readonly string[]): Promise<PatientRow[]> {
  const { rows } = await tx.query<PatientRow>(
    `with engine as (
       select patient_id, state, version from patient_monitor
       where hospital = $1 and patient_id = any($2::text[]) order by patient_id for update)
     select given.patient_id as "patientId", person.person_id is not null as "isKnown", admission.ward_id as "wardId",
       patient_limits.limits, engine.state, engine.version
     from unnest($2::text[]) as given (patient_id)
       left join directory_person person on person.hospital = $1 and person.person_id = given.patient_id
       left join directory_admission admission on admission.hospital = $1 and admission.patient_id = given.patient_id
       left join patient_limits on patient_limits.hospital = $1 and patient_limits.patient_id = given.patient_id
       left join engine on engine.patient_id = given.patient_id
     order by given.patient_id`,
    [hospital, patientIds],
  );
  return rows;
}

export async function upsertMonitors(tx: Sql, hospital: string, monitors: readonly MonitorRow[]): Promise<void> {
  await tx.query(
    `insert into patient_monitor (hospital, patient_id, state, version)
     select $1, patient_id, state::jsonb, version
     from unnest($2::text[], $3::text[], $4::bigint[]) as given (patient_id, state, version)
     on conflict (hospital, patient_id) do update set state = excluded.state, version = excluded.version`,
    [
      hospital,
      monitors.map((monitor) => monitor.patientId),
      monitors.map((monitor) => JSON.stringify(monitor.state)),
      monitors.map((monitor) => monitor.version),
    ],
  );
}

export async function findMonitors(sql: Sql, hospital: string, patientIds: readonly string[]): Promise<MonitorRow[]> {
  const { rows } = await sql.query<MonitorRow>(
    `select patient_id as "patientId", state, version from patient_monitor
     where hospital = $1 and patient_id = any($2::text[])`,
    [hospital, patientIds],
  );
  return rows;
}

/** The own limits of patients who have some. */
export async function findLimits(
  sql: Sql,
  hospital: string,
  patientIds: readonly string[],
): Promise<Map<string, readonly Limit[]>> {
  const { rows } = await sql.query<{ patient_id: string; limits: Limit[] }>(
    'select patient_id, limits from patient_limits where hospital = $1 and patient_id = any($2::text[])',
    [hospital, patientIds],
  );
  return new Map(rows.map((row) => [row.patient_id, row.limits]));
}

/** @returns the new version */
export async function upsertLimits(
  tx: Sql,
  at: { hospital: string; patientId: string; by: string; now: number },
  limits: readonly Limit[],
): Promise<number> {
  const { rows } = await tx.query<{ version: number }>(
    `insert into patient_limits (hospital, patient_id, limits, set_by, set_at, version) values ($1, $2, $3, $4, $5, 1)
     on conflict (hospital, patient_id) do update set limits = excluded.limits, set_by = excluded.set_by,
       set_at = excluded.set_at, version = patient_limits.version + 1
     returning version`,
    [at.hospital, at.patientId, JSON.stringify(limits), at.by, new Date(at.now)],
  );
  return rows[0]?.version ?? 1;
}

type VitalRow = {
  patient_id: string;
  vital: VitalName;
  value: number | null;
  code: string | null;
  quality: Quality;
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
    `select patient_id, vital, value, code, quality, measured_at, device_id, received_at from vital_sign
     where hospital = $1 and patient_id = $2 and ($3::text is null or vital = $3)
       and measured_at >= $4 and measured_at < $5
       and ($6::timestamptz is null or (measured_at, vital, device_id) > ($6, $7, $8))
     order by measured_at, vital, device_id limit $9`,
    [
      filter.hospital,
      filter.patientId,
      filter.vital ?? null,
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

/** The newest reading of each vital sign of each patient. */
export async function findNewestVitals(
  sql: Sql,
  hospital: string,
  patientIds: readonly string[],
): Promise<Map<string, RecordedVital[]>> {
  const { rows } = await sql.query<VitalRow>(
    `select newest.* from unnest($2::text[]) as patient, unnest($3::text[]) as name,
       lateral (select patient_id, vital, value, code, quality, measured_at, device_id, received_at from vital_sign
         where hospital = $1 and patient_id = patient and vital = name order by measured_at desc limit 1) newest`,
    [hospital, patientIds, vitalNames],
  );
  const byPatient = new Map<string, RecordedVital[]>();
  for (const row of rows) {
    const items = byPatient.get(row.patient_id);
    if (items === undefined) byPatient.set(row.patient_id, [toRecorded(row)]);
    else items.push(toRecorded(row));
  }
  return byPatient;
}
