-- Roles that an organisation makes for itself, and a third door: keys. Entry still reads `pass` and `seat` alone.

-- ── Roles of an organisation's own ───────────────────────────────────────────────────────────────────────────────────

-- Written by the verbs of `permissions`. Seats refer to it by organisation and id, so that nobody holds another's role.
create table holdfast.custom_role (
  organisation_id uuid not null,
  id uuid not null default gen_random_uuid(),
  -- Without characters that turn the direction of what follows.
  name text not null check (char_length(name) between 1 and 60 and name !~ '[[:cntrl:]\u202a-\u202e\u2066-\u2069]'),
  -- As people compare names: no second "Sales" beside "sales".
  name_key text not null check (octet_length(name_key) <= 400),
  permissions bigint not null check (permissions > 0),
  min_assurance smallint not null default 1 check (min_assurance between 1 and 2),
  primary key (organisation_id, id),
  unique (organisation_id, name_key)
);
select holdfast.classify('holdfast.custom_role', 'account', $$
  organisation_id  none
  id               none
  name             none
  name_key         none
  permissions      none
  min_assurance    none
$$);

-- The number that stands in the setting for all of them.
insert into holdfast.role (role_id, name, permissions, min_assurance) values ('ff', '(custom)', 0, 1);

alter table holdfast.seat
  add custom_role uuid,
  add constraint seat_custom_role foreign key (organisation_id, custom_role) references holdfast.custom_role,
  add constraint seat_role_is_one check ((role_id = 'ff') = (custom_role is not null));
create index seat_by_custom_role on holdfast.seat (organisation_id, custom_role) where custom_role is not null;
insert into holdfast.column_inventory (table_name, column_name, holds, category, retention)
  values ('holdfast.seat', 'custom_role', 'personal', 'membership', 'membership');

/* What any role of the product may: a permission that it has given up opens nothing, whoever once gave it. */
create function holdfast.known_permissions() returns bigint
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(bit_or(r.permissions), 0) from holdfast.role r;
end;

create or replace function holdfast.fill_seat() returns trigger
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  of_role holdfast.role;
  own holdfast.custom_role;
begin
  select * into strict of_role from holdfast.role r where r.role_id = new.role_id;
  if new.custom_role is not null then
    select * into strict own from holdfast.custom_role c where c.organisation_id = new.organisation_id and c.id = new.custom_role;
    of_role.permissions := own.permissions & holdfast.known_permissions();
    of_role.min_assurance := own.min_assurance;
    -- As a role of the product's that demands two factors and says no more.
    if own.min_assurance > 1 then
      of_role.idle := interval '1 hour';
      of_role.life := interval '24 hours';
    end if;
  end if;
  new.context := 'h' || replace(new.organisation_id::text, '-', '') || replace(new.person_id::text, '-', '') || new.role_id;
  new.permissions := of_role.permissions;
  new.min_assurance := greatest(of_role.min_assurance,
    (select f.min_assurance from holdfast.organisation_floor f where f.organisation_id = new.organisation_id));
  new.idle := of_role.idle;
  new.life := of_role.life;
  -- Rotation is the touch: often enough that a session in use never rests for its role's idle time.
  new.rotate_after := least(interval '10 minutes', of_role.idle / 3);
  return new;
end $$;

create or replace function holdfast.refill_seats_of_role() returns trigger
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  -- Those of an organisation's own roles too: what no role of the product has any more, none of theirs has.
  update holdfast.seat s set role_id = s.role_id where s.role_id in (new.role_id, 'ff');
  return null;
end $$;

create function holdfast.refill_seats_of_custom_role() returns trigger
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  update holdfast.seat s set role_id = s.role_id where s.organisation_id = new.organisation_id and s.custom_role = new.id;
  return null;
end $$;
create trigger refill_seats after update on holdfast.custom_role for each row
  when ((old.permissions, old.min_assurance) is distinct from (new.permissions, new.min_assurance))
  execute function holdfast.refill_seats_of_custom_role();

