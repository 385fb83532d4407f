-- API keys: what a program presents instead of a person's session. What opens is the pass (tenant-isolation), of the kind k; what
-- lies here is what members see of a key. A key is one row; its passes, which rotation adds to, are one family.

create table holdfast.api_key (
  organisation_id uuid not null,
  -- The family of its passes.
  id uuid not null,
  -- Who made it, and whom it acts as.
  person_id uuid not null,
  name text not null check (char_length(name) between 1 and 80 and name !~ '[[:cntrl:]]'),
  -- The last characters of the newest text: they tell people which one they hold. They are of the checksum.
  hint text not null check (hint ~ '^[0-9A-Za-z]{4}$'),
  scopes bigint not null check (scopes > 0),
  -- How long a text of it lives: rotation begins anew.
  days integer not null check (days between 1 and 366),
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  primary key (organisation_id, id),
  -- Whoever is removed leaves no key behind.
  foreign key (organisation_id, person_id) references holdfast.member on delete cascade
);
create index api_key_by_person on holdfast.api_key (organisation_id, person_id);
select holdfast.protect('holdfast.api_key', $$
  id          none
  person_id   personal  membership  membership
  name        personal  api-key     api-key
  hint        none
  scopes      none
  days        none
  created_at  none
  expires_at  none
$$);
-- Read and changed by the verbs alone.
revoke all on holdfast.api_key from holdfast_app, holdfast_worker;

-- For the sweep, and for whoever asks which keys there are.
create index pass_of_keys on holdfast.pass (expires_at) where kind = 'k';

/* A key that is gone opens nothing from the next transaction on, by whatever statement it went. */
create function holdfast.end_passes_of_key() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  update holdfast.pass p set revoked_at = clock_timestamp()
   where p.family = old.id and p.kind = 'k' and p.organisation_id = old.organisation_id and p.revoked_at is null;
  return null;
end $$;
create trigger end_passes after delete on holdfast.api_key for each row execute function holdfast.end_passes_of_key();

/* For the verbs below, before they make a pass: the organisation, so that two at once take turns; whether the caller may, and has
   lately shown who they are; and the caller, so that no ending of all their sessions and keys passes this by. HF401, HF403, HF440. */
create function holdfast.demand_key_maker(secret bytea) returns holdfast.role
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  perform from holdfast.organisation o where o.id = holdfast.organisation() for no key update;
  -- The account too, and first, as everywhere: the mail about the key is counted on it.
  perform holdfast.lock_account(holdfast.person());
  perform holdfast.demand_fresh(secret);
  return holdfast.demand('keys.manage');
end $$;

/* A new key of whoever has entered, in the organisation that was entered, for `wanted`, and a mail to them. `pass_hash` =
   SHA-256(D). It has shown what the session has that makes it. `made`: its id; or `refused`: 'more-than-you-have', 'too-many' past
   100 that have not expired. HF401, HF403, HF422 (no scope, an unknown one, or one that no key can use), HF440. */
