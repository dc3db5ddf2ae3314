-- Up Migration

-- Totals that somebody else computed, as they were stated, beside ours of that time.
create table stated_score (
  hospital text not null,
  patient_id text not null,
  table_name text not null,
  at timestamptz not null,
  source text not null,
  stated smallint not null,
  -- Null where we could not score.
  lower smallint,
  upper smallint,
  stated_by text not null,
  version bigint not null,
  primary key (hospital, patient_id, table_name, at, source)
);

-- Down Migration
drop table stated_score;
