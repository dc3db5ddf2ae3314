-- Up Migration

-- The deadline of an alert whose escalation fails for itself. It is postponed again and again, so `due_at` alone never
-- shows that it is late.
alter table alert add column failing_since timestamptz;
create index alert_failing on alert (failing_since) where failing_since is not null;

-- Down Migration
drop index alert_failing;
alter table alert drop column failing_since;
