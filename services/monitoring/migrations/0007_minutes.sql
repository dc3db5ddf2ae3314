-- Up Migration

-- What the good readings of a vital sign came to in each minute, for longer than single readings are kept; a partition a
-- month. An extreme has the time at which it was first measured. Nothing of a device under test is in it.
create table vital_minute (
  hospital text not null,
  patient_id text not null,
  vital text not null,
  minute timestamptz not null,
  count integer not null,
  suspect integer not null,
  sum double precision not null,
  lowest double precision,
  lowest_at timestamptz,
  highest double precision,
  highest_at timestamptz,
  primary key (hospital, patient_id, vital, minute)
) partition by range (minute);
create table vital_minute_default partition of vital_minute default;

-- Hours of which there are readings that are not in vital_minute yet. A row comes with the readings and goes with the
-- making of the minutes: what is asked for is read from the one or from the other.
create table minutes_due (
  hospital text not null,
  patient_id text not null,
  hour timestamptz not null,
  primary key (hospital, patient_id, hour)
);
create index minutes_due_hour on minutes_due (hour);
-- A large table takes minutes to read.
insert into minutes_due
  select distinct hospital, patient_id, date_trunc('hour', measured_at, 'UTC') from vital_sign where value is not null;

-- What is too old is looked for each hour.
create index alarm_ended on alarm (ended_at);
create index stay_ended on stay (until_at);

-- Down Migration
drop index stay_ended;
drop index alarm_ended;
drop table minutes_due;
drop table vital_minute;
