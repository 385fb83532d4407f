import type { Sabotage } from '../../kernel/probe.ts'
import { weakenFunction } from '../../kernel/sabotage.ts'

/** Runs statements with %1$s for the first tenant table of the product, by name, and %2$s for a column of its key. */
function onFirstTable(...statements: readonly string[]): string {
  return `do $on$
declare
  it text := (select format('%I.%I', split_part(t.table_name, '.', 1), split_part(t.table_name, '.', 2))
                from holdfast.table_class t where t.class = 'tenant' and t.table_name like 'app.%' order by t.table_name limit 1);
  key text := (select quote_ident(a.attname) from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[])
                where i.indrelid = it::regclass and i.indisprimary and a.attname <> 'organisation_id' order by a.attnum limit 1);
begin
${statements.map((one) => `  execute format($do$${one}$do$, it, key);`).join('\n')}
end $on$`
}

const here = `organisation_id = (select substr(current_setting('backtrace_functions'), 2, 32)::uuid)`
const plain = `organisation_id = nullif(current_setting('app.tenant', true), '')::uuid`
const policy = (name: string, kind: string, condition: string) =>
  `create policy ${name} on %1$s as ${kind} for all to public using (${condition}) with check (${condition})`
const bothPolicies = (condition: string) => [
  'drop policy if exists tenant_allow on %1$s',
  'drop policy if exists tenant_floor on %1$s',
  policy('tenant_allow', 'permissive', condition),
  policy('tenant_floor', 'restrictive', condition),
]

const newRelease = weakenFunction(
  'holdfast.server_patch()',
  'now.number >= 190000 or coalesce(now.number % 10000 >= f.minor, false)',
  'false',
)

