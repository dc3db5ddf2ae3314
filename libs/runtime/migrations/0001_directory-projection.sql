-- Up Migration
-- The part of the directory that a service decides from, kept up to date by the events of DIRECTORY.

create table directory_person (
  hospital text not null,
  person_id text not null,
  name text not null,
  roles text[] not null,
  wards text[] not null,
  version bigint not null,
  primary key (hospital, person_id)
);
create table directory_admission (
  hospital text not null,
  patient_id text not null,
  ward_id text,
  bed_id text,
  version bigint not null,
  primary key (hospital, patient_id)
);
create index directory_admission_ward on directory_admission (hospital, ward_id);
create table directory_care_team (
  hospital text not null,
  patient_id text not null,
  bed_nurses text[] not null,
  caregivers text[] not null,
  version bigint not null,
  primary key (hospital, patient_id)
);
create table directory_shift (
  hospital text not null,
  shift_id text not null,
  person_id text not null,
  ward_id text,
  role text not null,
  starts_at timestamptz not null,
  ends_at timestamptz,
  version bigint not null,
  primary key (hospital, shift_id)
);
create index directory_shift_role on directory_shift (hospital, role, ward_id);

-- Down Migration
drop table directory_shift;
drop table directory_care_team;
drop table directory_admission;
drop table directory_person;
