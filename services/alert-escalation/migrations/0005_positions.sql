-- Up Migration

-- Where who is on shift was last; deleted after 10 min.
create table position (
  hospital text not null,
  person text not null,
  latitude double precision not null,
  longitude double precision not null,
  floor int,
  measured_at timestamptz not null,
  primary key (hospital, person)
);
create index position_measured on position (measured_at);
create table ward_place (
  hospital text not null,
  ward_id text not null,
  latitude double precision not null,
  longitude double precision not null,
  floor int,
  primary key (hospital, ward_id)
);
-- Who comes to another alert is asked whenever the nearest are called.
create index alert_taken on alert (hospital) where state <> 'resolved' and (ack_by is not null or accepted <> '{}');

-- Down Migration
drop index alert_taken;
drop table ward_place;
drop table position;
