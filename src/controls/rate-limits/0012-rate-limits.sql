-- Quotas that all processes share, and failures in a row. Only the verbs below reach either. Rate limits are counted here where
-- no Redis is named; failures always are, because losing those is losing a lock.

-- Without WAL: a crash of the server, or a change to its standby, empties the table, and every quota is whole again.
create unlogged table holdfast.quota (
  bucket bytea primary key check (octet_length(bucket) = 32),
  -- When the whole quota will be back, in microseconds since 1970. The generic cell rate algorithm needs no more.
  restored_us bigint not null
) with (fillfactor = 50);
select holdfast.classify('holdfast.quota', 'account', $$
  bucket       personal  request  1-day
  restored_us  none
$$);

-- What buckets are hashed with, so that equal rows of two installations tell nothing, and no table made in advance opens them.
create table holdfast.quota_salt (
  salt bytea not null check (octet_length(salt) = 32)
);
create unique index quota_salt_is_one on holdfast.quota_salt ((true));
insert into holdfast.quota_salt values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
select holdfast.classify('holdfast.quota_salt', 'platform', $$
  salt  secret  quota-salt  installation
$$);

/* Spends from several buckets, by the database's own clock. `exact`: one request of each, where it is there whole, else nothing;
   a refused request costs nothing. Else `spends` of each, which has happened already and is debited in any case, up to one more
   quota of debt. Each bucket in one statement, in the order of their hashes: two calls never wait for each other in a ring, and
   of two that race for the last request one gets it.

   buckets: as clear text, which is never stored. windows: seconds. Returns a row for each, in the order asked: whether it was
   granted, what is left, and microseconds until there is one more where none is left. */
create function holdfast.take_quota(buckets text[], quotas integer[], windows integer[], spends integer[], exact boolean)
  returns table (place integer, granted boolean, remaining integer, wait_us bigint)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  now_us bigint := extract(epoch from clock_timestamp()) * 1000000;
  grain bytea := (select s.salt from holdfast.quota_salt s);
  one record;
  step bigint;
  span bigint;
  restored bigint;
begin
  for one in
    select a.nth::integer as place, sha256(grain || convert_to(a.bucket, 'UTF8')) as hash, a.quota::bigint, a.seconds::bigint,
           case when exact then 1 else greatest(a.spend, 0) end as spend
      from unnest(buckets, quotas, windows, spends) with ordinality a (bucket, quota, seconds, spend, nth)
     order by 2
  loop
    step := greatest(1, one.seconds * 1000000 / one.quota);
    span := step * one.quota;
    -- Whatever a clock that was set back left behind, nobody waits for more than two windows.
    insert into holdfast.quota as q (bucket, restored_us)
      values (one.hash, now_us + least(one.spend * step, 2 * span))
      on conflict (bucket) do update
        set restored_us = least(greatest(least(q.restored_us, now_us + 2 * span), now_us) + one.spend * step, now_us + 2 * span)
      where case when exact then greatest(least(q.restored_us, now_us + 2 * span), now_us) + step <= now_us + span
                 else one.spend > 0 end
      returning restored_us into restored;
    granted := found;
    if not found then
      select least(q.restored_us, now_us + 2 * span) into restored from holdfast.quota q where q.bucket = one.hash;
      restored := coalesce(restored, now_us);
    end if;
    place := one.place;
    remaining := greatest(0, (now_us + span - greatest(restored, now_us)) / step);
    wait_us := greatest(0, restored + step - span - now_us);
    return next;
  end loop;
end $$;
grant execute on function holdfast.take_quota(text[], integer[], integer[], integer[], boolean) to holdfast_identity, holdfast_worker;

