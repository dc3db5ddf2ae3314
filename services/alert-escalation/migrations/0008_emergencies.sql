-- Up Migration

-- The calls of many people that are not over: asked for by every board that opens.
create index alert_emergency on alert (hospital, opened_at)
  where state <> 'resolved' and policy_version = 0 and policy_id like 'call-out-%';

-- Down Migration
drop index alert_emergency;
