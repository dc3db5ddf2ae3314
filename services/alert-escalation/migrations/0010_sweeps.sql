-- Up Migration

-- The day of its newest event: what was not heard of for longer than any event is kept may be forgotten.
alter table condition_seen add column seen_on date not null default current_date;
create index condition_seen_day on condition_seen (seen_on);
-- Calls that may be repeats.
create index page_repeat on page (at) where attempt > 1;

-- Down Migration
drop index page_repeat;
drop index condition_seen_day;
alter table condition_seen drop column seen_on;
