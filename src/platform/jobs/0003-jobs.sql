-- Work of an organisation that is done after the answer has left. The app asks for it inside its organisation, and the row
-- is stamped from the verified context. The worker's role takes jobs and gets a lease secret for each; it reaches no tenant's
-- rows. The work itself runs as the app, which enters with that secret and can take none: SQL injected into a job finds no
-- other job. Neither has a right on the table, so neither can name an organisation.

create table holdfast.job (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null,
  person_id uuid not null,
  kind text not null check (kind ~ '^[a-z][a-z0-9-]{0,60}$'),
  payload jsonb not null check (pg_column_size(payload) <= 8192),
  created_at timestamptz not null default clock_timestamp(),
  run_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0,
  leased_until timestamptz,
  lease_hash bytea,
  done_at timestamptz,
  failed_at timestamptz,
  last_error text
);
create index job_waiting on holdfast.job (run_at) where done_at is null and failed_at is null;
select holdfast.classify('holdfast.job', 'account', $$
  id               none
  organisation_id  none
  person_id        personal  job  30-days
  kind             none
  payload          personal  job  30-days
  created_at       none
  run_at           none
  attempts         none
  leased_until     none
  lease_hash       secret    job  30-days
  done_at          none
  failed_at        none
  last_error       none
$$);

/* Asks for a job in the organisation of this transaction; it runs only if the transaction commits. */
create function holdfast.enqueue(kind text, payload jsonb) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  answer uuid;
begin
  if (select count(*) from holdfast.job j where j.organisation_id = holdfast.organisation() and j.done_at is null and j.failed_at is null) >= 1000 then
    raise exception 'too many jobs are waiting' using errcode = 'HF429';
  end if;
  insert into holdfast.job (organisation_id, person_id, kind, payload)
    values (holdfast.organisation(), holdfast.person(), enqueue.kind, enqueue.payload) returning id into answer;
  return answer;
end $$;
grant execute on function holdfast.enqueue(text, jsonb) to holdfast_app;

/* Takes the next job that is due, for `seconds`: another worker may have it after that. The secret is nowhere else. */
create function holdfast.take_job(kinds text[], seconds integer)
returns table (id uuid, organisation_id uuid, kind text, payload jsonb, attempts integer, secret bytea)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  j holdfast.job;
  lease bytea;
begin
  select * into j from holdfast.job q
   where q.done_at is null and q.failed_at is null and q.run_at <= clock_timestamp() and q.kind = any (kinds)
     and (q.leased_until is null or q.leased_until < clock_timestamp())
   order by q.run_at for update skip locked limit 1;
  if not found then return; end if;
  -- Whoever took it that often never said how it ended: it takes its worker down each time.
  if j.attempts >= 10 then
    update holdfast.job q set failed_at = clock_timestamp(), last_error = 'given up after ten attempts that never ended' where q.id = j.id;
    return;
  end if;
  begin
    lease := holdfast.mint_lease(j.person_id, j.organisation_id, make_interval(secs => seconds));
  exception when sqlstate 'HF401' then
    update holdfast.job q set failed_at = clock_timestamp(), last_error = 'the person who asked for it is gone' where q.id = j.id;
    return;
  end;
  update holdfast.job q set attempts = q.attempts + 1, leased_until = clock_timestamp() + make_interval(secs => seconds), lease_hash = sha256(lease)
   where q.id = j.id;
  return query select j.id, j.organisation_id, j.kind, j.payload, j.attempts + 1, lease;
end $$;
grant execute on function holdfast.take_job(text[], integer) to holdfast_worker;

/* One step of the job is over, in the same transaction as its work; `more` puts it in line again at once. */
create function holdfast.finish_job(lease bytea, more boolean) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  update holdfast.job j set
      done_at = case when more then null else clock_timestamp() end,
      attempts = case when more then 0 else j.attempts end,
      run_at = clock_timestamp(), leased_until = null, lease_hash = null
   where j.lease_hash = sha256(lease) and j.done_at is null;
  -- Another worker has it: whatever this one did must not be kept.
  if not found then raise exception 'the lease is over' using errcode = 'HF401'; end if;
  perform holdfast.end_lease(lease);
end $$;
grant execute on function holdfast.finish_job(bytea, boolean) to holdfast_app;

/* The step failed: again later, each time after a longer while, and for good after ten attempts or when it cannot succeed. */
create function holdfast.fail_job(lease bytea, reason text, for_good boolean) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  update holdfast.job j set
      failed_at = case when for_good or j.attempts >= 10 then clock_timestamp() end,
      run_at = clock_timestamp() + make_interval(secs => least(3600, 2 ^ least(j.attempts, 12))),
      leased_until = null, lease_hash = null, last_error = left(reason, 500)
   where j.lease_hash = sha256(lease) and j.done_at is null;
  perform holdfast.end_lease(lease);
end $$;
grant execute on function holdfast.fail_job(bytea, text, boolean) to holdfast_worker;

create function holdfast.sweep_jobs() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
begin
  delete from holdfast.job j where j.done_at < clock_timestamp() - interval '30 days' or j.failed_at < clock_timestamp() - interval '30 days';
  get diagnostics gone = row_count;
  return gone;
end $$;
grant execute on function holdfast.sweep_jobs() to holdfast_worker;
