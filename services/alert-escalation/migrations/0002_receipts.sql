-- Up Migration

-- The message that called the person; none for calls from before receipts were kept.
alter table page add column mid text;
create unique index page_mid on page (mid) where mid is not null;

-- How far the message of a call came; the first time of each level, never changed. A table of its own, and without a key
-- to the page: to keep a receipt takes no lock that an answer to the alert waits for.
create table page_receipt (
  mid text not null,
  level text not null check (level in ('delivered', 'displayed', 'read')),
  at timestamptz not null,
  primary key (mid, level)
);

-- Down Migration
drop table page_receipt;
alter table page drop column mid;
