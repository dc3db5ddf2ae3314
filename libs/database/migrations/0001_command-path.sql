-- Up Migration
-- What every service needs for its command path, in its own schema.

-- The only deduplication: what was done already, with its result.
create table inbox (
  hospital text not null,
  actor text not null,
  operation text not null,
  key text not null,
  body_hash text not null,
  result jsonb,
  keep_until timestamptz not null,
  primary key (hospital, actor, operation, key)
);
create index inbox_keep_until on inbox (keep_until);

-- What is still to be published. Only the relay of the lane publishes it, in id order.
create table outbox (
  id bigint generated always as identity primary key,
  lane text not null,
  -- Rows of one entity are published one after another, never side by side.
  entity text not null,
  subject text not null,
  headers jsonb not null,
  body text not null
);
create index outbox_lane on outbox (lane, id);

-- One owner at a time, by the clock of the database. The generation fences off an owner that was stopped and woke up.
create table lease (
  name text primary key,
  owner text not null,
  generation bigint not null,
  held_until timestamptz not null
);

-- Down Migration
drop table lease;
drop table outbox;
drop table inbox;
