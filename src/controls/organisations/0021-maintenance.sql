-- Work on the rows of all organisations by a migration, such as filling a new column. Without a context the owner of the tables
-- reads and changes nothing: policies are forced on it too. So it enters one organisation after the other, on a run that says why.

create table holdfast.maintenance_run (
  id uuid primary key default gen_random_uuid(),
  reason text not null check (char_length(reason) between 10 and 500 and reason !~ '[[:cntrl:]]'),
  opened_at timestamptz not null default clock_timestamp(),
  -- A run is open in the transaction that opened it, and nowhere else.
  opened_in xid8 not null default pg_current_xact_id(),
  closed_at timestamptz,
  organisations integer not null default 0,
  rows_changed bigint not null default 0
);
select holdfast.classify('holdfast.maintenance_run', 'platform', $$
  id             none
  reason         none
  opened_at      none
  opened_in      none
  closed_at      none
  organisations  none
  rows_changed   none
$$);
grant select on holdfast.maintenance_run to holdfast_auditor;

/* Opens a run. For the owner of the product's tables alone, whom nobody but the migrator can become. */
create function holdfast.open_maintenance(reason text) returns uuid
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  insert into holdfast.maintenance_run (reason) values (open_maintenance.reason) returning id;
end;

/* Enters an organisation on an open run, as nobody: no verb of the foundation takes that for a person. HF404 for a run that is
   not open in this transaction, HF403 for anybody but the migrator. */
create function holdfast.enter_maintenance(run uuid, organisation uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  ctx text;
begin
  if session_user <> 'holdfast_migrator' then raise exception 'only the migrator maintains' using errcode = 'HF403'; end if;
  if not exists (select from holdfast.maintenance_run r
                  where r.id = run and r.closed_at is null and r.opened_in = pg_current_xact_id()) then
    raise exception 'no such run is open' using errcode = 'HF404';
  end if;
  ctx := set_config('backtrace_functions', 'h' || replace(organisation::text, '-', '') || repeat('0', 32) || 'ee', true);
end $$;

/* Ends a run, and its last entry. */
create function holdfast.close_maintenance(run uuid, organisations integer, rows_changed bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  ctx text;
begin
  update holdfast.maintenance_run r
     set closed_at = clock_timestamp(), organisations = close_maintenance.organisations, rows_changed = close_maintenance.rows_changed
   where r.id = run and r.closed_at is null and r.opened_in = pg_current_xact_id();
  if not found then raise exception 'no such run is open' using errcode = 'HF404'; end if;
  ctx := set_config('backtrace_functions', '', true);
end $$;

/* All organisations, for the loop below. */
create function holdfast.all_organisations() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select o.id from holdfast.organisation o order by o.id;
end;

/* For migrations of the product: runs `statement` once in each organisation, as the owner of the tables, and returns how many rows
   it changed in all. Each organisation's record says so once for each table, not once for each row. `reason`: ten characters or
   more, kept with the run. */
create function holdfast.maintain(reason text, statement text) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  run uuid := holdfast.open_maintenance(reason);
  one uuid;
  organisations integer := 0;
  changed bigint;
  total bigint := 0;
begin
  for one in select a from holdfast.all_organisations() a loop
    perform holdfast.enter_maintenance(run, one);
    execute statement;
    get diagnostics changed = row_count;
    organisations := organisations + 1;
    total := total + changed;
  end loop;
  perform holdfast.close_maintenance(run, organisations, total);
  return total;
end $$;
grant execute on function holdfast.open_maintenance(text), holdfast.enter_maintenance(uuid, uuid),
  holdfast.close_maintenance(uuid, integer, bigint), holdfast.all_organisations(), holdfast.maintain(text, text) to holdfast_owner;

/* See 0002. What maintenance changes is one line in an organisation's record for each statement: how many rows of which table. */
create or replace function holdfast.record_change() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- The number of the role that maintenance has and nobody else.
  if substr(current_setting('backtrace_functions'), 66, 2) = 'ee' then
    insert into holdfast.event (organisation_id, person_id, action, table_name, row_key)
      select c.organisation_id, holdfast.person(), 'maintenance-' || lower(tg_op), tg_table_schema || '.' || tg_table_name, count(*)::text
        from changed c group by c.organisation_id;
    return null;
  end if;
  insert into holdfast.event (organisation_id, person_id, action, table_name, row_key)
    select c.organisation_id, holdfast.person(), lower(tg_op), tg_table_schema || '.' || tg_table_name,
           (select string_agg(to_jsonb(c) ->> k.name, ' ' order by k.at) from unnest(tg_argv[0:]) with ordinality as k (name, at))
      from changed c;
  return null;
end $$;
