-- What only a superuser can do, once for each database: roles, the right to the setting, and what PostgreSQL gives to
-- everybody by default and tenants must not have. Safe to run again; `holdfast start` does so on the embedded server.
-- Passwords are set apart, by bootstrap.ts, as SCRAM verifiers: no secret stands in a statement.

do $$
declare
  r text;
begin
  foreach r in array '{holdfast_keeper,holdfast_owner,holdfast_counter,holdfast_killer}'::text[] loop
    if not exists (select from pg_roles where rolname = r) then
      execute format('create role %I nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls noinherit', r);
    end if;
  end loop;
  foreach r in array '{holdfast_migrator,holdfast_app,holdfast_identity,holdfast_worker,holdfast_auditor,holdfast_prover}'::text[] loop
    if not exists (select from pg_roles where rolname = r) then
      execute format('create role %I login nosuperuser nocreatedb nocreaterole noreplication nobypassrls noinherit', r);
    end if;
  end loop;
end $$;

-- The two stated holes. The counter owns functions that count rows of all tenants and return numbers only; the killer
-- ends transactions that run too long. Neither can log in, and no login role is a member of either.
alter role holdfast_counter bypassrls;
alter role holdfast_killer inherit;
grant pg_signal_backend, pg_read_all_stats to holdfast_killer;

-- Migrations create objects as keeper (the foundation) and as owner (the product). Nobody else may become either.
grant holdfast_keeper, holdfast_owner to holdfast_migrator;

-- The heart: the verified context lies in a setting that only the keeper's entry functions may write.
grant set on parameter backtrace_functions to holdfast_keeper;

-- A login role may poison itself for ever (ALTER ROLE … SET in an injected statement); the pools then refuse to connect.
-- Every start heals it: what follows is all that a login role has set.
do $$
declare
  r text;
begin
  foreach r in array '{holdfast_migrator,holdfast_app,holdfast_identity,holdfast_worker,holdfast_auditor,holdfast_prover}'::text[] loop
    execute format('alter role %I reset all', r);
    execute format('alter role %I in database %I reset all', r, current_database());
  end loop;
end $$;

-- Bind values hold secrets; PostgreSQL must not write them to its log when a statement is slow or fails.
alter role holdfast_app set log_parameter_max_length = 0;
alter role holdfast_app set log_parameter_max_length_on_error = 0;
alter role holdfast_identity set log_parameter_max_length = 0;
alter role holdfast_identity set log_parameter_max_length_on_error = 0;
alter role holdfast_worker set log_parameter_max_length = 0;
alter role holdfast_worker set log_parameter_max_length_on_error = 0;
alter role holdfast_prover set log_parameter_max_length = 0;
alter role holdfast_prover set log_parameter_max_length_on_error = 0;

-- Only a superuser can lift this one: a runaway sort fails instead of filling the disk.
alter role holdfast_app set temp_file_limit = '256MB';
alter role holdfast_identity set temp_file_limit = '64MB';
alter role holdfast_worker set temp_file_limit = '256MB';
alter role holdfast_auditor set temp_file_limit = '256MB';
alter role holdfast_prover set temp_file_limit = '64MB';

do $$
declare
  r text;
begin
  execute format('revoke all on database %I from public', current_database());
  foreach r in array '{holdfast_migrator,holdfast_app,holdfast_identity,holdfast_worker,holdfast_auditor,holdfast_prover}'::text[] loop
    execute format('grant connect on database %I to %I', current_database(), r);
  end loop;
end $$;

create schema if not exists holdfast authorization holdfast_keeper;
create schema if not exists app authorization holdfast_owner;
revoke all on schema public from public;
revoke all on schema holdfast, app from public;
grant usage on schema holdfast to holdfast_migrator, holdfast_owner, holdfast_app, holdfast_identity, holdfast_worker, holdfast_auditor, holdfast_prover, holdfast_counter;
grant usage on schema app to holdfast_app, holdfast_worker, holdfast_counter, holdfast_auditor;
grant usage, create on schema holdfast to holdfast_keeper;
-- The keeper runs checks over the product's tables (their catalogue entries only).
grant usage on schema app to holdfast_keeper;

alter default privileges for role holdfast_keeper revoke execute on functions from public;
alter default privileges for role holdfast_owner revoke execute on functions from public;
alter default privileges for role holdfast_keeper revoke usage on types from public;
alter default privileges for role holdfast_owner revoke usage on types from public;

-- No DO blocks and no functions for login roles; what exists still runs.
revoke usage on language plpgsql from public;
grant usage on language plpgsql to holdfast_keeper, holdfast_owner;

