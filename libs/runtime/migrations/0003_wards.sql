-- Up Migration
-- Wards with what is needed of them, and how old a person is.

create table directory_ward (
  hospital text not null,
  ward_id text not null,
  name text not null,
  -- How many there are.
  beds int not null,
  -- Whom it is for; null where the directory does not say.
  population text,
  version bigint not null,
  primary key (hospital, ward_id)
);
alter table directory_person add column birth_date date;

-- Down Migration
alter table directory_person drop column birth_date;
drop table directory_ward;
