-- Up Migration

-- Published as they were written.
alter table outbox alter column headers type json;

-- Down Migration
alter table outbox alter column headers type jsonb;
