-- Up Migration
-- What operators need to know: how old the outbox is, and which dead letters were put back.

-- Of the transaction: how long its events have waited is counted from its beginning.
alter table outbox add column created_at timestamptz not null default now();

-- A dead letter that was handled again, and well. The time is part of the key: a stream that was made anew counts from 1.
create table put_back (
  sequence bigint not null,
  buried_at timestamptz not null,
  hospital text not null,
  put_back_by text not null,
  put_back_at timestamptz not null,
  primary key (sequence, buried_at)
);

-- Down Migration
drop table put_back;
alter table outbox drop column created_at;
