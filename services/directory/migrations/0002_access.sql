-- Up Migration

-- What every gateway must know to refuse and to end, as it was last published. The place of one that has ended is given
-- to the next of its kind: a bucket has no other way to stay small that its watchers would hear of.
create table access_entry (
  entry_id text primary key,
  hospital text not null,
  kind text not null check (kind in ('token', 'person', 'device', 'disconnect', 'subscription')),
  -- A `jti`, a person or a device.
  id text not null,
  -- Of a subscription; else empty.
  room text not null,
  at timestamptz not null,
  -- From then on nobody needs it; null for ever.
  until timestamptz,
  is_logout boolean not null
);
create unique index access_entry_id on access_entry (hospital, kind, id, room);
create index access_entry_until on access_entry (hospital, kind, until);

-- Break-glass access that has not ended. Why it was taken is on record in AUDIT.
create table broken_glass (
  hospital text not null,
  person_id text not null,
  patient_id text not null,
  until timestamptz not null,
  primary key (hospital, person_id, patient_id)
);
create index broken_glass_until on broken_glass (until);

-- Down Migration
drop table broken_glass;
drop table access_entry;
