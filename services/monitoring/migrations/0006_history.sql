-- Up Migration

-- A partition a day, so that what is too old goes in an instant. What belongs to no day that was made (history of any
-- age) is in the default one. A large table takes minutes to copy.
alter table vital_sign rename to vital_sign_old;
alter index vital_sign_pkey rename to vital_sign_old_pkey;
create table vital_sign (
  like vital_sign_old including constraints,
  primary key (hospital, patient_id, vital, measured_at, device_id)
) partition by range (measured_at);
create table vital_sign_default partition of vital_sign default;
-- Its rows go one by one, by when they came.
create index vital_sign_default_received on vital_sign_default (received_at);
do $$
declare
  day date;
begin
  for day in
    select (measured_at at time zone 'UTC')::date from vital_sign_old where measured_at > now() - interval '35 days'
    union select (now() at time zone 'UTC')::date + ahead from generate_series(-1, 7) as ahead
  loop
    execute format(
      'create table %I partition of vital_sign for values from (%L) to (%L)',
      'vital_sign_' || to_char(day, 'YYYYMMDD'), day || ' 00:00+00', day + 1 || ' 00:00+00');
  end loop;
end
$$;
insert into vital_sign select * from vital_sign_old;
drop table vital_sign_old;

-- One row from the beginning of an alarm condition to its end, in measurement time; priority is the highest it had.
create table alarm (
  hospital text not null,
  patient_id text not null,
  kind text not null,
  raised_at timestamptz not null,
  ended_at timestamptz,
  ward_id text,
  priority text not null check (priority in ('high', 'medium', 'low')),
  is_technical boolean not null,
  -- What whoever resolved the alert said; null where nobody said.
  is_actionable boolean,
  primary key (hospital, patient_id, kind, raised_at)
);
create unique index alarm_open on alarm (hospital, patient_id, kind) where ended_at is null;
create index alarm_time on alarm (hospital, raised_at);

-- Who lay in which ward, as far as it was seen here: what alarms are divided by.
create table stay (
  hospital text not null,
  patient_id text not null,
  ward_id text not null,
  from_at timestamptz not null,
  until_at timestamptz,
  primary key (hospital, patient_id, from_at)
);
create unique index stay_open on stay (hospital, patient_id) where until_at is null;
create index stay_ward on stay (hospital, ward_id, from_at);
insert into stay (hospital, patient_id, ward_id, from_at)
  select hospital, patient_id, ward_id, now() from directory_admission where ward_id is not null;

-- What other limits would have done: a replay, and the stays that it reads.
create table replay (
  replay_id text primary key,
  hospital text not null,
  ward_id text,
  asked_by text not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  rules jsonb not null,
  created_at timestamptz not null
);
create index replay_created on replay (hospital, created_at);
create table replay_stay (
  replay_id text not null references replay on delete cascade,
  patient_id text not null,
  from_at timestamptz not null,
  until_at timestamptz not null,
  -- Whoever replays it puts this off as he goes on: another takes it when that has stopped.
  due_at timestamptz not null,
  attempts integer not null default 0,
  -- Alarms by kind; null until it was replayed.
  alarms jsonb,
  primary key (replay_id, patient_id, from_at)
);
create index replay_stay_due on replay_stay (due_at) where alarms is null;

-- Down Migration
drop table replay_stay;
drop table replay;
drop table stay;
drop table alarm;
alter table vital_sign rename to vital_sign_parts;
alter index vital_sign_pkey rename to vital_sign_parts_pkey;
create table vital_sign (
  like vital_sign_parts including constraints,
  primary key (hospital, patient_id, vital, measured_at, device_id)
);
insert into vital_sign select * from vital_sign_parts;
drop table vital_sign_parts;
