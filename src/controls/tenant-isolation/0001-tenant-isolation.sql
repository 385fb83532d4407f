-- The heart. `pass` and `seat` hold all that entry needs; higher controls push facts down into them by the verbs below,
-- so that entry reads nothing above it. Everything here belongs to holdfast_keeper.

-- ── Table classes and the column inventory: default-deny ─────────────────────────────────────────────────────────────

create table holdfast.table_class (
  table_name text primary key,
  class text not null check (class in ('tenant', 'account', 'platform', 'public'))
);

create table holdfast.column_inventory (
  table_name text not null references holdfast.table_class on delete cascade,
  column_name text not null,
  holds text not null check (holds in ('none', 'personal', 'secret')),
  category text check (category ~ '^[a-z][a-z0-9-]*$'),
  retention text check (retention ~ '^[a-z0-9][a-z0-9-]*$'),
  primary key (table_name, column_name),
  -- What is personal or secret says what it is and how long it is kept.
  check (holds = 'none' or (category is not null and retention is not null))
);

-- Functions that protect() calls for each table, in order: a higher control registers its step instead of being called up.
create table holdfast.protect_step (
  position integer primary key,
  step text not null
);

create function holdfast.qualified_name(relation regclass) returns text
language sql stable set search_path = pg_catalog, pg_temp
return (select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = relation);

