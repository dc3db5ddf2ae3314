-- Up Migration
-- To whom a person has broken the glass: all of it in one row, since the directory tells it so, with one version.

create table directory_break_glass (
  hospital text not null,
  person_id text not null,
  patients text[] not null,
  -- Of each of them, in the same order.
  until timestamptz[] not null,
  version bigint not null,
  primary key (hospital, person_id)
);

-- Down Migration
drop table directory_break_glass;
