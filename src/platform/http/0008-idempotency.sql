-- The first answer to a create, for whoever sends the same Idempotency-Key again. Reached by the two verbs below alone, which
-- take organisation and person from the verified context; nobody reads another's answer.

create table holdfast.idempotency (
  organisation_id uuid not null,
  person_id uuid not null,
  key text not null check (length(key) between 8 and 100),
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  status integer,
  answer jsonb,
  created_at timestamptz not null default clock_timestamp(),
  primary key (organisation_id, person_id, key)
);
create index idempotency_by_age on holdfast.idempotency (created_at);
select holdfast.classify('holdfast.idempotency', 'account', $$
  organisation_id  none
  person_id        personal  request  1-day
  key              none
  fingerprint      none
  status           none
  answer           personal  request  1-day
  created_at       none
$$);

/* Takes a key for the request with this fingerprint. `mine`: nobody had it, go on. Else whether it is the `same` request, and
   its first answer. A second request with a key that is being used waits here until the first has committed. */
create function holdfast.take_key(wanted text, print bytea, out mine boolean, out same boolean, out status integer, out answer jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into holdfast.idempotency as i (organisation_id, person_id, key, fingerprint)
    values (holdfast.organisation(), holdfast.person(), wanted, print)
    on conflict (organisation_id, person_id, key) do nothing;
  mine := found;
  if mine then return; end if;
  select i.fingerprint = print, i.status, i.answer into same, take_key.status, take_key.answer from holdfast.idempotency i
   where i.organisation_id = holdfast.organisation() and i.person_id = holdfast.person() and i.key = wanted;
end $$;
grant execute on function holdfast.take_key(text, bytea) to holdfast_app;

/* Keeps the answer to the request that took the key. */
create function holdfast.keep_answer(wanted text, answer_status integer, answer_body jsonb) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  update holdfast.idempotency i set status = answer_status, answer = answer_body
   where i.organisation_id = holdfast.organisation() and i.person_id = holdfast.person() and i.key = wanted and i.status is null;
end;
grant execute on function holdfast.keep_answer(text, integer, jsonb) to holdfast_app;

create function holdfast.sweep_idempotency() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
begin
  delete from holdfast.idempotency i where i.created_at < clock_timestamp() - interval '1 day';
  get diagnostics gone = row_count;
  return gone;
end $$;
grant execute on function holdfast.sweep_idempotency() to holdfast_worker;
