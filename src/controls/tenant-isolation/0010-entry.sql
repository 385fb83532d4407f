-- What identity that holds needs of entry: how many factors a person, a role and an organisation demand, how long a session
-- may rest in a role, and that a secret is due to be replaced. Entry reads two rows, `pass` and `seat`: what roles and
-- organisations say is written into the seats when it changes.

-- ── What is known of persons, roles and organisations ────────────────────────────────────────────────────────────────

-- 2 once a second factor is enrolled: from then on the password alone opens nothing.
-- wanted_since: since when without a break.
alter table holdfast.person add wanted_assurance smallint not null default 1 check (wanted_assurance between 1 and 3),
  add wanted_since timestamptz;
insert into holdfast.column_inventory (table_name, column_name, holds, category, retention) values
  ('holdfast.person', 'wanted_assurance', 'personal', 'account', 'account'),
  ('holdfast.person', 'wanted_since', 'personal', 'account', 'account');

-- How long a session may rest, and live, in this role.
alter table holdfast.role
  add idle interval not null default interval '24 hours' check (idle >= interval '1 minute'),
  add life interval not null default interval '30 days' check (life >= interval '1 minute');
insert into holdfast.column_inventory (table_name, column_name, holds)
  values ('holdfast.role', 'idle', 'none'), ('holdfast.role', 'life', 'none');

-- The assurance that an organisation demands of everybody in it, beyond what their roles do.
create table holdfast.organisation_floor (
  organisation_id uuid primary key,
  min_assurance smallint not null check (min_assurance between 1 and 3)
);
select holdfast.classify('holdfast.organisation_floor', 'account', $$
  organisation_id  none
  min_assurance    none
$$);

-- The seat as entry reads it. `context` is what goes into the setting.
alter table holdfast.seat
  add context text,
  add permissions bigint,
  add min_assurance smallint,
  add idle interval,
  add life interval,
  add rotate_after interval;

create function holdfast.fill_seat() returns trigger
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  of_role holdfast.role;
begin
  select * into strict of_role from holdfast.role r where r.role_id = new.role_id;
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
create trigger fill before insert or update on holdfast.seat for each row execute function holdfast.fill_seat();

create function holdfast.refill_seats_of_role() returns trigger
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  update holdfast.seat s set role_id = s.role_id where s.role_id = new.role_id;
  return null;
end $$;
create trigger refill_seats after update on holdfast.role for each row when (old.* is distinct from new.*)
  execute function holdfast.refill_seats_of_role();

create function holdfast.refill_seats_of_organisation() returns trigger
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  update holdfast.seat s set role_id = s.role_id where s.organisation_id = coalesce(new.organisation_id, old.organisation_id);
  return null;
end $$;
create trigger refill_seats after insert or update or delete on holdfast.organisation_floor for each row
  execute function holdfast.refill_seats_of_organisation();
create index seat_by_role on holdfast.seat (role_id);
-- With the organisation alone the planner might read all seats of a large one on every entry.
drop index holdfast.seat_by_organisation;
create index seat_by_organisation on holdfast.seat (organisation_id, person_id);

update holdfast.seat s set role_id = s.role_id;
alter table holdfast.seat
  alter context set not null,
  alter permissions set not null,
  alter min_assurance set not null,
  alter idle set not null,
  alter life set not null,
  alter rotate_after set not null;
insert into holdfast.column_inventory (table_name, column_name, holds, category, retention) values
  ('holdfast.seat', 'context', 'personal', 'membership', 'membership'),
  ('holdfast.seat', 'permissions', 'none', null, null),
  ('holdfast.seat', 'min_assurance', 'none', null, null),
  ('holdfast.seat', 'idle', 'none', null, null),
  ('holdfast.seat', 'life', 'none', null, null),
  ('holdfast.seat', 'rotate_after', 'none', null, null);

-- ── What is known of a session ───────────────────────────────────────────────────────────────────────────────────────