-- Side effects and spying that an injected SELECT could call. Whoever runs monitoring gets the numbers back by pg_monitor:
-- those that everybody had, never what writes, locks, or touches files (lo_import and lo_export read and write the server's).
do $$
declare
  f regprocedure;
begin
  for f in
    select p.oid::regprocedure from pg_proc p
     where p.pronamespace = 'pg_catalog'::regnamespace
       and (p.proname ~ '^pg_(try_)?advisory|^lo_|^pg_stat_get_|^pg_control_|^pg_sleep|_to_xml|_to_xmlschema|_to_xml_and_xmlschema$'
         or p.proname = any ('{set_config,loread,lowrite,pg_notify,pg_terminate_backend,pg_cancel_backend,pg_logical_emit_message,
              pg_export_snapshot,pg_prepared_statement,pg_prepared_xact,pg_cursor,pg_lock_status,pg_blocking_pids,pg_safe_snapshot_blocking_pids,
              pg_isolation_test_session_is_blocked,pg_listening_channels,pg_notification_queue_usage,ts_stat,ts_rewrite,
              pg_relation_size,pg_total_relation_size,pg_table_size,pg_indexes_size,pg_database_size,pg_tablespace_size,
              pg_sequence_last_value,pg_get_sequence_data,pg_show_all_file_settings,pg_hba_file_rules,pg_current_wal_lsn,pg_current_wal_insert_lsn,
              pg_current_wal_flush_lsn,pg_current_snapshot,txid_current_snapshot,pg_snapshot_xmin,pg_xact_status,txid_status,pg_get_backend_memory_contexts,
              pg_log_backend_memory_contexts,pg_get_replication_slots,pg_last_committed_xact,pg_xact_commit_timestamp,
              pg_xact_commit_timestamp_origin,pg_get_multixact_members,pg_config,pg_backup_start,pg_backup_stop,pg_relation_filepath,pg_relation_filenode}'::text[]))
  loop
    execute format('revoke execute on function %s from public, pg_monitor', f);
  end loop;
  for f in
    select p.oid::regprocedure from pg_proc p
     where p.pronamespace = 'pg_catalog'::regnamespace
       and (p.proname ~ '^pg_stat_get_|^pg_control_'
         or p.proname = any ('{pg_lock_status,pg_blocking_pids,pg_safe_snapshot_blocking_pids,pg_prepared_xact,pg_notification_queue_usage,
              pg_relation_size,pg_total_relation_size,pg_table_size,pg_indexes_size,pg_database_size,pg_tablespace_size,
              pg_sequence_last_value,pg_get_sequence_data,pg_current_wal_lsn,pg_current_wal_insert_lsn,pg_current_wal_flush_lsn,
              pg_get_replication_slots}'::text[]))
  loop
    execute format('grant execute on function %s to pg_monitor', f);
  end loop;
end $$;
grant execute on function pg_catalog.set_config(text, text, boolean) to holdfast_keeper;
-- For seen_now (sessions) alone: what a statement could see is compared when a session begins.
grant execute on function pg_catalog.pg_current_snapshot() to holdfast_keeper;
grant execute on function pg_catalog.pg_terminate_backend(integer, bigint) to holdfast_killer;
grant execute on function pg_catalog.pg_stat_get_activity(integer) to holdfast_killer;

-- Large objects have owners, not tenants: nobody below the superuser makes or reads one (functions above, table here).
revoke all on pg_catalog.pg_largeobject_metadata, pg_catalog.pg_largeobject from public;

-- What holdfast.weaknesses() needs to see beyond everybody's view of the catalogues: that a row is there, not what is in it.
grant select (starelid, staattnum) on pg_catalog.pg_statistic to holdfast_keeper;
grant select (oid, lomowner) on pg_catalog.pg_largeobject_metadata to holdfast_keeper;

-- Ends client transactions older than `seconds`, whatever statement_timeout the session gave itself. Returns how many.
create or replace function holdfast.end_overdue(seconds integer) returns integer
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select count(*)::integer from (
    select pg_terminate_backend(a.pid, 0) from pg_stat_get_activity(null) a join pg_roles r on r.oid = a.usesysid
     where r.rolname = any ('{holdfast_app,holdfast_identity,holdfast_worker}')
       and a.datid = (select oid from pg_database where datname = current_database())
       and a.xact_start < clock_timestamp() - make_interval(secs => greatest(seconds, 1))
       and a.pid <> pg_backend_pid()
  ) ended
$$;
alter function holdfast.end_overdue(integer) owner to holdfast_killer;
revoke all on function holdfast.end_overdue(integer) from public;
grant execute on function holdfast.end_overdue(integer) to holdfast_worker;

-- How many rows a table has, over all tenants: a number and nothing else.
create or replace function holdfast.count_rows(relation regclass) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  answer bigint;
begin
  execute format('select count(*) from %s', relation) into answer;
  return answer;
end $$;
-- How many of its rows belong to one organisation, and to how many organisations its rows belong.
create or replace function holdfast.count_rows_of(relation regclass, organisation uuid, out rows_here bigint, out organisations bigint)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  execute format('select count(*) filter (where organisation_id = $1), count(distinct organisation_id) from %s', relation)
    into rows_here, organisations using organisation;
end $$;
alter function holdfast.count_rows(regclass) owner to holdfast_counter;
alter function holdfast.count_rows_of(regclass, uuid) owner to holdfast_counter;
revoke all on function holdfast.count_rows(regclass), holdfast.count_rows_of(regclass, uuid) from public;
grant execute on function holdfast.count_rows(regclass), holdfast.count_rows_of(regclass, uuid) to holdfast_auditor;
