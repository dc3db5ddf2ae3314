/** What the figures of wards are counted from, and as what they were told. */
import type { Figures } from '@carillon/contracts/figures';
import type { Sql } from '@carillon/database/database';
import type { FiguresWard, WardCounts } from './domain/figures.ts';
import { technicalKinds } from './domain/signal-part.ts';

/** One replica at a time, until the transaction ends. */
export async function isCounter(tx: Sql): Promise<boolean> {
  const { rows } = await tx.query<{ held: boolean }>('select pg_try_advisory_xact_lock(hashtext($1)) as held', [
    'monitoring figures',
  ]);
  return rows[0]?.held === true;
}

export async function listWards(sql: Sql): Promise<(FiguresWard & { hospital: string })[]> {
  const { rows } = await sql.query<FiguresWard & { hospital: string }>(
    'select hospital, ward_id as "wardId", name, beds from directory_ward order by hospital, ward_id',
  );
  return rows;
}

/** Each patient once, in one statement: also one who moves meanwhile. */
export async function countPatients(sql: Sql): Promise<(WardCounts & { hospital: string })[]> {
  const { rows } = await sql.query<WardCounts & { hospital: string }>(
    `select hospital, ward_id as "wardId", count(*)::int as occupied,
       json_build_object(
         'low', count(*) filter (where risk = 'low'), 'lowMedium', count(*) filter (where risk = 'low-medium'),
         'medium', count(*) filter (where risk = 'medium'), 'high', count(*) filter (where risk = 'high'),
         'unknown', count(*) filter (where risk is null)) as acuity,
       coalesce(sum(lower), 0)::int as "lowerSum",
       json_build_object('high', coalesce(sum(high), 0), 'medium', coalesce(sum(medium), 0), 'low', coalesce(sum(low), 0))
         as conditions,
       coalesce(sum(silent), 0)::int as "silentSignals"
     from (
       select admission.hospital, admission.ward_id, score ->> 'risk' as risk, (score ->> 'lower')::int as lower,
         high, medium, low, silent
       from directory_admission admission
         left join (select hospital, patient_id, state::jsonb as state from patient_monitor offset 0) monitor
           on monitor.hospital = admission.hospital and monitor.patient_id = admission.patient_id
         -- A score of which every part has expired says nothing: such a patient is unknown, and not well.
         left join lateral (select state -> 'score' as score) scored on state #> '{score,parts}' <> '{}'
         left join lateral (
           select count(*) filter (where value = 'high') as high, count(*) filter (where value = 'medium') as medium,
             count(*) filter (where value = 'low') as low
           from jsonb_each_text(state -> 'active')
           -- A lost sensor is a silent signal, and no alarm beside it.
           where key <> all($1::text[])) active on state -> 'active' <> '{}'
         left join lateral (
           select count(*) as silent from jsonb_each(state -> 'signals') where value ? 'absentSinceMs') signals
           on state ? 'signals'
       where admission.ward_id is not null) patient
     group by hospital, ward_id`,
    [[...technicalKinds]],
  );
  return rows;
}

export type ToldFigures = { hospital: string; figures: Figures[]; at: Date; version: number };

export async function findTold(sql: Sql, hospital?: string): Promise<ToldFigures[]> {
  const { rows } = await sql.query<ToldFigures>(
    `select hospital, body as figures, told_at as at, version from figures_told where $1::text is null or hospital = $1`,
    [hospital ?? null],
  );
  return rows;
}

/** @returns the new version */
export async function upsertTold(tx: Sql, hospital: string, figures: readonly Figures[], at: number): Promise<number> {
  const { rows } = await tx.query<{ version: number }>(
    `insert into figures_told (hospital, body, told_at, version) values ($1, $2, $3, 1)
     on conflict (hospital) do update set body = excluded.body, told_at = excluded.told_at,
       version = figures_told.version + 1
     returning version`,
    [hospital, JSON.stringify(figures), new Date(at)],
  );
  return rows[0]?.version ?? 1;
}
