-- Up Migration

create table policy (
  hospital text not null,
  policy_id text not null,
  body jsonb not null,
  version bigint not null,
  primary key (hospital, policy_id)
);

create table alert (
  alert_id text primary key,
  hospital text not null,
  patient_id text,
  ward_id text,
  kind text not null,
  priority text not null check (priority in ('high', 'medium', 'low')),
  message text not null,
  -- Patient (or ward) and kind: what an alert is about.
  episode_key text not null,
  source text not null check (source in ('condition', 'person')),
  state text not null check (state in ('open', 'acknowledged', 'resolved')),
  condition text not null check (condition in ('active', 'cleared')),
  -- A running alert keeps the policy that it began with.
  policy jsonb not null,
  -- A new run begins when an acknowledgement expired or the call was repeated; deadlines count from base_at.
  run int not null,
  base_at timestamptz not null,
  level int not null,
  attempt int not null,
  level_started_at timestamptz,
  ack_by text,
  ack_until timestamptz,
  -- The next deadline: the only timer there is.
  due_at timestamptz,
  opened_at timestamptz not null,
  resolved_at timestamptz,
  version bigint not null,
  -- An alert that is on always has a next deadline.
  constraint on_has_deadline check (not (state = 'open' and condition = 'active' and due_at is null)),
  constraint acknowledged_until check (not (state = 'acknowledged' and condition = 'active' and due_at is null))
);
-- One open alert an episode, whoever raises it and how often at once.
create unique index alert_open_episode on alert (hospital, episode_key) where state <> 'resolved';
create index alert_due on alert (due_at) where due_at is not null;
create index alert_newest on alert (hospital, opened_at desc, alert_id desc);
create index alert_ward on alert (hospital, ward_id, opened_at desc);
create index alert_patient on alert (hospital, patient_id, opened_at desc);

-- One call of one person: never two for the same run, level and attempt.
create table page (
  alert_id text not null references alert,
  run int not null,
  level int not null,
  attempt int not null,
  person text not null,
  at timestamptz not null,
  status text not null check (status in ('paged', 'acknowledged', 'declined', 'withdrawn')),
  primary key (alert_id, run, level, attempt, person)
);

-- What happened, in order; never changed.
create table alert_log (
  id bigint generated always as identity primary key,
  alert_id text not null references alert,
  at timestamptz not null,
  kind text not null,
  actor text,
  level int,
  people text[],
  reason text
);
create index alert_log_alert on alert_log (alert_id, id);

-- The newest that is known of each condition, so that an older event of it changes nothing.
create table condition_seen (
  hospital text not null,
  episode_key text not null,
  version bigint not null,
  primary key (hospital, episode_key)
);

-- Down Migration
drop table condition_seen;
drop table alert_log;
drop table page;
drop table alert;
drop table policy;
