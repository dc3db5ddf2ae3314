-- Up Migration

-- Each row is written again each second: where its page has room, no index is touched and the page is cleaned in passing.
alter table patient_monitor set (fillfactor = 45);

-- Down Migration
alter table patient_monitor reset (fillfactor);
