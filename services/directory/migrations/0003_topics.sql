-- Up Migration

-- Who follows what.
create table topic_follower (
  hospital text not null,
  topic text not null,
  person_id text not null,
  primary key (hospital, topic, person_id)
);
create index topic_follower_person on topic_follower (hospital, person_id);

create table notice (
  notice_id text primary key,
  hospital text not null,
  -- Null: to all of the hospital.
  topic text,
  level text not null check (level in ('info', 'warning', 'emergency')),
  title text not null,
  body text not null,
  until timestamptz,
  published_by text not null,
  published_at timestamptz not null,
  -- Of a topic: the last of its followers, by id, who has been told.
  told_up_to text not null default '',
  -- When the next followers are to be told; null when all were.
  due_at timestamptz,
  forget_at timestamptz not null
);
create index notice_due on notice (due_at) where due_at is not null;
create index notice_newest on notice (hospital, published_at desc) where topic is null;
create index notice_forget on notice (forget_at);

-- Whoever was told, by which message: never twice of the same notice.
create table notice_recipient (
  notice_id text not null references notice on delete cascade,
  person_id text not null,
  mid text not null unique,
  primary key (notice_id, person_id)
);

-- How far the message came; the first time of each level, never changed.
create table notice_receipt (
  mid text not null references notice_recipient (mid) on delete cascade,
  level text not null check (level in ('delivered', 'displayed', 'read')),
  at timestamptz not null,
  primary key (mid, level)
);

-- Down Migration
drop table notice_receipt;
drop table notice_recipient;
drop table notice;
drop table topic_follower;
