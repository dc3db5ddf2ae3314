-- Up Migration

-- Each row is written again each second: where its page has room, no index is touched and the page is cleaned in passing.
-- As it was written: nothing is taken apart that is read as a whole.
alter table patient_monitor set (fillfactor = 45), alter column state type json;

-- Down Migration
alter table patient_monitor reset (fillfactor), alter column state type jsonb;