alter table holdfast.pass
  -- When the family began: a role's `life` counts from here, however often the secret was replaced.
  add started_at timestamptz not null default clock_timestamp(),
  -- When the person last showed who they are. Sensitive acts ask for it: see fresh_bearer.
  add shown_at timestamptz not null default clock_timestamp(),
  -- The assurance without which this pass opens nothing: the person's own wish.
  add wanted smallint not null default 1,
  -- How many secrets of the family came before, and when this one was first seen in use.
  add generation integer not null default 0,
  -- The longest time that the family went without a new secret: a role whose idle time is shorter asks its person to show anew.
  add rested interval not null default interval '0',
  add settled_at timestamptz default clock_timestamp();
update holdfast.pass set started_at = issued_at, shown_at = issued_at, settled_at = issued_at;
insert into holdfast.column_inventory (table_name, column_name, holds, category, retention) values
  ('holdfast.pass', 'started_at', 'personal', 'session', 'session'),
  ('holdfast.pass', 'shown_at', 'personal', 'session', 'session'),
  ('holdfast.pass', 'wanted', 'none', null, null),
  ('holdfast.pass', 'generation', 'none', null, null),
  ('holdfast.pass', 'rested', 'none', null, null),
  ('holdfast.pass', 'settled_at', 'personal', 'session', 'session');

-- ── Entry ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/* Says why entry was refused, with a SQLSTATE that the pipeline's one table maps to a status. A stranger learns only that
   the secret opens nothing; whoever holds a valid secret learns about himself, and nothing about others' organisations. */
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
  if p.assurance < p.wanted then raise exception 'the second factor was not shown' using errcode = 'HF427'; end if;
  select * into s from holdfast.seat
   where seat.person_id = p.person_id and seat.organisation_id = refuse_entry.wanted
     and (p.organisation_id is null or p.organisation_id = refuse_entry.wanted);
  if not found then raise exception 'no seat' using errcode = 'HF404'; end if;
  if p.assurance < s.min_assurance then raise exception 'a second factor is demanded' using errcode = 'HF428'; end if;
  if p.issued_at + s.idle <= clock_timestamp() or p.rested >= s.idle or p.started_at + s.life <= clock_timestamp() then
    raise exception 'too long ago for this role' using errcode = 'HF440';
  end if;
  raise exception 'permission missing' using errcode = 'HF403';
end $$;

/* Authenticates the bearer of `secret` and stores the verified organisation ‖ person ‖ role, local to the transaction.
   secret: 32 bytes, D; its hash lies in `pass`. need: mask of permission bits. Returns true when something is due: the
   secret is to be replaced, or was never seen in use before (see touch, in sessions). Raises HF401, HF403, HF404, HF412,
   HF427, HF428, HF440 (see refuse_entry), HF000 where entry itself is misused. */
