-- Up Migration

-- Who is on shift is asked for every level that starts; shifts that have ended stay in the table, and are passed over.
create index directory_shift_ward_end on directory_shift (hospital, ward_id, (coalesce(ends_at, 'infinity')));
create index directory_shift_person_end on directory_shift (hospital, person_id, (coalesce(ends_at, 'infinity')));
create index directory_shift_role_end on directory_shift (hospital, role, (coalesce(ends_at, 'infinity')));
create index directory_shift_end on directory_shift (hospital, (coalesce(ends_at, 'infinity')));
create index directory_person_roles on directory_person using gin (roles);

-- Down Migration
drop index directory_person_roles;
drop index directory_shift_end;
drop index directory_shift_role_end;
drop index directory_shift_person_end;
drop index directory_shift_ward_end;