create function holdfast.make_key(
  secret bytea, pass_hash bytea, key_name text, key_hint text, wanted text[], for_days integer, mail_subject text, mail_body text,
  out made uuid, out refused text
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  who uuid := holdfast.person();
  mine holdfast.role := holdfast.demand_key_maker(secret);
  mask bigint := holdfast.permission_mask(wanted);
begin
  -- A key makes no keys and no roles: what those permissions are for demands a session each time.
  if mask = 0 or wanted && array['keys.manage', 'roles.manage'] or for_days not between 1 and 366 then
    raise exception 'no such key' using errcode = 'HF422';
  end if;
  if mask & ~mine.permissions <> 0 then
    refused := 'more-than-you-have';
    return;
  end if;
  if (select count(*) from holdfast.api_key k where k.organisation_id = here and k.expires_at > clock_timestamp()) >= 100 then
    refused := 'too-many';
    return;
  end if;
  made := gen_random_uuid();
  insert into holdfast.api_key (organisation_id, id, person_id, name, hint, scopes, days, expires_at)
    values (here, made, who, key_name, key_hint, mask, for_days, clock_timestamp() + make_interval(days => for_days));
  perform holdfast.mint_key(pass_hash, who, here, made, mask, (holdfast.live_pass(secret)).assurance, make_interval(days => for_days));
  perform holdfast.notify_person(who, mail_subject, mail_body);
end $$;
grant execute on function holdfast.make_key(bytea, bytea, text, text, text[], integer, text, text) to holdfast_app;

/* A new text for a key of one's own, with the same scopes and a new life. All texts before it die when `overlap_hours` have gone by,
   or when they would have anyway. `of_hint` names the text that is replaced: of two who replace it at once one does. 'rotated';
   'meanwhile' where it is not the newest any more; 'ended' where no text of the key lives; 'not-yours'. HF401, HF403, HF404,
   HF422, HF440. */
create function holdfast.rotate_key(
  secret bytea, key uuid, of_hint text, pass_hash bytea, new_hint text, overlap_hours integer, mail_subject text, mail_body text
) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  it holdfast.api_key;
  until timestamptz;
begin
  perform holdfast.demand_key_maker(secret);
  if overlap_hours not between 0 and 168 then raise exception 'no such overlap' using errcode = 'HF422'; end if;
  select k.* into it from holdfast.api_key k where k.organisation_id = here and k.id = rotate_key.key;
  if not found then raise exception 'no such key' using errcode = 'HF404'; end if;
  -- It acts as its maker: nobody else is handed a text that does.
  if it.person_id <> holdfast.person() then return 'not-yours'; end if;
  if not exists (select from holdfast.pass p where p.family = it.id and p.kind = 'k' and p.dead_at is null and p.revoked_at is null
                  and p.expires_at > clock_timestamp()) then
    return 'ended';
  end if;
  if it.hint <> of_hint then return 'meanwhile'; end if;
  until := clock_timestamp() + make_interval(hours => overlap_hours);
  update holdfast.pass p set dead_at = until
   where p.family = it.id and p.kind = 'k' and p.revoked_at is null and coalesce(p.dead_at, 'infinity') > until;
  perform holdfast.mint_key(pass_hash, it.person_id, here, it.id, it.scopes, (holdfast.live_pass(secret)).assurance,
                            make_interval(days => it.days));
  update holdfast.api_key k set hint = new_hint, expires_at = clock_timestamp() + make_interval(days => k.days)
   where k.organisation_id = here and k.id = it.id;
  perform holdfast.notify_person(it.person_id, mail_subject, mail_body);
  return 'rotated';
end $$;
grant execute on function holdfast.rotate_key(bytea, uuid, text, bytea, text, integer, text, text) to holdfast_app;

/* Withdraws a key, whoever made it: it opens nothing any more. Returns whether there was one. HF403. */
create function holdfast.drop_key(key uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from holdfast.organisation o where o.id = holdfast.organisation() for no key update;
  perform holdfast.demand('keys.manage');
  delete from holdfast.api_key k where k.organisation_id = holdfast.organisation() and k.id = drop_key.key;
  return found;
end $$;
grant execute on function holdfast.drop_key(uuid) to holdfast_app;

/* The keys of the organisation that was entered, the newest first. `used_at`: to five minutes; null: never. `rotated_until`: how long
   a text before the newest still works. `state`: 'live', 'expired', 'ended' (all of its maker's sessions and keys were), or
   'lacks-factor' (it was made with one factor, and two are demanded by now). HF403. */
create function holdfast.keys() returns table (
  id uuid, name text, hint text, scopes text[], maker uuid, maker_name text, created_at timestamptz, expires_at timestamptz,
  used_at timestamptz, rotated_until timestamptz, state text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  here uuid := holdfast.organisation();
begin
  perform holdfast.demand('keys.manage');
  return query
    select k.id, k.name, k.hint, holdfast.permission_names(k.scopes), k.person_id, m.name, k.created_at, k.expires_at,
           (select max(p.settled_at) from holdfast.pass p where p.family = k.id and p.kind = 'k'),
           (select max(least(p.dead_at, p.expires_at)) from holdfast.pass p
             where p.family = k.id and p.kind = 'k' and p.revoked_at is null and p.dead_at > clock_timestamp() and p.expires_at > clock_timestamp()),
           case when k.expires_at <= clock_timestamp() then 'expired'
                when newest.revoked_at is not null or newest.hash is null then 'ended'
                when newest.assurance < s.min_assurance then 'lacks-factor'
                else 'live' end
      from holdfast.api_key k
      join holdfast.member m on m.organisation_id = here and m.person_id = k.person_id
      join holdfast.seat s on s.organisation_id = here and s.person_id = k.person_id
      left join holdfast.pass newest on newest.family = k.id and newest.kind = 'k' and newest.dead_at is null
     where k.organisation_id = here
     order by k.created_at desc, k.id;
end $$;
grant execute on function holdfast.keys() to holdfast_app;

/* Notes that a key was used, when entry says that it is due: once in five minutes at most. */
create function holdfast.use_key(secret bytea) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  update holdfast.pass p set settled_at = clock_timestamp()
   where p.hash = sha256(secret) and p.kind = 'k' and p.revoked_at is null
     and (p.settled_at is null or p.settled_at < clock_timestamp() - interval '5 minutes');
end;
grant execute on function holdfast.use_key(bytea) to holdfast_app;

/* Whom keys act as, for counting by person. `keys`: the hash of each, in hexadecimal. Of unknown or dead ones nothing comes back. */
create function holdfast.persons_of_keys(keys text[]) returns table (key text, person uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select encode(p.hash, 'hex'), p.person_id from holdfast.pass p
   where p.hash = any (array(select decode(k, 'hex') from unnest(keys) k)) and p.kind = 'k' and p.revoked_at is null
     and p.expires_at > clock_timestamp();
end;
grant execute on function holdfast.persons_of_keys(text[]) to holdfast_worker;

-- ── Keeping house ────────────────────────────────────────────────────────────────────────────────────────────────────

/* As in 0001, but for keys: their rows are found by their passes, so both go together, below. */
create or replace function holdfast.sweep_passes() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
begin
  delete from holdfast.pass where hash in (
    select hash from holdfast.pass where expires_at < clock_timestamp() - interval '30 days' and kind <> 'k' order by expires_at limit 5000);
  get diagnostics gone = row_count;
  return gone;
end $$;

/* For the sweep alone, which comes from nobody's organisation: enters the one of a key for this statement, as nobody, and deletes it. */
create function holdfast.forget_key(organisation uuid, key uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('backtrace_functions', 'h' || replace(organisation::text, '-', '') || repeat('0', 32) || 'ee', true);
  delete from holdfast.api_key k where k.organisation_id = forget_key.organisation and k.id = forget_key.key;
  perform set_config('backtrace_functions', '', true);
end $$;

/* Keys that expired a month ago, and their passes. The record says of each that nobody deleted it: its actor is all zeros. */
create function holdfast.sweep_keys() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  old record;
  swept integer := 0;
begin
  for old in
    select p.hash, p.family, p.organisation_id, exists (
             select from holdfast.pass n where n.family = p.family and n.kind = 'k' and n.expires_at >= clock_timestamp() - interval '30 days') as goes_on
      from holdfast.pass p
     where p.kind = 'k' and p.expires_at < clock_timestamp() - interval '30 days' order by p.expires_at limit 1000
  loop
    if not old.goes_on then perform holdfast.forget_key(old.organisation_id, old.family); end if;
    delete from holdfast.pass p where p.hash = old.hash;
    swept := swept + 1;
  end loop;
  return swept;
end $$;
grant execute on function holdfast.sweep_keys() to holdfast_worker;
