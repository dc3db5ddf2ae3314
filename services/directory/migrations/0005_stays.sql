-- Up Migration

-- Null: he lay there before this was recorded. Who ends such a stay, and why, is on record all the same.
alter table stay alter column from_at drop not null;
insert into stay (hospital, patient_id, version, ward_id, bed_id)
  select hospital, id, version, body ->> 'wardId', body ->> 'bedId' from entity
  where kind = 'admission' and body ->> 'wardId' is not null and not exists (
    select from stay where stay.hospital = entity.hospital and stay.patient_id = entity.id and until_at is null)
  on conflict do nothing;

-- Down Migration
delete from stay where from_at is null;
alter table stay alter column from_at set not null;
