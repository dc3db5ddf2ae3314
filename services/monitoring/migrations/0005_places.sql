-- Up Migration

-- The figures of a hospital and its wards as they were told last.
create table figures_told (
  hospital text primary key,
  body jsonb not null,
  told_at timestamptz not null,
  version bigint not null
);

-- Down Migration
drop table figures_told;