/* A role by its key: the product's name for it, or the id of one of this organisation's own. Its `name` is the key. HF422. */
create function holdfast.role_by_key(organisation uuid, key text) returns holdfast.role
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  answer holdfast.role;
  own holdfast.custom_role;
begin
  select r.* into answer from holdfast.role r where r.name = key and r.role_id <> 'ff';
  if found then return answer; end if;
  if key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    select c.* into own from holdfast.custom_role c where c.organisation_id = role_by_key.organisation and c.id = key::uuid;
  end if;
  if own.id is null then raise exception 'no such role' using errcode = 'HF422'; end if;
  select r.* into strict answer from holdfast.role r where r.role_id = 'ff';
  answer.name := own.id::text;
  answer.permissions := own.permissions & holdfast.known_permissions();
  answer.min_assurance := own.min_assurance;
  return answer;
end $$;

/* The role of a seat, as role_by_key gives it, with what the seat may do now. */
create function holdfast.role_of_seat(seat holdfast.seat) returns holdfast.role
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  answer holdfast.role;
begin
  select r.* into strict answer from holdfast.role r where r.role_id = seat.role_id;
  answer.name := coalesce(seat.custom_role::text, answer.name);
  answer.permissions := seat.permissions;
  answer.min_assurance := seat.min_assurance;
  return answer;
end $$;

/* The role that a person has in an organisation; HF404 for nobody's. */
create function holdfast.role_of_member(organisation uuid, person uuid) returns holdfast.role
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  theirs holdfast.seat;
begin
  select s.* into theirs from holdfast.seat s
   where s.person_id = role_of_member.person and s.organisation_id = role_of_member.organisation;
  if not found then raise exception 'no such member' using errcode = 'HF404'; end if;
  return holdfast.role_of_seat(theirs);
end $$;

