-- Up Migration
create table ledger (id int generated always as identity primary key, entry text not null);
create table due (id text primary key, due_at timestamptz, done_at timestamptz);

-- Down Migration
drop table due;
drop table ledger;
