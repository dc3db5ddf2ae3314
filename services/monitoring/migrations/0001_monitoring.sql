-- Up Migration

-- A value as it was received next to what was derived from it. The key makes repeated data harmless.
create table vital_sign (
  hospital text not null,
  patient_id text not null,
  vital text not null,
  measured_at timestamptz not null,
  -- Empty for what a person entered.
  device_id text not null,
  -- In the canonical unit; null for consciousness, whose level is in code.
  value double precision,
  code text,
  quality text not null check (quality in ('good', 'suspect')),
  received_value text not null,
  received_unit text,
  received_at timestamptz not null,
  -- What the device's clock said where it was out of range; measured_at is the receipt then.
  stated_at timestamptz,
  posted_by text not null,
  primary key (hospital, patient_id, vital, measured_at, device_id)
);

-- The engine of one patient: another owner of the partition goes on in the middle of a persistence window.
create table patient_monitor (
  hospital text not null,
  patient_id text not null,
  state jsonb not null,
  version bigint not null,
  primary key (hospital, patient_id)
);

-- The patient's own limits; without a row the defaults are in force.
create table patient_limits (
  hospital text not null,
  patient_id text not null,
  limits jsonb not null,
  set_by text not null,
  set_at timestamptz not null,
  version bigint not null,
  primary key (hospital, patient_id)
);

-- Down Migration
drop table patient_limits;
drop table patient_monitor;
drop table vital_sign;
