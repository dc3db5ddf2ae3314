-- Up Migration

-- Every version of a policy; never changed. `policy` holds the newest, and when it was removed: its versions go on.
create table policy_version (
  hospital text not null,
  policy_id text not null,
  version bigint not null,
  body jsonb not null,
  set_by text,
  set_at timestamptz,
  primary key (hospital, policy_id, version)
);
insert into policy_version (hospital, policy_id, version, body)
  select hospital, policy_id, version, body from policy;
alter table policy add column removed_at timestamptz;

create table paging_group (
  hospital text not null,
  group_id text not null,
  name text not null,
  people text[] not null,
  is_called_off_shift boolean not null,
  version bigint not null,
  primary key (hospital, group_id)
);

create table schedule (
  hospital text not null,
  schedule_id text not null,
  body jsonb not null,
  version bigint not null,
  primary key (hospital, schedule_id)
);
-- Kept when the schedule is replaced; the one that was made later wins.
create table schedule_override (
  id bigint generated always as identity unique,
  hospital text not null,
  override_id text not null,
  schedule_id text not null,
  person text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  set_by text not null,
  primary key (hospital, override_id),
  foreign key (hospital, schedule_id) references schedule on delete cascade
);
create index schedule_override_schedule on schedule_override (hospital, schedule_id, ends_at);

create table silence (
  silence_id text primary key,
  hospital text not null,
  ward_id text,
  patient_id text,
  -- Null for all.
  kinds text[],
  priorities text[] not null,
  reason text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  -- When somebody ended it before its time; nothing has to happen at its end itself.
  ended_at timestamptz,
  set_by text not null,
  constraint silence_place check (ward_id is not null or patient_id is not null)
);
create index silence_lasting on silence (hospital, ends_at);

create table inhibition_rule (
  hospital text not null,
  rule_id text not null,
  body jsonb not null,
  version bigint not null,
  primary key (hospital, rule_id)
);

-- Down Migration
drop table inhibition_rule;
drop table silence;
drop table schedule_override;
drop table schedule;
drop table paging_group;
alter table policy drop column removed_at;
drop table policy_version;
