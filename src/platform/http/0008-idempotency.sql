-- The first answer to a create, for whoever sends the same Idempotency-Key again.

create table holdfast.idempotency (
  organisation_id uuid not null,
  person_id uuid not null default holdfast.person(),
  key text not null check (length(key) between 8 and 100),
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  status integer,
  answer jsonb,
  created_at timestamptz not null default clock_timestamp(),
  primary key (organisation_id, person_id, key)
);
create index idempotency_by_age on holdfast.idempotency (organisation_id, created_at);
select holdfast.protect('holdfast.idempotency', $$
  person_id    personal  request  1-day
  key          none
  fingerprint  none
  status       none
  answer       personal  request  1-day
  created_at   none
$$);
-- Its rows repeat what the events of the real tables say.
drop trigger record_insert on holdfast.idempotency;
drop trigger record_update on holdfast.idempotency;
drop trigger record_delete on holdfast.idempotency;
