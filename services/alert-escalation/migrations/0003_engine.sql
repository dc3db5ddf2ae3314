-- Up Migration

alter table alert
  -- Whose copy `policy` is; version 0 is the built-in one.
  add column policy_id text not null default 'default',
  add column policy_version bigint not null default 0,
  -- Who is coming, in the order in which they said so, and who said that he is there; of the current run.
  add column accepted text[] not null default '{}',
  add column arrived text[] not null default '{}',
  -- Since somebody took it in earnest.
  add column snoozes int not null default 0,
  -- If the calls of the run came to no device by then, the next level starts.
  add column deliver_by timestamptz,
  -- When it must be looked at whether others hold the posts that were called.
  add column hand_over_at timestamptz,
  -- An alert that is held calls nobody until then.
  add column hold_kind text check (hold_kind in ('silence', 'inhibition')),
  add column hold_by text,
  add column hold_until timestamptz,
  -- The time of the newest decision: that of the next one is no earlier, whichever engine makes it.
  add column touched_at timestamptz,
  add column measured_at timestamptz,
  add column outcome text check (outcome in ('actionable', 'notActionable')),
  add column lane text generated always as (case priority when 'high' then 'critical' else 'normal' end) stored,
  add constraint held_until check ((hold_kind is null) = (hold_until is null) and (hold_kind is null) = (hold_by is null));

-- Each loop finds its own without walking over what is due of the other lane.
drop index alert_due;
create index alert_due_lane on alert (lane, due_at) where due_at is not null;
create index alert_hold on alert (hold_by) where hold_by is not null;
create index alert_open_patient on alert (hospital, patient_id) where state <> 'resolved';

alter table page drop constraint page_status_check;
alter table page add constraint page_status_check
  check (status in ('paged', 'accepted', 'acknowledged', 'declined', 'withdrawn'));
create index page_person on page (person, at);

-- How long what the entry tells lasts: a snooze, a hold.
alter table alert_log add column until timestamptz;

-- Down Migration
alter table alert_log drop column until;
drop index page_person;
alter table page drop constraint page_status_check;
alter table page add constraint page_status_check check (status in ('paged', 'acknowledged', 'declined', 'withdrawn'));
drop index alert_open_patient;
drop index alert_hold;
drop index alert_due_lane;
create index alert_due on alert (due_at) where due_at is not null;
alter table alert drop constraint held_until, drop column policy_id, drop column policy_version, drop column accepted,
  drop column arrived, drop column snoozes, drop column deliver_by, drop column hand_over_at, drop column hold_kind,
  drop column hold_by, drop column hold_until, drop column touched_at, drop column measured_at, drop column outcome,
  drop column lane;
