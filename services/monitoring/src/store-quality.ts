/** What the engines of patients found out about readings that the edge believed. */
import { bigints, texts } from '@carillon/database/arrays';
import type { Sql } from '@carillon/database/database';
import type { StoredReading } from './store.ts';

/** @param readings that were stored in this transaction, so that nobody else has seen or locked them; at least one */
export async function markSuspect(tx: Sql, hospital: string, readings: readonly StoredReading[]): Promise<void> {
  const times = readings.map(({ measuredAt }) => measuredAt);
  await tx.query(
    `update vital_sign known set quality = 'suspect'
     from unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) as doubted (patient_id, vital, measured_at, device_id)
     where known.hospital = $1 and known.patient_id = doubted.patient_id and known.vital = doubted.vital
       and known.measured_at = to_timestamp(doubted.measured_at / 1000.0) and known.device_id = doubted.device_id
       and known.measured_at between $6 and $7`,
    [
      hospital,
      texts(readings.map(({ patientId }) => patientId)),
      texts(readings.map(({ vital }) => vital)),
      bigints(times),
      texts(readings.map(({ deviceId }) => deviceId ?? '')),
      new Date(Math.min(...times)),
      new Date(Math.max(...times)),
    ],
    // By its times it names few of the days, and of the one that grows it uses the index as soon as that pays.
    { isPlannedAnew: true },
  );
}
