import type { Mode } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';
import type { Binding } from './domain/patient-state.ts';

/** What is set of a device, beside its type and mode. */
export type DeviceBody = { label: string; expectEverySeconds: number | null; batteryLowPercent: number };
export type DeviceRow = {
  deviceId: string;
  type: string;
  mode: Mode | null;
  body: DeviceBody;
  battery: number | null;
  isConnected: boolean | null;
  heardAt: Date | null;
  version: number;
  /** On whom it measures now, and since when. */
  patientId: string | null;
  boundAt: Date | null;
};

const columns = `device.device_id as "deviceId", device.type, device.mode, device.body, device.battery,
  device.is_connected as "isConnected", device.heard_at as "heardAt", device.version,
  worn.patient_id as "patientId", worn.from_at as "boundAt"`;
const withBinding = `device left join device_binding worn
  on worn.hospital = device.hospital and worn.device_id = device.device_id and worn.until_at is null`;

type At = { hospital: string; deviceId: string };

/** On whom the device measures now; nothing is locked. */
export async function findHolder(tx: Sql, { hospital, deviceId }: At): Promise<string | undefined> {
  const { rows } = await tx.query<{ patient_id: string }>(
    'select patient_id from device_binding where hospital = $1 and device_id = $2 and until_at is null',
    [hospital, deviceId],
  );
  return rows[0]?.patient_id;
}

export async function lockDevice(tx: Sql, { hospital, deviceId }: At): Promise<DeviceRow | undefined> {
  const { rows } = await tx.query<DeviceRow>(
    `select ${columns} from ${withBinding} where device.hospital = $1 and device.device_id = $2 for update of device`,
    [hospital, deviceId],
  );
  return rows[0];
}

/** By id. @param wardId those bound to its patients; all of the hospital where absent */
export async function listDevices(
  sql: Sql,
  { hospital, wardId, after, limit }: { hospital: string; wardId: string | undefined; after: string; limit: number },
): Promise<DeviceRow[]> {
  const { rows } = await sql.query<DeviceRow>(
    `select ${columns} from ${withBinding}
       left join directory_admission admission
         on admission.hospital = device.hospital and admission.patient_id = worn.patient_id
     where device.hospital = $1 and device.device_id > $3 and ($2::text is null or admission.ward_id = $2)
     order by device.device_id limit $4`,
    [hospital, wardId ?? null, after, limit],
  );
  return rows;
}

export type DeviceChange = Pick<DeviceRow, 'type' | 'mode' | 'body' | 'battery' | 'isConnected' | 'heardAt'>;

/** @param dueAt when it is silent unless it is heard before; @returns the new version */
export async function saveDevice(
  tx: Sql,
  { hospital, deviceId }: At,
  device: DeviceChange,
  dueAt: Date | null,
): Promise<number> {
  const { rows } = await tx.query<{ version: number }>(
    `insert into device as known (hospital, device_id, type, body, mode, battery, is_connected, heard_at, due_at, version)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
     on conflict (hospital, device_id) do update set type = excluded.type, body = excluded.body, mode = excluded.mode,
       battery = excluded.battery, is_connected = excluded.is_connected, heard_at = excluded.heard_at,
       due_at = excluded.due_at, version = known.version + 1
     returning version`,
    [
      hospital,
      deviceId,
      device.type,
      JSON.stringify(device.body),
      device.mode,
      device.battery,
      device.isConnected,
      device.heardAt,
      dueAt,
    ],
  );
  return rows[0]?.version ?? 1;
}

/**
 * Devices of which readings came. One that is being changed now is left to the next reading.
 * @returns those that were silent before, or were never heard
 */
export async function markHeard(
  tx: Sql,
  { hospital, now }: { hospital: string; now: number },
  devices: readonly { deviceId: string; dueAtMs: number | null }[],
): Promise<DeviceRow[]> {
  const { rows } = await tx.query<DeviceRow & { wasConnected: boolean }>(
    `with given as (
       select * from unnest($2::text[], $3::double precision[]) as given (device_id, silent_at)),
     before as (
       select device_id, silent_at, is_connected from device join given using (device_id) where hospital = $1
       for update of device skip locked),
     after as (
       update device set heard_at = $4, is_connected = true, due_at = to_timestamp(silent_at / 1000.0),
         version = version + case when before.is_connected then 0 else 1 end
       from before
       where device.hospital = $1 and device.device_id = before.device_id
       returning device.*)
     select ${columns}, coalesce(before.is_connected, false) as "wasConnected"
     from after as ${withBinding}
       join before on before.device_id = device.device_id`,
    [hospital, devices.map(({ deviceId }) => deviceId), devices.map(({ dueAtMs }) => dueAtMs), new Date(now)],
  );
  return rows.filter(({ wasConnected }) => !wasConnected);
}