/* Writes class and inventory. `inventory` has a line for each column: name, holds, category, retention. */
create function holdfast.declare_table(relation regclass, class text, inventory text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  named text := holdfast.qualified_name(relation);
  line text;
  word text[];
begin
  insert into holdfast.table_class values (named, class)
    on conflict (table_name) do update set class = excluded.class;
  delete from holdfast.column_inventory where table_name = named;
  if class = 'tenant' then
    insert into holdfast.column_inventory values (named, 'organisation_id', 'none');
  end if;
  foreach line in array regexp_split_to_array(inventory, '\n') loop
    word := regexp_split_to_array(trim(line), '\s+');
    continue when word[1] = '';
    if cardinality(word) > 4 then
      raise exception 'inventory of %: «%» has more than four words', named, trim(line);
    end if;
    if word[2] is null or word[2] not in ('none', 'personal', 'secret') or (word[2] <> 'none' and cardinality(word) < 4) then
      raise exception 'inventory of %: «%» does not say what the column holds', named, trim(line)
        using hint = format('Write one of: %1$s none | %1$s personal <category> <retention> | %1$s secret <category> <retention>', word[1]);
    end if;
    insert into holdfast.column_inventory values (named, word[1], word[2], word[3], word[4]);
  end loop;
  for word in
    select array[coalesce(a.attname, i.column_name), case when a.attname is null then 'gone' else 'missing' end]
      from (select attname::text from pg_attribute where attrelid = relation and attnum > 0 and not attisdropped) a
      full join (select column_name from holdfast.column_inventory where table_name = named) i on i.column_name = a.attname
     where a.attname is null or i.column_name is null
  loop
    if word[2] = 'gone' then
      raise exception 'inventory of % names the column %, which it does not have', named, word[1];
    end if;
    raise exception 'the inventory of % has no line for the column %', named, word[1]
      using hint = format('Add a line to the inventory: %s none | personal <category> <retention> | secret <category> <retention>', word[1]);
  end loop;
end $$;

/* A table that no organisation owns: `account`, `platform` or `public`. Grants are written beside it. */
create function holdfast.classify(relation regclass, class text, inventory text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  if class = 'tenant' then
    raise exception 'a tenant table is set up by holdfast.protect()';
  end if;
  perform holdfast.declare_table(relation, class, inventory);
end $$;

/* Every table that lacks a class and every column that lacks a line. Anything here stops migrations and start-up. */
create function holdfast.unclassified() returns table (object text, remedy text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  with tables as (
    select c.oid, n.nspname || '.' || c.relname as named, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'f', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  )
  select named, case relkind
      when 'f' then 'a foreign table cannot be protected: drop it'
      when 'm' then 'a materialised view holds rows of all tenants without policies: drop it'
      else format('give it a class: select holdfast.protect(%L, …) or holdfast.classify(%L, …)', named, named) end
    from tables where relkind in ('f', 'm') or not exists (select from holdfast.table_class t where t.table_name = named)
  union all
  select t.named || '.' || a.attname, 'add the column to the inventory beside its table'
    from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
   where t.relkind in ('r', 'p') and exists (select from holdfast.table_class k where k.table_name = t.named)
     and not exists (select from holdfast.column_inventory i where i.table_name = t.named and i.column_name = a.attname)
  union all
  select i.table_name || '.' || i.column_name, 'the inventory names what no longer exists: declare the table again'
    from holdfast.column_inventory i
   where not exists (select from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
                      where t.named = i.table_name and a.attname = i.column_name);
end;

-- ── Who may be where ─────────────────────────────────────────────────────────────────────────────────────────────────

create table holdfast.person (
  id uuid primary key,
  verified_at timestamptz,
  disabled_at timestamptz,
  canary boolean not null default false
);
select holdfast.classify('holdfast.person', 'account', $$
  id           none
  verified_at  personal  account  account
  disabled_at  personal  account  account
  canary       none
$$);

-- A role by its number, never by its name, because the setting takes letters and digits only. Written at every start.
create table holdfast.role (
  role_id char(2) primary key check (role_id ~ '^[0-9a-f]{2}$'),
  name text not null unique,
  permissions bigint not null,
  min_assurance smallint not null default 1
);
select holdfast.classify('holdfast.role', 'platform', $$
  role_id        none
  name           none
  permissions    none
  min_assurance  none
$$);

-- A permission is a bit. A bit once given keeps its meaning for ever.
create table holdfast.permission (
  name text primary key,
  bit smallint not null unique check (bit between 0 and 62)
);
select holdfast.classify('holdfast.permission', 'platform', $$
  name  none
  bit   none
$$);

create table holdfast.seat (
  person_id uuid not null references holdfast.person on delete cascade,
  organisation_id uuid not null,
  role_id char(2) not null references holdfast.role,
  primary key (person_id, organisation_id)
);
create index seat_by_organisation on holdfast.seat (organisation_id);
select holdfast.classify('holdfast.seat', 'account', $$
  person_id        personal  membership  membership
  organisation_id  none
  role_id          personal  membership  membership
$$);

-- A bearer secret, by the hash of what is presented. kind: s session, k key, l lease of a job.
create table holdfast.pass (
  hash bytea primary key check (octet_length(hash) = 32),
  kind char(1) not null check (kind in ('s', 'k', 'l')),
  person_id uuid not null references holdfast.person on delete cascade,
  organisation_id uuid,
  family uuid not null,
  verified boolean not null,
  assurance smallint not null,
  evidence text not null,
  issued_at timestamptz not null default clock_timestamp(),
  idle interval not null,
  expires_at timestamptz not null,
  dead_at timestamptz,
  revoked_at timestamptz,
  check ((kind = 's') = (organisation_id is null))
);
create index pass_by_person on holdfast.pass (person_id, issued_at);
create index pass_by_family on holdfast.pass (family);
create index pass_by_expiry on holdfast.pass (expires_at);
select holdfast.classify('holdfast.pass', 'account', $$
  hash             secret    session  session
  kind             none
  person_id        personal  session  session
  organisation_id  none
  family           none
  verified         none
  assurance        none
  evidence         none
  issued_at        personal  session  session
  idle             none
  expires_at       none
  dead_at          none
  revoked_at       none
$$);
select holdfast.classify('holdfast.table_class', 'platform', $$
  table_name  none
  class       none
$$);
select holdfast.classify('holdfast.column_inventory', 'platform', $$
  table_name   none
  column_name  none
  holds        none
  category     none
  retention    none
$$);
select holdfast.classify('holdfast.protect_step', 'platform', $$
  position  none
  step      none
$$);

-- ── Entry ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/* Says why entry was refused, with a SQLSTATE that the pipeline's one table maps to a status. A stranger learns only that
   the secret opens nothing; whoever holds a valid secret learns about himself, and nothing about others' organisations. */
create function holdfast.refuse_entry(secret bytea, wanted uuid, need bigint, of_kind char) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  p holdfast.pass;
  mask bigint;
  assurance_needed smallint;
begin
  select * into p from holdfast.pass
   where hash = sha256(secret) and kind = of_kind and revoked_at is null and expires_at > clock_timestamp()
     and issued_at + idle > clock_timestamp() and (dead_at is null or dead_at > clock_timestamp());
  if not found then raise exception 'no live pass' using errcode = 'HF401'; end if;
  if not p.verified then raise exception 'address not verified' using errcode = 'HF412'; end if;
  select r.permissions, r.min_assurance into mask, assurance_needed
    from holdfast.seat s join holdfast.role r using (role_id)
   where s.person_id = p.person_id and s.organisation_id = wanted
     and (p.organisation_id is null or p.organisation_id = wanted);
  if not found then raise exception 'no seat' using errcode = 'HF404'; end if;
  if p.assurance < assurance_needed then raise exception 'a second factor is needed' using errcode = 'HF428'; end if;
  raise exception 'permission missing' using errcode = 'HF403';
end $$;

/* Authenticates the bearer of `secret` and stores the verified organisation ‖ person ‖ role, local to the transaction.
   secret: 32 bytes, D; its hash lies in `pass`. need: mask of permission bits. Returns true when the secret is due for
   rotation. Raises HF401, HF403, HF404, HF412, HF428 (see refuse_entry), HF000 where entry itself is misused. */
create function holdfast.enter(secret bytea, wanted uuid, need bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  context text;
  stale boolean;
begin
  if current_setting('backtrace_functions') <> '' then
    raise exception 'this transaction has entered already' using errcode = 'HF000';
  end if;
  -- An older snapshot, or a standby that lags, would accept what has been revoked.
  if current_setting('transaction_isolation') <> 'read committed' or pg_is_in_recovery() then
    raise exception 'entry needs READ COMMITTED on the primary' using errcode = 'HF000';
  end if;
  select 'h' || replace(s.organisation_id::text, '-', '') || replace(s.person_id::text, '-', '') || s.role_id,
         p.issued_at < clock_timestamp() - interval '10 minutes'
    into context, stale
    from holdfast.pass p
    join holdfast.seat s on s.person_id = p.person_id and s.organisation_id = wanted
    join holdfast.role r on r.role_id = s.role_id
   where p.hash = sha256(secret) and p.kind = 's' and p.revoked_at is null and p.expires_at > clock_timestamp()
     and p.issued_at + p.idle > clock_timestamp() and (p.dead_at is null or p.dead_at > clock_timestamp())
     and p.verified and p.assurance >= r.min_assurance and r.permissions & need = need;
  if context is null then
    perform holdfast.refuse_entry(secret, wanted, need, 's');
    raise exception 'refused' using errcode = 'HF401';
  end if;
  perform set_config('backtrace_functions', context, true);
  return stale;
end $$;
grant execute on function holdfast.enter(bytea, uuid, bigint) to holdfast_app;

/* The same for the work of a job, which presents its lease: one organisation, as the person who asked for the job. The app's
   role, because whoever runs a product's SQL must not also be able to take jobs and mail: an injection in a job would. */
create function holdfast.enter_lease(secret bytea, wanted uuid, need bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  context text;
begin
  if current_setting('backtrace_functions') <> '' then
    raise exception 'this transaction has entered already' using errcode = 'HF000';
  end if;
  if current_setting('transaction_isolation') <> 'read committed' or pg_is_in_recovery() then
    raise exception 'entry needs READ COMMITTED on the primary' using errcode = 'HF000';
  end if;
  select 'h' || replace(s.organisation_id::text, '-', '') || replace(s.person_id::text, '-', '') || s.role_id
    into context
    from holdfast.pass p
    join holdfast.seat s on s.person_id = p.person_id and s.organisation_id = p.organisation_id
    join holdfast.role r on r.role_id = s.role_id
   where p.hash = sha256(secret) and p.kind = 'l' and p.organisation_id = wanted and p.revoked_at is null
     and p.expires_at > clock_timestamp() and p.verified and r.permissions & need = need;
  if context is null then
    perform holdfast.refuse_entry(secret, wanted, need, 'l');
    raise exception 'refused' using errcode = 'HF401';
  end if;
  perform set_config('backtrace_functions', context, true);
  return false;
end $$;
grant execute on function holdfast.enter_lease(bytea, uuid, bigint) to holdfast_app;

-- The verified context, for defaults and for SQL of the product. They raise where nothing was entered.
create function holdfast.organisation() returns uuid language sql stable parallel safe
return substr(current_setting('backtrace_functions'), 2, 32)::uuid;
create function holdfast.person() returns uuid language sql stable parallel safe
return substr(current_setting('backtrace_functions'), 34, 32)::uuid;
grant execute on function holdfast.organisation(), holdfast.person() to holdfast_app, holdfast_owner;

/* For the keeper's own verbs alone: places the transaction in an organisation that the verb itself has just decided on. */
create function holdfast.assume(organisation uuid, person uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  context text;
begin
  if current_setting('backtrace_functions') <> '' then
    raise exception 'this transaction has entered already' using errcode = 'HF000';
  end if;
  select 'h' || replace(s.organisation_id::text, '-', '') || replace(s.person_id::text, '-', '') || s.role_id into context
    from holdfast.seat s where s.person_id = person and s.organisation_id = organisation;
  if context is null then raise exception 'no seat' using errcode = 'HF404'; end if;
  perform set_config('backtrace_functions', context, true);
end $$;

-- ── Verbs by which higher controls push facts down. Without a grant they are for the keeper's own functions only ─────

/* The person behind a live session, or HF401. `only_verified` refuses an unverified address with HF412. */
create function holdfast.bearer(secret bytea, only_verified boolean) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  p holdfast.pass;
begin
  select * into p from holdfast.pass
   where hash = sha256(secret) and kind = 's' and revoked_at is null and expires_at > clock_timestamp()
     and issued_at + idle > clock_timestamp() and (dead_at is null or dead_at > clock_timestamp());
  if not found then raise exception 'no live pass' using errcode = 'HF401'; end if;
  if only_verified and not p.verified then raise exception 'address not verified' using errcode = 'HF412'; end if;
  return p.person_id;
end $$;

create function holdfast.add_person(person uuid, is_canary boolean) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  insert into holdfast.person (id, canary) values (person, is_canary);
end;

/* The address of the person is verified: every pass of theirs opens what their seats allow, from the next transaction on. */
create function holdfast.mark_verified(person uuid) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  update holdfast.person p set verified_at = clock_timestamp() where p.id = person and p.verified_at is null;
  update holdfast.pass p set verified = true where p.person_id = person;
end;

create function holdfast.grant_seat(organisation uuid, person uuid, role_name text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  number char(2);
begin
  select role_id into number from holdfast.role where name = role_name;
  if not found then raise exception 'no such role' using errcode = 'HF422'; end if;
  insert into holdfast.seat (person_id, organisation_id, role_id) values (person, organisation, number)
    on conflict (person_id, organisation_id) do update set role_id = excluded.role_id;
end $$;

create function holdfast.remove_seat(organisation uuid, person uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  delete from holdfast.seat s where s.person_id = person and s.organisation_id = organisation;
  if not found then return false; end if;
  -- Keys and leases of that person in that organisation end with the seat.
  update holdfast.pass p set revoked_at = clock_timestamp()
   where p.person_id = person and p.organisation_id = organisation and p.revoked_at is null;
  return true;
end $$;

/* A new session, for the identity role alone: recorded (the pass is the record) and capped. `pass_hash` = SHA-256(D).
   `verified` is the database's own knowledge. Raises HF429 past the cap, HF401 for a person who is unknown or disabled. */
create function holdfast.mint(pass_hash bytea, person uuid, level smallint, shown text, idle_time interval, life interval, of_family uuid)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  is_verified boolean;
begin
  select p.verified_at is not null into is_verified from holdfast.person p where p.id = person and p.disabled_at is null for update;
  if not found then raise exception 'no such person' using errcode = 'HF401'; end if;
  if (select count(*) from holdfast.pass p where p.person_id = person and p.issued_at > clock_timestamp() - interval '1 hour') >= 300 then
    raise exception 'too many sessions in an hour' using errcode = 'HF429';
  end if;
  if level not between 1 and 3 or life > interval '30 days' then
    raise exception 'no such session' using errcode = 'HF422';
  end if;
  insert into holdfast.pass (hash, kind, person_id, family, verified, assurance, evidence, idle, expires_at)
    values (pass_hash, 's', person, of_family, is_verified, level, shown, idle_time, clock_timestamp() + life);
  return is_verified;
end $$;
grant execute on function holdfast.mint(bytea, uuid, smallint, text, interval, interval, uuid) to holdfast_identity;

/* Ends the session that is presented, and its whole family. Returns whether it was alive. */
create function holdfast.end_session(secret bytea) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  its_family uuid;
begin
  update holdfast.pass p set revoked_at = clock_timestamp()
   where p.hash = sha256(secret) and p.kind = 's' and p.revoked_at is null
  returning p.family into its_family;
  if not found then return false; end if;
  update holdfast.pass p set revoked_at = clock_timestamp() where p.family = its_family and p.revoked_at is null;
  return true;
end $$;
grant execute on function holdfast.end_session(bytea) to holdfast_app, holdfast_identity;

/* Ends all sessions of a person, but for the family given (null: none is spared). Returns how many. */
create function holdfast.end_sessions_of(person uuid, spared uuid) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  ended integer;
begin
  update holdfast.pass p set revoked_at = clock_timestamp()
   where p.person_id = person and p.revoked_at is null and p.family is distinct from spared;
  get diagnostics ended = row_count;
  return ended;
end $$;

/* A lease of one job: returns the secret, which is nowhere else. For the keeper's job verbs alone. */
create function holdfast.mint_lease(person uuid, organisation uuid, life interval) returns bytea
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  secret bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
begin
  insert into holdfast.pass (hash, kind, person_id, organisation_id, family, verified, assurance, evidence, idle, expires_at)
    select sha256(secret), 'l', p.id, organisation, gen_random_uuid(), p.verified_at is not null, 1::smallint, 'job', life, clock_timestamp() + life
      from holdfast.person p where p.id = person and p.disabled_at is null;
  if not found then raise exception 'no such person' using errcode = 'HF401'; end if;
  return secret;
end $$;

create function holdfast.end_lease(secret bytea) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  delete from holdfast.pass p where p.hash = sha256(secret) and p.kind = 'l';
end;

/* The organisations of the person who presents `secret`; no context is needed and none is given. */
create function holdfast.my_seats(secret bytea) returns table (organisation_id uuid, role_name text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select s.organisation_id, r.name from holdfast.seat s join holdfast.role r using (role_id)
   where s.person_id = holdfast.bearer(secret, false) order by s.organisation_id;
end;
grant execute on function holdfast.my_seats(bytea) to holdfast_app;

/* Deletes passes that have been dead for a month: until then they are the record of who came in. */
create function holdfast.sweep_passes() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
begin
  delete from holdfast.pass where hash in (
    select hash from holdfast.pass where expires_at < clock_timestamp() - interval '30 days' order by expires_at limit 5000);
  get diagnostics gone = row_count;
  return gone;
end $$;
grant execute on function holdfast.sweep_passes() to holdfast_worker;

-- ── protect(): what makes a table a tenant's ─────────────────────────────────────────────────────────────────────────

/* Sets a table up for tenants: default and forced row-level security on organisation_id, grants for the app, no
   statistics that could show other tenants' values, and the steps of higher controls. Refuses what would leak. Runs with
   the rights of its caller, who owns the table. */
create function holdfast.protect(relation regclass, inventory text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  own pg_roles;
  kind "char";
  named text := holdfast.qualified_name(relation);
  tenant_column smallint;
  bad text;
  part regclass;
  col text;
  todo record;
  here constant text := $p$organisation_id = (select substr(current_setting('backtrace_functions'), 2, 32)::uuid)$p$;
begin
  select r.* into own from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = relation;
  select relkind into kind from pg_class where oid = relation;
  if kind not in ('r', 'p') then
    raise exception '% is not a table', named;
  end if;
  if own.rolsuper or own.rolbypassrls or own.rolcanlogin then
    raise exception 'the owner of % (%) can log in or bypasses row-level security', named, own.rolname;
  end if;
  select attnum into tenant_column from pg_attribute
   where attrelid = relation and attname = 'organisation_id' and atttypid = 'uuid'::regtype and attnotnull and not attisdropped;
  if tenant_column is null then
    raise exception '% needs a column organisation_id uuid not null', named
      using hint = 'Every row of a tenant table belongs to one organisation; the default is set here.';
  end if;
  -- An index that does not begin with the organisation answers questions about other tenants: whether a key exists.
  select string_agg(i.indexrelid::regclass::text, ', ') into bad from pg_index i where i.indrelid = relation and i.indkey[0] <> tenant_column;
  if bad is not null then
    raise exception 'index of % not led by organisation_id: %', named, bad
      using hint = 'Begin the index, or the key, with organisation_id: create index … (organisation_id, …).';
  end if;
  select string_agg(i.indexrelid::regclass::text, ', ') into bad from pg_index i where i.indrelid = relation and i.indexprs is not null;
  if bad is not null then
    raise exception 'index of % on an expression: %. Store the normalised value in a column of its own', named, bad
      using hint = 'Statistics of an expression show other tenants'' values in estimates, and few expressions are leakproof.';
  end if;
  if not exists (select from pg_index where indrelid = relation and indisprimary) then
    raise exception '% needs a primary key', named;
  end if;
  select string_agg(k.conname, ', ') into bad from pg_constraint k
   where k.contype = 'f' and k.conrelid = relation
     and exists (select from pg_attribute a where a.attrelid = k.confrelid and a.attname = 'organisation_id' and not a.attisdropped)
     and not exists (
       select from unnest(k.conkey, k.confkey) as pair (here, there)
         join pg_attribute a on a.attrelid = k.confrelid and a.attnum = pair.there
        where pair.here = tenant_column and a.attname = 'organisation_id');
  if bad is not null then
    raise exception 'foreign key of % without organisation_id on both sides: %', named, bad;
  end if;
  -- SET NULL or SET DEFAULT without a list of columns would strike the organisation too.
  select string_agg(k.conname, ', ') into bad from pg_constraint k
   where k.contype = 'f' and k.conrelid = relation and k.confdeltype in ('n', 'd') and k.conkey @> array[tenant_column]
     and (k.confdelsetcols is null or k.confdelsetcols @> array[tenant_column]);
  if bad is not null then
    raise exception 'foreign key of % would set organisation_id to null: %. Write ON DELETE SET NULL (column)', named, bad;
  end if;
  for bad in
    select format('%s (%s)', i.indexrelid::regclass, a.attname) from pg_index i
      cross join lateral unnest(i.indclass::oid[], i.indkey::int2[]) with ordinality as part (class, att, at)
      join pg_opclass o on o.oid = part.class
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = part.att
     where i.indrelid = relation and part.at > 1
       and exists (select from pg_amop m join pg_operator op on op.oid = m.amopopr join pg_proc f on f.oid = op.oprcode
                    where m.amopfamily = o.opcfamily and m.amopstrategy = 3 and m.amoplefttype = o.opcintype
                      and m.amoprighttype = o.opcintype and not f.proleakproof)
  loop
    raise warning 'index % compares by an operator that is not leakproof: under row-level security it will not be used for searching', bad
      using hint = 'Keep text, uuid, bigint, date or timestamptz in the key: money as bigint cents, enumerations as text with a CHECK.';
  end loop;

  perform holdfast.declare_table(relation, 'tenant', inventory);
  execute format('alter table %s alter column organisation_id set default holdfast.organisation()', relation);
  execute format('alter table %s enable row level security', relation);
  execute format('alter table %s force row level security', relation);
  execute format('drop policy if exists tenant_allow on %s', relation);
  execute format('drop policy if exists tenant_floor on %s', relation);
  execute format('create policy tenant_allow on %s as permissive for all to public using (%s) with check (%s)', relation, here, here);
  execute format('create policy tenant_floor on %s as restrictive for all to public using (%s) with check (%s)', relation, here, here);
  execute format('revoke all on %s from public, holdfast_app, holdfast_worker', relation);
  execute format('grant select, insert, update, delete on %s to holdfast_app', relation);
  execute format('grant select on %s to holdfast_counter', relation);
  -- Estimates in EXPLAIN are made from all tenants' values: keep none. Before the first ANALYZE, or old rows stay.
  for col in select attname from pg_attribute where attrelid = relation and attnum > 0 and not attisdropped loop
    execute format('alter table %s alter column %I set statistics 0', relation, col);
  end loop;
  for todo in select step from holdfast.protect_step order by position loop
    execute format('select %s($1)', todo.step::regproc) using relation;
  end loop;
  for part in select inhrelid::regclass from pg_inherits where inhparent = relation loop
    perform holdfast.protect(part, inventory);
    execute format('revoke all on %s from holdfast_app, holdfast_worker', part);
  end loop;
end $$;
grant execute on function holdfast.protect(regclass, text), holdfast.classify(regclass, text, text),
  holdfast.declare_table(regclass, text, text), holdfast.qualified_name(regclass), holdfast.unclassified() to holdfast_owner, holdfast_auditor;
revoke execute on function holdfast.declare_table(regclass, text, text), holdfast.protect(regclass, text),
  holdfast.classify(regclass, text, text) from holdfast_auditor;
grant execute on function holdfast.unclassified() to holdfast_migrator, holdfast_prover;
grant select on holdfast.table_class, holdfast.column_inventory, holdfast.protect_step to holdfast_owner, holdfast_auditor, holdfast_migrator;
grant select on holdfast.permission, holdfast.role to holdfast_app, holdfast_identity, holdfast_worker, holdfast_auditor, holdfast_migrator;

/* Makes roles and permissions what the product's definition says. A permission keeps its bit for ever; a role that seats
   still hold cannot vanish. `wanted`: {"owner": {"permissions": ["contacts.read"], "minAssurance": 1}}. */
create function holdfast.set_roles(wanted jsonb) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  entry record;
  mask bigint;
begin
  insert into holdfast.permission (name, bit)
    select new.name, (select coalesce(max(bit), -1) from holdfast.permission) + row_number() over (order by new.name)
      from (select distinct p.name from jsonb_each(wanted) r cross join jsonb_array_elements_text(r.value -> 'permissions') as p (name)) new
     where not exists (select from holdfast.permission old where old.name = new.name);
  for entry in select key as name, value from jsonb_each(wanted) order by key loop
    select coalesce(bit_or(1::bigint << p.bit), 0) into mask from holdfast.permission p
     where entry.value -> 'permissions' ? p.name;
    insert into holdfast.role (role_id, name, permissions, min_assurance)
      values (lpad(to_hex((select count(*) from holdfast.role)), 2, '0'), entry.name, mask, coalesce((entry.value ->> 'minAssurance')::smallint, 1::smallint))
      on conflict (name) do update set permissions = excluded.permissions, min_assurance = excluded.min_assurance
      where role.permissions <> excluded.permissions or role.min_assurance <> excluded.min_assurance;
  end loop;
  if exists (select from holdfast.role r where not wanted ? r.name and exists (select from holdfast.seat s where s.role_id = r.role_id)) then
    raise exception 'a role that people still hold is no longer defined: %',
      (select string_agg(r.name, ', ') from holdfast.role r where not wanted ? r.name and exists (select from holdfast.seat s where s.role_id = r.role_id));
  end if;
  -- A role that nobody holds keeps its number and opens nothing.
  update holdfast.role r set permissions = 0 where not wanted ? r.name;
end $$;
grant execute on function holdfast.set_roles(jsonb) to holdfast_migrator;

select holdfast.classify('holdfast.migration', 'platform', $$
  source      none
  number      none
  name        none
  digest      none
  breaking    none
  applied_at  none
$$);
