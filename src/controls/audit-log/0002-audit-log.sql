-- A record of every change to a tenant's rows, written by triggers in the change's own transaction. The app may read its
-- organisation's events and can write none. (Signed checkpoints and the tree come in a later version.)

create table holdfast.event (
  organisation_id uuid not null,
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  person_id uuid not null,
  action text not null,
  table_name text not null,
  row_key text not null,
  transaction_id xid8 not null default pg_current_xact_id(),
  primary key (organisation_id, id)
);
create index event_by_row on holdfast.event (organisation_id, table_name, row_key, id);
select holdfast.protect('holdfast.event', $$
  id              none
  at              none
  person_id       personal  audit  audit
  action          none
  table_name      none
  row_key         none
  transaction_id  none
$$);
revoke all on holdfast.event from holdfast_app, holdfast_worker;
-- Not the id: a number that counts over all organisations shows how busy the others are.
grant select (organisation_id, at, person_id, action, table_name, row_key, transaction_id) on holdfast.event to holdfast_app;

/* Statement trigger on every tenant table, with the changed rows in a transition table called `changed`. Its arguments are
   the columns of the key. Actor and organisation come from the verified context, never from the statement. */
create function holdfast.record_change() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into holdfast.event (organisation_id, person_id, action, table_name, row_key)
    select c.organisation_id, holdfast.person(), lower(tg_op), tg_table_schema || '.' || tg_table_name,
           (select string_agg(to_jsonb(c) ->> k.name, ' ' order by k.at) from unnest(tg_argv[0:]) with ordinality as k (name, at))
      from changed c;
  return null;
end $$;
grant execute on function holdfast.record_change() to holdfast_owner;

-- Tenant tables without events of their own, since their rows only repeat what the events of another table say: the words
-- of a search, rows on their way in. Everything else records.
create table holdfast.recorded_elsewhere (
  table_name text primary key references holdfast.table_class on delete cascade,
  by_table text not null references holdfast.table_class
);
select holdfast.classify('holdfast.recorded_elsewhere', 'platform', $$
  table_name  none
  by_table    none
$$);
grant select on holdfast.recorded_elsewhere to holdfast_auditor, holdfast_migrator;

/* Says so of a protected table, and takes its triggers away. `by_relation` records, and is the owner's too. */
create function holdfast.record_elsewhere(relation regclass, by_relation regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform holdfast.note_elsewhere(relation, by_relation);
  execute format('drop trigger record_insert on %s', relation);
  execute format('drop trigger record_update on %s', relation);
  execute format('drop trigger record_delete on %s', relation);
end $$;
create function holdfast.note_elsewhere(relation regclass, by_relation regclass) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from holdfast.recorded_elsewhere e where e.table_name = holdfast.qualified_name(by_relation))
     or not exists (select from pg_trigger g where g.tgrelid = by_relation and g.tgname = 'record_insert') then
    raise exception '% records nothing itself', by_relation;
  end if;
  insert into holdfast.recorded_elsewhere values (holdfast.qualified_name(relation), holdfast.qualified_name(by_relation));
end $$;
grant execute on function holdfast.record_elsewhere(regclass, regclass), holdfast.note_elsewhere(regclass, regclass) to holdfast_owner;

/* The step of protect() that hangs the triggers on a table. */
create function holdfast.audit_table(relation regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  keys text;
begin
  if relation = 'holdfast.event'::regclass
     or exists (select from holdfast.recorded_elsewhere e where e.table_name = holdfast.qualified_name(relation)) then
    return;
  end if;
  select string_agg(quote_literal(a.attname), ', ' order by k.at) into keys
    from pg_index i cross join lateral unnest(i.indkey::int2[]) with ordinality as k (att, at)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.att
   where i.indrelid = relation and i.indisprimary and a.attname <> 'organisation_id';
  -- A table with one row for each organisation has no other key.
  keys := coalesce(keys, '''organisation_id''');
  execute format('create or replace trigger record_insert after insert on %s referencing new table as changed for each statement execute function holdfast.record_change(%s)', relation, keys);
  execute format('create or replace trigger record_update after update on %s referencing new table as changed for each statement execute function holdfast.record_change(%s)', relation, keys);
  execute format('create or replace trigger record_delete after delete on %s referencing old table as changed for each statement execute function holdfast.record_change(%s)', relation, keys);
end $$;
grant execute on function holdfast.audit_table(regclass) to holdfast_owner;
grant select on holdfast.recorded_elsewhere to holdfast_owner;
insert into holdfast.protect_step values (10, 'holdfast.audit_table');

/* Tenant tables that record nothing: a trigger is missing, disabled or not ours. */
create function holdfast.unrecorded() returns table (table_name text, missing text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select t.table_name, w.name
    from holdfast.table_class t cross join (values ('record_insert'), ('record_update'), ('record_delete')) w (name)
   where t.class = 'tenant' and t.table_name <> 'holdfast.event'
     and t.table_name not in (select e.table_name from holdfast.recorded_elsewhere e)
     and not exists (select from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
                      where n.nspname || '.' || c.relname = t.table_name and g.tgname = w.name and g.tgenabled = 'O'
                        and g.tgfoid = (select p.oid from pg_proc p where p.proname = 'record_change' and p.pronamespace = 'holdfast'::regnamespace));
end;
grant execute on function holdfast.unrecorded() to holdfast_auditor, holdfast_migrator, holdfast_prover;