/** Devices on nobody, and those on patients of these partitions: whether one is silent is judged by who would hear it. */
const dueOfParts = `device left join device_binding worn
    on worn.hospital = device.hospital and worn.device_id = device.device_id and worn.until_at is null
  left join patient_monitor monitor on monitor.hospital = worn.hospital and monitor.patient_id = worn.patient_id
  where device.due_at is not null and (monitor.part is null or monitor.part = any($1::smallint[]))`;

/** @returns ms since the epoch */
export async function nextDueDevice(sql: Sql, parts: readonly number[]): Promise<number | undefined> {
  const { rows } = await sql.query<{ due_at: Date }>(
    `select device.due_at from ${dueOfParts} order by device.due_at limit 1`,
    [parts],
  );
  return rows[0]?.due_at.getTime();
}

export async function listDueDevices(
  sql: Sql,
  { parts, now, limit }: { parts: readonly number[]; now: number; limit: number },
): Promise<At[]> {
  const { rows } = await sql.query<At>(
    `select device.hospital, device.device_id as "deviceId" from ${dueOfParts} and device.due_at <= $2
     order by device.due_at limit $3`,
    [parts, new Date(now), limit],
  );
  return rows;
}

/** @returns false where it was heard meanwhile, or is being changed by another */
export async function claimSilence(tx: Sql, { hospital, deviceId }: At, now: number): Promise<boolean> {
  const { rows } = await tx.query(
    'select from device where hospital = $1 and device_id = $2 and due_at <= $3 for update skip locked',
    [hospital, deviceId, new Date(now)],
  );
  return rows.length > 0;
}

export async function postponeDevice(sql: Sql, { hospital, deviceId }: At, dueAtMs: number): Promise<void> {
  await sql.query('update device set due_at = $3 where hospital = $1 and device_id = $2', [
    hospital,
    deviceId,
    new Date(dueAtMs),
  ]);
}

/** All of a device, oldest first. */
export async function findBindings(tx: Sql, { hospital, deviceId }: At): Promise<Binding[]> {
  const { rows } = await tx.query<Binding>(
    `select device_id as "deviceId", patient_id as "patientId", epoch_ms(from_at) as "fromMs",
       epoch_ms(until_at) as "untilMs"
     from device_binding where hospital = $1 and device_id = $2 order by from_at`,
    [hospital, deviceId],
  );
  return rows;
}

export async function insertBinding(
  tx: Sql,
  { hospital, deviceId }: At,
  { patientId, fromMs, by }: { patientId: string; fromMs: number; by: string },
): Promise<void> {
  await tx.query(
    'insert into device_binding (hospital, device_id, patient_id, from_at, bound_by) values ($1, $2, $3, $4, $5)',
    [hospital, deviceId, patientId, new Date(fromMs), by],
  );
}

export async function endBinding(
  tx: Sql,
  { hospital, deviceId }: At,
  { untilMs, by }: { untilMs: number; by: string | null },
): Promise<void> {
  await tx.query(
    `update device_binding set until_at = $3, unbound_by = $4
     where hospital = $1 and device_id = $2 and until_at is null`,
    [hospital, deviceId, new Date(untilMs), by],
  );
}

export type BindingRow = {
  patientId: string;
  fromAt: Date;
  untilAt: Date | null;
  boundBy: string;
  unboundBy: string | null;
};
/** Newest first. */
export async function listBindings(sql: Sql, { hospital, deviceId }: At, limit: number): Promise<BindingRow[]> {
  const { rows } = await sql.query<BindingRow>(
    `select patient_id as "patientId", from_at as "fromAt", until_at as "untilAt", bound_by as "boundBy",
       unbound_by as "unboundBy"
     from device_binding where hospital = $1 and device_id = $2 order by from_at desc limit $3`,
    [hospital, deviceId, limit],
  );
  return rows;
}