/* To whom sessions belong, for counting by person. Of unknown or dead sessions nothing comes back. */
create function holdfast.persons_of_sessions(families uuid[]) returns table (family uuid, person uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select distinct p.family, p.person_id from holdfast.pass p
   where p.family = any (families) and p.kind = 's' and p.revoked_at is null and p.expires_at > clock_timestamp();
end;
grant execute on function holdfast.persons_of_sessions(uuid[]) to holdfast_worker;

-- ── Failures in a row (NIST SP 800-63B-4, section 3.2.2) ─────────────────────────────────────────────────────────────

-- Of a person and one authenticator. An address without an account has rows as well, under an id made from it, so that it costs
-- and takes as much. No foreign key for that reason.
create table holdfast.failures (
  subject uuid not null,
  authenticator text not null check (authenticator ~ '^[a-z][a-z-]{0,39}$'),
  -- From browsers that have never signed in to this account, and from those that have.
  strangers integer not null default 0 check (strangers >= 0),
  known integer not null default 0 check (known >= 0),
  last_at timestamptz not null default clock_timestamp(),
  primary key (subject, authenticator)
);
select holdfast.classify('holdfast.failures', 'account', $$
  subject        personal  security  account
  authenticator  none
  strangers      personal  security  account
  known          personal  security  account
  last_at        personal  security  account
$$);

/* How many failures in a row an authenticator takes: 100 together. A password keeps ten of them for browsers that its owner has
   used, which strangers cannot spend: nobody who knows an address alone locks its owner out of his own browser. */
create function holdfast.most_failures(authenticator text, from_known boolean) returns integer
language sql immutable set search_path = pg_catalog, pg_temp
return case when authenticator <> 'password' then 100 when from_known then 10 else 90 end;

/* Counts an attempt as a failure before it is made, so that a hundred at once are a hundred. Returns how many are left after it,
   and null, without counting, where the authenticator is disabled: then the attempt must not succeed, whatever was shown. */
create function holdfast.count_failure(who uuid, kind text, from_known boolean) returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  most integer := holdfast.most_failures(kind, from_known);
  counted integer;
begin
  insert into holdfast.failures as f (subject, authenticator, strangers, known)
    values (who, kind, case when from_known then 0 else 1 end, case when from_known then 1 else 0 end)
    on conflict (subject, authenticator) do update
      set strangers = f.strangers + case when from_known then 0 else 1 end,
          known = f.known + case when from_known then 1 else 0 end,
          last_at = clock_timestamp()
    where case when kind <> 'password' then f.strangers + f.known when from_known then f.known else f.strangers end < most
    returning case when kind <> 'password' then f.strangers + f.known when from_known then f.known else f.strangers end into counted;
  return most - counted;
end $$;

/* An attempt that was counted and then could not be made (the service was too busy) was none. */
create function holdfast.uncount_failure(who uuid, kind text, from_known boolean) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  update holdfast.failures f
     set strangers = greatest(0, f.strangers - case when from_known then 0 else 1 end),
         known = greatest(0, f.known - case when from_known then 1 else 0 end)
   where f.subject = who and f.authenticator = kind;
end;

/* After a success, and when the authenticator is bound anew: a password by reset, a TOTP by recovery code or administrator. */
create function holdfast.clear_failures(who uuid, kind text) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  delete from holdfast.failures f where f.subject = who and f.authenticator = kind;
end;

/* Whether the authenticator is disabled for browsers that have signed in before (`from_known`), or for all others. */
create function holdfast.is_disabled(who uuid, kind text, from_known boolean) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select exists (select from holdfast.failures f where f.subject = who and f.authenticator = kind
    and case when kind <> 'password' then f.strangers + f.known when from_known then f.known else f.strangers end
        >= holdfast.most_failures(kind, from_known));
end;
grant execute on function holdfast.count_failure(uuid, text, boolean), holdfast.uncount_failure(uuid, text, boolean),
  holdfast.clear_failures(uuid, text), holdfast.is_disabled(uuid, text, boolean) to holdfast_identity;

/* Quotas that are whole again, and failures of nobody a day later. A person's stay until a success: nothing else ends them. */
create function holdfast.sweep_limits() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
  more integer;
begin
  delete from holdfast.quota q where q.restored_us < extract(epoch from clock_timestamp()) * 1000000;
  get diagnostics gone = row_count;
  delete from holdfast.failures f where f.last_at < clock_timestamp() - interval '1 day'
     and not exists (select from holdfast.person p where p.id = f.subject);
  get diagnostics more = row_count;
  return gone + more;
end $$;
grant execute on function holdfast.sweep_limits() to holdfast_worker;