create or replace function holdfast.grant_seat(organisation uuid, person uuid, role_name text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  given holdfast.role := holdfast.role_by_key(organisation, role_name);
begin
  insert into holdfast.seat (person_id, organisation_id, role_id, custom_role)
    values (person, organisation, given.role_id, case when given.role_id = 'ff' then given.name::uuid end)
    on conflict (person_id, organisation_id) do update set role_id = excluded.role_id, custom_role = excluded.custom_role;
end $$;

create or replace function holdfast.my_seats(secret bytea) returns table (organisation_id uuid, role_name text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select s.organisation_id, coalesce(s.custom_role::text, r.name) from holdfast.seat s join holdfast.role r using (role_id)
   where s.person_id = holdfast.bearer(secret, false) order by s.organisation_id;
end;

/* The bits of permissions, by name. HF422 for a name that none has. */
create function holdfast.permission_mask(names text[]) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  unknown text;
begin
  select n.name into unknown from unnest(names) as n (name)
   where n.name is null or not exists (select from holdfast.permission p where p.name = n.name) limit 1;
  if found then raise exception 'no such permission' using errcode = 'HF422'; end if;
  return (select coalesce(bit_or(1::bigint << p.bit), 0) from holdfast.permission p where p.name = any (names));
end $$;

create function holdfast.permission_names(mask bigint) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(array_agg(p.name order by p.name), '{}') from holdfast.permission p where (mask >> p.bit) & 1 = 1;
end;

/* See 0010. The number of an organisation's own roles is never given to a role of the product's. */
create or replace function holdfast.set_roles(wanted jsonb) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  entry record;
  mask bigint;
  undefined text;
begin
  insert into holdfast.permission (name, bit)
    select new.name, (select coalesce(max(bit), -1) from holdfast.permission) + row_number() over (order by new.name)
      from (select distinct p.name from jsonb_each(wanted) r cross join jsonb_array_elements_text(r.value -> 'permissions') as p (name)) new
     where not exists (select from holdfast.permission old where old.name = new.name);
  for entry in
    select r.key as name, r.value,
           coalesce((r.value ->> 'minAssurance')::smallint, 1::smallint) as assurance,
           -- NIST SP 800-63B-4, sections 2.1.3 and 2.2.3: 30 days at one factor; at two, an hour of rest and a day in all.
           make_interval(mins => coalesce((r.value ->> 'idleMinutes')::integer, case when (r.value ->> 'minAssurance')::integer > 1 then 60 else 1440 end)) as idle,
           make_interval(hours => coalesce((r.value ->> 'lifeHours')::integer, case when (r.value ->> 'minAssurance')::integer > 1 then 24 else 720 end)) as life
      from jsonb_each(wanted) r order by r.key
  loop
    mask := holdfast.permission_mask(array(select jsonb_array_elements_text(entry.value -> 'permissions')));
    insert into holdfast.role (role_id, name, permissions, min_assurance, idle, life)
      values (lpad(to_hex((select count(*) from holdfast.role r where r.role_id <> 'ff')), 2, '0'), entry.name, mask, entry.assurance, entry.idle, entry.life)
      on conflict (name) do update
        set permissions = excluded.permissions, min_assurance = excluded.min_assurance, idle = excluded.idle, life = excluded.life
      where (role.permissions, role.min_assurance, role.idle, role.life)
            is distinct from (excluded.permissions, excluded.min_assurance, excluded.idle, excluded.life);
  end loop;
  select string_agg(r.name, ', ') into undefined from holdfast.role r
   where not wanted ? r.name and r.role_id <> 'ff' and exists (select from holdfast.seat s where s.role_id = r.role_id);
  if undefined is not null then raise exception 'a role that people still hold is no longer defined: %', undefined; end if;
  -- A role that nobody holds keeps its number and opens nothing.
  update holdfast.role r set permissions = 0 where not wanted ? r.name and r.permissions <> 0;
end $$;

-- ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- What a key may do at most, whatever its maker may; a lease keeps it of the key that asked for the job. Null: no such bound.
alter table holdfast.pass
  add scopes bigint check (scopes >= 0),
  add constraint pass_scopes check (case kind when 's' then scopes is null when 'k' then scopes is not null else true end);
insert into holdfast.column_inventory (table_name, column_name, holds) values ('holdfast.pass', 'scopes', 'none');

/* See 0010. A key that was made with one factor, where two are demanded by now, says so with HF406: it cannot show one. */
create or replace function holdfast.refuse_entry(secret bytea, wanted uuid, need bigint, of_kind char) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  p holdfast.pass;
  s holdfast.seat;
begin
  select * into p from holdfast.pass
   where hash = sha256(secret) and kind = of_kind and revoked_at is null and expires_at > clock_timestamp()
     and issued_at + idle > clock_timestamp() and (dead_at is null or dead_at > clock_timestamp());
  if not found then raise exception 'no live pass' using errcode = 'HF401'; end if;
  if not p.verified then raise exception 'address not verified' using errcode = 'HF412'; end if;
  -- Before anything about the organisation: who has shown half of what they have is half a stranger.
  if of_kind = 's' and p.assurance < p.wanted then raise exception 'the second factor was not shown' using errcode = 'HF427'; end if;
  select * into s from holdfast.seat
   where seat.person_id = p.person_id and seat.organisation_id = refuse_entry.wanted
     and (p.organisation_id is null or p.organisation_id = refuse_entry.wanted);
  if not found then raise exception 'no seat' using errcode = 'HF404'; end if;
  if of_kind = 'k' and p.assurance < s.min_assurance then
    raise exception 'the key was made with fewer factors than are demanded' using errcode = 'HF406';
  end if;
  if of_kind = 's' then
    if p.assurance < s.min_assurance then raise exception 'a second factor is demanded' using errcode = 'HF428'; end if;
    if p.issued_at + s.idle <= clock_timestamp() or p.rested >= s.idle or p.started_at + s.life <= clock_timestamp() then
      raise exception 'too long ago for this role' using errcode = 'HF440';
    end if;
  end if;
  raise exception 'permission missing' using errcode = 'HF403';
end $$;

/* Entry for the bearer of a key: the organisation that the key was made for, as the person who made it, with what both that
   person's role and the key's scopes allow. The scopes stand in the setting behind the role, so that the verbs know them.
   Returns true when the use is to be recorded (it was not, for five minutes). HF401, HF403, HF404, HF406, HF412, HF000. */
create function holdfast.enter_key(secret bytea, wanted uuid, need bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  ctx text;
  due boolean;
  at timestamptz := clock_timestamp();
begin
  if current_setting('backtrace_functions') <> '' or current_setting('transaction_isolation') <> 'read committed' or pg_is_in_recovery() then
    perform holdfast.refuse_misuse();
  end if;
  select s.context || lpad(to_hex(p.scopes), 16, '0'), p.settled_at is null or p.settled_at < at - interval '5 minutes'
    into ctx, due
    from holdfast.pass p join holdfast.seat s on s.person_id = p.person_id and s.organisation_id = p.organisation_id
   where p.hash = sha256(secret) and p.kind = 'k' and p.organisation_id = enter_key.wanted and p.revoked_at is null and p.expires_at > at
     and (p.dead_at is null or p.dead_at > at) and p.verified and p.assurance >= s.min_assurance
     and s.permissions & p.scopes & need = need;
  if ctx is null then
    perform holdfast.refuse_entry(secret, wanted, need, 'k');
    raise exception 'refused' using errcode = 'HF401';
  end if;
  ctx := set_config('backtrace_functions', ctx, true);
  return due;
end $$;
grant execute on function holdfast.enter_key(bytea, uuid, bigint) to holdfast_app;

/* The scopes of the key that this transaction was entered by, or that asked for its job; null: no such bound. */
create function holdfast.scopes() returns bigint
language sql stable set search_path = pg_catalog, pg_temp
return ('x' || nullif(substr(current_setting('backtrace_functions'), 68), ''))::bit(64)::bigint;

/* A pass of a key. For the verbs of keys alone, which have asked whether its maker may. HF401 for a maker who is gone. */
create function holdfast.mint_key(
  pass_hash bytea, maker uuid, in_organisation uuid, of_family uuid, scopes bigint, level smallint, life interval
) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  insert into holdfast.pass (hash, kind, person_id, organisation_id, family, verified, assurance, evidence, idle, expires_at, scopes, settled_at)
    select pass_hash, 'k', p.id, in_organisation, of_family, p.verified_at is not null, level, 'key', life, clock_timestamp() + life,
           mint_key.scopes, null
      from holdfast.person p where p.id = maker and p.disabled_at is null for key share;
  if not found then raise exception 'no such person' using errcode = 'HF401'; end if;
end $$;

/* The live pass of a key, or HF401. */
create function holdfast.live_key(secret bytea) returns holdfast.pass
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  p holdfast.pass;
begin
  select * into p from holdfast.pass
   where hash = sha256(secret) and kind = 'k' and revoked_at is null and expires_at > clock_timestamp()
     and (dead_at is null or dead_at > clock_timestamp());
  if not found then raise exception 'no live key' using errcode = 'HF401'; end if;
  return p;
end $$;

/* Ends all sessions of a person, but for the family given (null: none is spared). Returns how many. Keys end too where none is
   spared: a reset, a removal, a closed account. Whoever changes their own password, in a session that stays, keeps them. */
create or replace function holdfast.end_sessions_of(person uuid, spared uuid) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  ended integer;
begin
  -- This locks the person too; and no sign-in on what was read before opens anything (see 0011).
  update holdfast.person p set sessions_ended_by = pg_current_xact_id(), sessions_ended_at = clock_timestamp() where p.id = person;
  update holdfast.pass p set revoked_at = clock_timestamp()
   where p.person_id = person and p.revoked_at is null and p.family is distinct from spared and (p.kind <> 'k' or spared is null);
  get diagnostics ended = row_count;
  return ended;
end $$;

-- ── Jobs that a key asked for ────────────────────────────────────────────────────────────────────────────────────────

alter table holdfast.job add scopes bigint;
insert into holdfast.column_inventory (table_name, column_name, holds) values ('holdfast.job', 'scopes', 'none');

/* As before; the job of a key may do no more than the key. */
create or replace function holdfast.enqueue(kind text, payload jsonb) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  answer uuid;
begin
  if (select count(*) from holdfast.job j where j.organisation_id = holdfast.organisation() and j.done_at is null and j.failed_at is null) >= 1000 then
    raise exception 'too many jobs are waiting' using errcode = 'HF429';
  end if;
  insert into holdfast.job (organisation_id, person_id, kind, payload, scopes)
    values (holdfast.organisation(), holdfast.person(), enqueue.kind, enqueue.payload, holdfast.scopes()) returning id into answer;
  return answer;
end $$;

drop function holdfast.mint_lease(uuid, uuid, interval);
create function holdfast.mint_lease(person uuid, organisation uuid, life interval, of_scopes bigint) returns bytea
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  secret bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
begin
  insert into holdfast.pass (hash, kind, person_id, organisation_id, family, verified, assurance, evidence, idle, expires_at, scopes)
    select sha256(secret), 'l', p.id, organisation, gen_random_uuid(), p.verified_at is not null, 1::smallint, 'job', life,
           clock_timestamp() + life, of_scopes
      from holdfast.person p where p.id = person and p.disabled_at is null;
  if not found then raise exception 'no such person' using errcode = 'HF401'; end if;
  return secret;
end $$;

create or replace function holdfast.take_job(kinds text[], seconds integer)
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
    lease := holdfast.mint_lease(j.person_id, j.organisation_id, make_interval(secs => seconds), j.scopes);
  exception when sqlstate 'HF401' then
    update holdfast.job q set failed_at = clock_timestamp(), last_error = 'the person who asked for it is gone' where q.id = j.id;
    return;
  end;
  update holdfast.job q set attempts = q.attempts + 1, leased_until = clock_timestamp() + make_interval(secs => seconds), lease_hash = sha256(lease)
   where q.id = j.id;
  return query select j.id, j.organisation_id, j.kind, j.payload, j.attempts + 1, lease;
end $$;

create or replace function holdfast.enter_lease(secret bytea, wanted uuid, need bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  ctx text;
begin
  if current_setting('backtrace_functions') <> '' or current_setting('transaction_isolation') <> 'read committed' or pg_is_in_recovery() then
    perform holdfast.refuse_misuse();
  end if;
  select s.context || coalesce(lpad(to_hex(p.scopes), 16, '0'), '') into ctx
    from holdfast.pass p join holdfast.seat s on s.person_id = p.person_id and s.organisation_id = p.organisation_id
   where p.hash = sha256(secret) and p.kind = 'l' and p.organisation_id = enter_lease.wanted and p.revoked_at is null
     and p.expires_at > clock_timestamp() and p.verified and s.permissions & coalesce(p.scopes, s.permissions) & need = need;
  if ctx is null then
    perform holdfast.refuse_entry(secret, wanted, need, 'l');
    raise exception 'refused' using errcode = 'HF401';
  end if;
  ctx := set_config('backtrace_functions', ctx, true);
  return false;
end $$;

-- ── What the catalogues show ─────────────────────────────────────────────────────────────────────────────────────────

-- See 0009: there is one more function that may place a transaction.
create or replace function holdfast.weak_code() returns table (code text, object text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with recursive views as (
    select c.oid, c.oid::regclass as named, r.rolsuper or r.rolbypassrls as bypasses,
           exists (select from pg_options_to_table(c.reloptions) o where o.option_name = 'security_invoker' and o.option_value in ('true', 'on', 'yes', '1')) as invoker
      from pg_class c join pg_roles r on r.oid = c.relowner join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'v' and n.nspname !~ '^(pg_|information_schema$)'
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  ), reads as (
    select v.oid, d.refobjid from views v join pg_rewrite w on w.ev_class = v.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
  ), reach as (
    select oid, refobjid from reads
    union
    select r.oid, n.refobjid from reach r join reads n on n.oid = r.refobjid
  ), functions as (
    select p.*, p.oid::regprocedure::text as named, n.nspname, r.rolname, r.rolsuper or r.rolbypassrls or r.rolcanlogin as loose
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
     where n.nspname !~ '^(pg_|information_schema$)'
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  ), rights as materialized (
    select * from holdfast.rights() where kind = 'function'
  )
  select 'view-as-owner', v.named::text, format('alter view %s set (security_invoker = true);', v.named)
    from views v
   where not v.invoker and (v.bypasses or exists (select from reach r join holdfast.tenant_tables() t on t.relation = r.refobjid where r.oid = v.oid))
  union all
  -- Three of our own count or end, and give back numbers: the two stated holes.
  select 'definer-owner', f.named, format('alter function %s owner to %s;', f.named, case f.nspname when 'holdfast' then 'holdfast_keeper' else 'holdfast_owner' end)
    from functions f
   where f.prosecdef and f.loose
     and (f.named, f.rolname) not in (('holdfast.count_rows(regclass)', 'holdfast_counter'), ('holdfast.count_rows_of(regclass,uuid)', 'holdfast_counter'))
  union all
  select 'definer-search-path', f.named, format('alter function %s set search_path = pg_catalog, pg_temp;', f.named)
    from functions f
   where f.prosecdef and not coalesce(f.proconfig, '{}') && array['search_path=pg_catalog, pg_temp', 'search_path=pg_catalog,pg_temp']
  union all
  -- Whoever calls it chooses what runs, or what is set, with its owner's rights.
  select 'definer-dynamic', f.named, format('revoke execute on function %s from public, %s; -- or write it without EXECUTE and set_config', f.named, string_agg(distinct quote_ident(g.grantee), ', ') filter (where g.grantee <> 'PUBLIC'))
    from functions f join rights g on g.id = f.oid
   where f.prosecdef and f.prosrc ~* '\m(execute|set_config)\M'
     and f.named not in ('holdfast.enter(bytea,uuid,bigint)', 'holdfast.enter_key(bytea,uuid,bigint)', 'holdfast.enter_lease(bytea,uuid,bigint)',
                         'holdfast.enter_maintenance(uuid,uuid)', 'holdfast.close_maintenance(uuid,integer,bigint)',
                         'holdfast.count_rows(regclass)', 'holdfast.count_rows_of(regclass,uuid)', 'holdfast.surroundings()')
   group by f.named
  union all
  -- The keeper may place a transaction anywhere: its functions lie in one place, where the manifest names each.
  select 'definer-of-keeper', f.named, format('alter function %s owner to holdfast_owner;', f.named)
    from functions f where f.prosecdef and f.rolname = 'holdfast_keeper' and f.nspname <> 'holdfast'
  union all
  select 'executable-by-all', f.named, format('revoke execute on function %s from public;', f.named)
    from functions f join rights g on g.id = f.oid and g.grantee = 'PUBLIC'
   where f.nspname in ('holdfast', 'app') or f.prosecdef
  union all
  select 'leakproof', f.named, format('alter function %s not leakproof; -- it would run before the policies', f.named)
    from functions f where f.proleakproof
  union all
  select 'extension', e.extname, format('drop extension %I; -- not in the list of those that reach nothing beyond their caller''s rights', e.extname)
    from pg_extension e
   where e.extname <> all ('{plpgsql,btree_gin,btree_gist,citext,fuzzystrmatch,hstore,intarray,ltree,pg_trgm,unaccent}'::text[])
  union all
  select 'foreign-server', s.srvname, format('drop server %I cascade;', s.srvname) from pg_foreign_server s
$$;
