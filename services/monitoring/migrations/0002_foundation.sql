-- Up Migration

-- As the domain counts time.
create function epoch_ms(at timestamptz) returns bigint language sql stable as
  $$ select (extract(epoch from at) * 1000)::bigint $$;

-- Looked at again by the owner of the partition at due_at at the latest, also without a sample. due_at may be too early,
-- never too late: so it changes seldom, and the write of each second touches no index. Null in rows from before.
alter table patient_monitor add column part smallint;
alter table patient_monitor add column due_at timestamptz;
create index patient_monitor_due on patient_monitor (part, due_at) where due_at is not null;

-- The patient's own rules (limits, trends, combinations), each version as it was set; only ended_at is ever changed.
-- A default set is in force without a row that has not ended, and with one that has no body.
create table patient_rules (
  hospital text not null,
  patient_id text not null,
  version bigint not null,
  body jsonb,
  -- Null: the version before expired, or the patient was discharged.
  set_by text,
  set_at timestamptz not null,
  expires_at timestamptz,
  -- The version that holds again when this one expires; null: a default set does.
  resumes bigint,
  ended_at timestamptz,
  primary key (hospital, patient_id, version)
);
create unique index patient_rules_current on patient_rules (hospital, patient_id) where ended_at is null;
insert into patient_rules (hospital, patient_id, version, body, set_by, set_at)
  select hospital, patient_id, version, jsonb_build_object('limits', limits), set_by, set_at from patient_limits;
drop table patient_limits;

-- Default rules by age and ward. The newest version of each that a clinician signed is in force, others are drafts.
create table limit_set (
  hospital text not null,
  set_id text not null,
  version bigint not null,
  body jsonb not null,
  put_by text not null,
  put_at timestamptz not null,
  signed_off_by text,
  signed_off_at timestamptz,
  primary key (hospital, set_id, version)
);

-- Who decided on which scale of SpO2 a patient is scored, or that NEWS2 does not apply. It holds from decided_at on.
create table score_decision (
  hospital text not null,
  patient_id text not null,
  decided_at timestamptz not null,
  scale smallint not null check (scale in (1, 2)),
  is_applicable boolean not null,
  reason text not null,
  decided_by text not null,
  ended_at timestamptz,
  version bigint not null,
  primary key (hospital, patient_id, decided_at)
);

create table device (
  hospital text not null,
  device_id text not null,
  type text not null,
  body jsonb not null,
  mode text check (mode in ('test', 'demo')),
  battery smallint,
  is_connected boolean,
  heard_at timestamptz,
  due_at timestamptz,
  version bigint not null,
  primary key (hospital, device_id)
);

-- On which patient a device measured, from from_at until before until_at.
create table device_binding (
  hospital text not null,
  device_id text not null,
  patient_id text not null,
  from_at timestamptz not null,
  until_at timestamptz,
  bound_by text not null,
  unbound_by text,
  check (until_at is null or until_at > from_at),
  primary key (hospital, device_id, from_at)
);
create unique index device_binding_open on device_binding (hospital, device_id) where until_at is null;
create index device_binding_patient on device_binding (hospital, patient_id, from_at);

-- Of a device under test: kept, and never judged.
alter table vital_sign add column mode text check (mode in ('test', 'demo'));

-- Down Migration
alter table vital_sign drop column mode;
drop table device_binding;
drop table device;
drop table score_decision;
drop table limit_set;
create table patient_limits (
  hospital text not null,
  patient_id text not null,
  limits jsonb not null,
  set_by text not null,
  set_at timestamptz not null,
  version bigint not null,
  primary key (hospital, patient_id)
);
insert into patient_limits (hospital, patient_id, limits, set_by, set_at, version)
  select hospital, patient_id, body -> 'limits', coalesce(set_by, ''), set_at, version from patient_rules
  where ended_at is null and body is not null;
drop table patient_rules;
alter table patient_monitor drop column due_at;
alter table patient_monitor drop column part;
drop function epoch_ms(timestamptz);