/** The counterparts of the probes. Each is mended by `mendSql`, and mending what is whole does no harm. */
export const sabotages: readonly Sabotage[] = [
  {
    title: 'A policy is dropped, and the one that is left lets everything through',
    turnsRed: ['tenant-isolation/rows-stay-home', 'tenant-isolation/catalogue-is-clean'],
    inDemo: true,
    breakSql: onFirstTable(
      'drop policy if exists tenant_floor on %1$s',
      'alter policy tenant_allow on %1$s using (true) with check (true)',
    ),
    mendSql: onFirstTable(...bothPolicies(here)),
  },
  {
    title: 'The policies of one table are gone altogether: nothing leaks, and nothing is to be had either',
    turnsRed: ['tenant-isolation/catalogue-is-clean'],
    breakSql: onFirstTable('drop policy if exists tenant_floor on %1$s'),
    mendSql: onFirstTable(...bothPolicies(here)),
  },
  {
    title: 'Row-level security is switched off for one table',
    turnsRed: ['tenant-isolation/rows-stay-home', 'tenant-isolation/catalogue-is-clean'],
    breakSql: onFirstTable('alter table %1$s disable row level security'),
    mendSql: onFirstTable('alter table %1$s enable row level security'),
  },
  {
    title: 'One table no longer forces its policies on its owner',
    turnsRed: ['tenant-isolation/catalogue-is-clean'],
    inDemo: true,
    breakSql: onFirstTable('alter table %1$s no force row level security'),
    mendSql: onFirstTable('alter table %1$s force row level security'),
  },
  {
    title: 'The application’s role may bypass policies',
    turnsRed: [
      'tenant-isolation/rows-stay-home',
      'tenant-isolation/catalogue-is-clean',
      'tenant-isolation/grants-match-manifest',
    ],
    breakSql: 'alter role holdfast_app bypassrls',
    mendSql: 'alter role holdfast_app nobypassrls',
  },
  {
    title: 'A view of the superuser’s shows a table to the application',
    turnsRed: ['tenant-isolation/rows-stay-home', 'tenant-isolation/catalogue-is-clean'],
    breakSql: onFirstTable(
      'create or replace view app.holdfast_sabotage as select * from %1$s',
      'grant select on app.holdfast_sabotage to holdfast_app',
    ),
    mendSql: 'drop view if exists app.holdfast_sabotage',
  },
  {
    title: 'A function of the superuser’s hands out rows to the application',
    turnsRed: ['tenant-isolation/rows-stay-home', 'tenant-isolation/catalogue-is-clean'],
    breakSql: onFirstTable(
      'create or replace function app.holdfast_sabotage() returns setof %1$s language sql stable security definer set search_path = pg_catalog, pg_temp as $f$select * from %1$s$f$',
      'revoke execute on function app.holdfast_sabotage() from public',
      'grant execute on function app.holdfast_sabotage() to holdfast_app',
    ),
    mendSql: 'drop function if exists app.holdfast_sabotage()',
  },
  {
    title: 'A unique key runs over all organisations: whoever is refused a value learns that somebody has it',
    turnsRed: ['tenant-isolation/rows-stay-home', 'tenant-isolation/catalogue-is-clean'],
    breakSql: onFirstTable('create unique index if not exists holdfast_sabotage on %1$s (%2$s)'),
    mendSql: 'drop index if exists app.holdfast_sabotage',
  },
  {
    title: 'The policies of one table trust a setting that anybody may set',
    turnsRed: ['tenant-isolation/session-cannot-be-forged', 'tenant-isolation/catalogue-is-clean'],
    breakSql: onFirstTable(...bothPolicies(plain)),
    mendSql: onFirstTable(...bothPolicies(here)),
  },
  {
    title: 'The application may write the setting that names the organisation',
    turnsRed: [
      'tenant-isolation/session-cannot-be-forged',
      'tenant-isolation/catalogue-is-clean',
      'tenant-isolation/grants-match-manifest',
    ],
    breakSql: 'grant set on parameter backtrace_functions to holdfast_app',
    mendSql: 'revoke set on parameter backtrace_functions from holdfast_app',
  },
  {
    title: 'Entry no longer asks whether the session’s person is a member',
    turnsRed: ['tenant-isolation/session-cannot-be-forged', 'tenant-isolation/grants-match-manifest'],
    ...weakenFunction(
      'holdfast.enter(bytea, uuid, bigint)',
      'join holdfast.seat s on s.person_id = p.person_id and s.organisation_id = enter.wanted',
      'join holdfast.seat s on s.organisation_id = enter.wanted',
    ),
  },
  {
    title: 'Temporary tables are allowed: one can stand in front of the real one',
    turnsRed: [
      'tenant-isolation/session-cannot-be-forged',
      'tenant-isolation/catalogue-is-clean',
      'tenant-isolation/grants-match-manifest',
    ],
    breakSql: `do $on$ begin execute format('grant temporary on database %I to holdfast_app', current_database()); end $on$`,
    mendSql: `do $on$ begin execute format('revoke temporary on database %I from holdfast_app', current_database()); end $on$`,
  },
  {
    title: 'One right too many: the worker may read who has a seat where',
    turnsRed: ['tenant-isolation/grants-match-manifest'],
    breakSql: 'grant select on holdfast.seat to holdfast_worker',
    mendSql: 'revoke select on holdfast.seat from holdfast_worker',
  },
  {
    title: 'The application’s role has poisoned itself: a setting of its own for every later connection',
    turnsRed: ['tenant-isolation/pool-leaves-nothing-behind', 'tenant-isolation/catalogue-is-clean'],
    breakSql: `do $on$ begin execute format('alter role holdfast_app in database %I set search_path = %L', current_database(), 'pg_temp, app'); end $on$`,
    mendSql: `do $on$ begin execute format('alter role holdfast_app in database %I reset all', current_database()); end $on$`,
  },
  {
    title: 'A table that says nothing of what it holds',
    turnsRed: ['tenant-isolation/nothing-unclassified'],
    inDemo: true,
    breakSql:
      'create table if not exists app.holdfast_sabotage (words text); alter table app.holdfast_sabotage owner to holdfast_owner',
    mendSql: 'drop table if exists app.holdfast_sabotage',
  },
  {
    title: 'A security release has come out that the server does not have',
    turnsRed: ['tenant-isolation/server-is-patched'],
    breakSql: newRelease.breakSql,
    mendSql: newRelease.mendSql,
  },
  {
    title: 'The application’s role may open sessions',
    turnsRed: ['tenant-isolation/app-process-cannot-mint', 'tenant-isolation/grants-match-manifest'],
    breakSql:
      'grant execute on function holdfast.mint(bytea, uuid, smallint, text, interval, interval, uuid) to holdfast_app',
    mendSql:
      'revoke execute on function holdfast.mint(bytea, uuid, smallint, text, interval, interval, uuid) from holdfast_app',
  },
]
