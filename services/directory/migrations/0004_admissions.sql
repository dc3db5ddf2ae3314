-- Up Migration

-- What the last file said of it; null: no file has named it. A file acts where it differs from the file before, so that
-- one that is read again at each start undoes nothing that people did meanwhile.
alter table entity add column imported jsonb;
update entity set imported = body;

-- Where a patient lay, from when until when; `version` is that of the admission that began it.
create table stay (
  hospital text not null,
  patient_id text not null,
  version bigint not null,
  ward_id text not null,
  bed_id text not null,
  from_at timestamptz not null,
  -- Null: a file.
  moved_by text,
  until_at timestamptz,
  ended_by text,
  -- Why he was discharged.
  reason text,
  primary key (hospital, patient_id, version)
);
create unique index stay_open on stay (hospital, patient_id) where until_at is null;

-- Down Migration
drop table stay;
alter table entity drop column imported;
