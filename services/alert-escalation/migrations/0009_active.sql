-- Up Migration

-- When the condition behind it became active, by the clock of who found it. Null for what a person raised, and before.
alter table alert add column active_at timestamptz;

-- Down Migration
alter table alert drop column active_at;
