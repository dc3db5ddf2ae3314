-- Up Migration

create table hospital (
  hospital_id text primary key,
  name text not null,
  version bigint not null
);

-- One row an entity: its body as the contract shapes it, and the version that receivers compare.
create table entity (
  hospital text not null,
  kind text not null check (kind in ('ward', 'person', 'admission', 'careTeam', 'shift')),
  id text not null,
  body jsonb not null,
  version bigint not null,
  primary key (hospital, kind, id)
);
-- Two patients never lie in one bed.
create unique index entity_bed on entity (hospital, (body ->> 'wardId'), (body ->> 'bedId')) where kind = 'admission';

-- The key-value entry of each person as it was last published.
create table person_entry (
  hospital text not null,
  person_id text not null,
  body jsonb not null,
  version bigint not null,
  primary key (hospital, person_id)
);

-- Down Migration
drop table person_entry;
drop table entity;
drop table hospital;