create or replace function holdfast.enter(secret bytea, wanted uuid, need bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  ctx text;
  due boolean;
  -- Once: each call within the query costs as much as a comparison.
  at timestamptz := clock_timestamp();
begin
  -- One expression, for each costs as much as the next: entered already; or an older snapshot, or a standby that lags, either
  -- of which would accept what has been revoked.
  if current_setting('backtrace_functions') <> '' or current_setting('transaction_isolation') <> 'read committed' or pg_is_in_recovery() then
    perform holdfast.refuse_misuse();
  end if;
  select s.context, p.settled_at is null or p.issued_at + s.rotate_after < at
    into ctx, due
    from holdfast.pass p
    join holdfast.seat s on s.person_id = p.person_id and s.organisation_id = enter.wanted
   where p.hash = sha256(secret) and p.kind = 's' and p.revoked_at is null and p.expires_at > at
     and p.issued_at + p.idle > at and (p.dead_at is null or p.dead_at > at)
     and p.verified and p.assurance >= p.wanted
     and p.assurance >= s.min_assurance and s.permissions & need = need
     and p.issued_at + s.idle > at and p.rested < s.idle and p.started_at + s.life > at;
  if ctx is null then
    perform holdfast.refuse_entry(secret, wanted, need, 's');
    raise exception 'refused' using errcode = 'HF401';
  end if;
  -- An assignment is an expression; PERFORM would be a query.
  ctx := set_config('backtrace_functions', ctx, true);
  return due;
end $$;

/* Raises HF000 and says which rule of entry was broken. */
create function holdfast.refuse_misuse() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('backtrace_functions') <> '' then
    raise exception 'this transaction has entered already' using errcode = 'HF000';
  end if;
  raise exception 'entry needs READ COMMITTED on the primary' using errcode = 'HF000';
end $$;

/* The same for the work of a job, which presents its lease: one organisation, as the person who asked for the job. The
   assurance was asked for when the job was: a lease has none of its own. */
create or replace function holdfast.enter_lease(secret bytea, wanted uuid, need bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  ctx text;
begin
  if current_setting('backtrace_functions') <> '' or current_setting('transaction_isolation') <> 'read committed' or pg_is_in_recovery() then
    perform holdfast.refuse_misuse();
  end if;
  select s.context into ctx
    from holdfast.pass p join holdfast.seat s on s.person_id = p.person_id and s.organisation_id = p.organisation_id
   where p.hash = sha256(secret) and p.kind = 'l' and p.organisation_id = enter_lease.wanted and p.revoked_at is null
     and p.expires_at > clock_timestamp() and p.verified and s.permissions & need = need;
  if ctx is null then
    perform holdfast.refuse_entry(secret, wanted, need, 'l');
    raise exception 'refused' using errcode = 'HF401';
  end if;
  ctx := set_config('backtrace_functions', ctx, true);
  return false;
end $$;

-- For the keeper's own verbs alone, as before.
create or replace function holdfast.assume(organisation uuid, person uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  ctx text;
begin
  if current_setting('backtrace_functions') <> '' then perform holdfast.refuse_misuse(); end if;
  select s.context into ctx from holdfast.seat s where s.person_id = person and s.organisation_id = organisation;
  if ctx is null then raise exception 'no seat' using errcode = 'HF404'; end if;
  ctx := set_config('backtrace_functions', ctx, true);
end $$;

-- ── Verbs by which higher controls push facts down ───────────────────────────────────────────────────────────────────

/* The live session behind a secret, or HF401. */
create function holdfast.live_pass(secret bytea) returns holdfast.pass
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  p holdfast.pass;
begin
  select * into p from holdfast.pass
   where hash = sha256(secret) and kind = 's' and revoked_at is null and expires_at > clock_timestamp()
     and issued_at + idle > clock_timestamp() and (dead_at is null or dead_at > clock_timestamp());
  if not found then raise exception 'no live pass' using errcode = 'HF401'; end if;
  return p;
end $$;

/* The person behind a live session that has shown every factor it should have. HF401, HF427; `only_verified` refuses an
   unverified address with HF412. */
create or replace function holdfast.bearer(secret bytea, only_verified boolean) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  p holdfast.pass := holdfast.live_pass(secret);
begin
  if p.assurance < p.wanted then raise exception 'the second factor was not shown' using errcode = 'HF427'; end if;
  if only_verified and not p.verified then raise exception 'address not verified' using errcode = 'HF412'; end if;
  return p.person_id;
end $$;

/* The person behind any live session, also one that has yet to show its second factor: for showing it, for signing out, and
   for what a person is told about themselves. HF401. */
create function holdfast.half_bearer(secret bytea) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  return (holdfast.live_pass(secret)).person_id;
end $$;

/* As bearer(secret, true), for sensitive acts: HF440 unless the person has shown who they are within this time. */
create function holdfast.fresh_bearer(secret bytea, within interval) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
begin
  if (holdfast.live_pass(secret)).shown_at + within <= clock_timestamp() then
    raise exception 'shown too long ago' using errcode = 'HF440';
  end if;
  return who;
end $$;

/* How many factors a person's sessions must have shown, from the next transaction on. */
create function holdfast.want_assurance(person uuid, level smallint) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  -- The person first: mint waits for it, and then copies what was set here.
  update holdfast.person p set wanted_assurance = level,
      wanted_since = case when level < 2 then null when p.wanted_assurance < 2 then clock_timestamp() else p.wanted_since end
   where p.id = person;
  if not found then raise exception 'no such person' using errcode = 'HF404'; end if;
  update holdfast.pass p set wanted = level where p.person_id = person and p.kind = 's';
end $$;

/* The assurance that an organisation demands of everybody in it, from the next transaction on. */
create function holdfast.set_floor(organisation uuid, level smallint) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  insert into holdfast.organisation_floor as f (organisation_id, min_assurance) values (organisation, level)
    on conflict (organisation_id) do update set min_assurance = excluded.min_assurance where f.min_assurance <> excluded.min_assurance;
end;

/* Whoever is disabled holds nothing any more, by whatever statement it was done. */
create function holdfast.end_passes_of_disabled() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  update holdfast.pass p set revoked_at = clock_timestamp() where p.person_id = new.id and p.revoked_at is null;
  return null;
end $$;
create trigger end_passes after update of disabled_at on holdfast.person for each row
  when (new.disabled_at is not null and old.disabled_at is null) execute function holdfast.end_passes_of_disabled();

create or replace function holdfast.mint(pass_hash bytea, person uuid, level smallint, shown text, idle_time interval, life interval, of_family uuid)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  who holdfast.person;
begin
  select p.* into who from holdfast.person p where p.id = person and p.disabled_at is null for update;
  if not found then raise exception 'no such person' using errcode = 'HF401'; end if;
  -- What rotation made is no new session.
  if (select count(*) from holdfast.pass p
       where p.person_id = person and p.generation = 0 and p.issued_at > clock_timestamp() - interval '1 hour') >= 300 then
    raise exception 'too many sessions in an hour' using errcode = 'HF429';
  end if;
  if level not between 1 and 3 or life > interval '30 days' then
    raise exception 'no such session' using errcode = 'HF422';
  end if;
  insert into holdfast.pass (hash, kind, person_id, family, verified, assurance, wanted, evidence, idle, expires_at)
    values (pass_hash, 's', person, of_family, who.verified_at is not null, level, who.wanted_assurance, shown, idle_time,
            clock_timestamp() + life);
  return who.verified_at is not null;
end $$;

/* Roles as the product defines them: see 0001. `wanted` may also say how long a session rests and lives in a role:
   {"owner": {"permissions": [...], "minAssurance": 2, "idleMinutes": 60, "lifeHours": 24}}. */
create or replace function holdfast.set_roles(wanted jsonb) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  entry record;
  mask bigint;
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
    select coalesce(bit_or(1::bigint << p.bit), 0) into mask from holdfast.permission p
     where entry.value -> 'permissions' ? p.name;
    insert into holdfast.role (role_id, name, permissions, min_assurance, idle, life)
      values (lpad(to_hex((select count(*) from holdfast.role)), 2, '0'), entry.name, mask, entry.assurance, entry.idle, entry.life)
      on conflict (name) do update
        set permissions = excluded.permissions, min_assurance = excluded.min_assurance, idle = excluded.idle, life = excluded.life
      where (role.permissions, role.min_assurance, role.idle, role.life)
            is distinct from (excluded.permissions, excluded.min_assurance, excluded.idle, excluded.life);
  end loop;
  if exists (select from holdfast.role r where not wanted ? r.name and exists (select from holdfast.seat s where s.role_id = r.role_id)) then
    raise exception 'a role that people still hold is no longer defined: %',
      (select string_agg(r.name, ', ') from holdfast.role r where not wanted ? r.name and exists (select from holdfast.seat s where s.role_id = r.role_id));
  end if;
  -- A role that nobody holds keeps its number and opens nothing.
  update holdfast.role r set permissions = 0 where not wanted ? r.name;
end $$;
