import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Founded, type PrivateCluster, servers, startPrivateCluster } from '../../../test/world/private-cluster.ts'
import { roleSettings } from './bootstrap.ts'

/** One flaw: made, found exactly once, mended by the remedy that the finding itself gives; and what must not be found. */
interface Flaw {
  readonly code: string
  readonly made: string
  /** Where the remedy cannot be SQL. */
  readonly mended?: string
  readonly nearMiss?: string
  /** What the same flaw shows as besides. */
  readonly also?: readonly string[]
}

const tables = `
  create table app.deal (
    organisation_id uuid not null, id uuid not null, name text not null, amount bigint not null default 0,
    primary key (organisation_id, id));
  select holdfast.protect('app.deal', $$
    id      none
    name    personal  contact  row
    amount  none
  $$);
  create table app.note (
    organisation_id uuid not null, id uuid not null, deal_id uuid, words text not null default '',
    primary key (organisation_id, id),
    foreign key (organisation_id, deal_id) references app.deal (organisation_id, id) on delete set null (deal_id));
  select holdfast.protect('app.note', $$
    id       none
    deal_id  none
    words    personal  contact  row
  $$);
  create table app.visit (
    organisation_id uuid not null, id uuid not null, primary key (organisation_id, id)) partition by hash (organisation_id);
  create table app.visit_0 partition of app.visit for values with (modulus 2, remainder 0);
  create table app.visit_1 partition of app.visit for values with (modulus 2, remainder 1);
  select holdfast.protect('app.visit', $$ id none $$);
  create table app.country (code text primary key, name text not null);
  select holdfast.classify('app.country', 'public', $$
    code  none
    name  none
  $$);
  grant select on app.country to holdfast_app`

const flaws: readonly Flaw[] = [
  { code: 'rls-off', made: 'alter table app.deal disable row level security' },
  { code: 'rls-not-forced', made: 'alter table app.deal no force row level security' },
  { code: 'rls-off', made: 'alter table app.visit_1 disable row level security' },
  { code: 'policy-missing', made: 'drop policy tenant_allow on app.deal' },
  { code: 'policy-missing', made: 'drop policy tenant_floor on app.note' },
  { code: 'policy-changed', made: 'alter policy tenant_allow on app.deal using (true)' },
  { code: 'policy-changed', made: 'alter policy tenant_floor on app.deal with check (true)' },
  { code: 'policy-changed', made: 'alter policy tenant_floor on app.deal to holdfast_worker' },
  {
    code: 'policy-changed',
    made: "alter policy tenant_allow on app.deal using (organisation_id = nullif(current_setting('app.tenant', true), '')::uuid)",
  },
  {
    code: 'policy-changed',
    made: `drop policy tenant_floor on app.deal; create policy tenant_floor on app.deal as restrictive for select to public
      using (organisation_id = (select substr(current_setting('backtrace_functions'), 2, 32)::uuid))`,
  },
  {
    code: 'policy-extra',
    made: 'create policy support on app.deal for select to holdfast_worker using (true)',
    nearMiss: "create policy narrower on app.deal as restrictive for all to public using (name <> 'hidden')",
  },
  { code: 'owner-can-bypass', made: 'alter table app.country owner to postgres' },
  { code: 'owner-can-bypass', made: 'alter table app.country owner to holdfast_app' },
  {
    code: 'tenant-column',
    made: 'alter table app.note drop constraint note_pkey; alter table app.note alter organisation_id drop not null',
    mended: 'alter table app.note alter organisation_id set not null',
  },
  {
    code: 'foreign-table',
    also: ['foreign-server'],
    made: `create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing;
      create foreign table app.far (id int) server nowhere; alter foreign table app.far owner to holdfast_owner`,
    mended: 'drop server nowhere cascade; drop foreign data wrapper nothing',
  },
  {
    code: 'materialised-view',
    made: 'create materialized view app.frozen as select 1 as one; alter materialized view app.frozen owner to holdfast_owner',
  },
  { code: 'rule', made: 'create rule copy_on as on insert to app.country do also select 1' },
  {
    code: 'child-not-tenant',
    made: 'create table app.special () inherits (app.note); alter table app.special owner to holdfast_owner',
    mended: 'drop table app.special',
  },
  { code: 'child-granted', also: ['tenant-right'], made: 'grant select on app.visit_0 to holdfast_auditor' },
  {
    code: 'class-mismatch',
    made: `create table app.shared (organisation_id uuid, words text); alter table app.shared owner to holdfast_owner;
      insert into holdfast.table_class values ('app.shared', 'platform'); grant select on app.shared to holdfast_app`,
    mended: 'revoke all on app.shared from holdfast_app',
    nearMiss: 'grant select on app.shared to holdfast_auditor',
  },
  {
    code: 'global-counter',
    made: `alter table app.deal add column number bigint generated always as identity; alter table app.deal alter number set statistics 0`,
    mended: 'alter table app.deal alter number drop identity',
    nearMiss: 'alter table app.country add column number bigint generated always as identity',
  },
  {
    code: 'foreign-trigger',
    made: 'create trigger spy before insert on app.deal for each row execute function suppress_redundant_updates_trigger()',
  },
  { code: 'trigger-disabled', made: 'alter table app.deal disable trigger record_insert' },
  {
    code: 'index-not-led',
    made: 'create index deal_by_name on app.deal (name)',
    nearMiss: 'create index deal_by_name on app.deal (organisation_id, name)',
  },
  { code: 'index-not-led', made: 'alter table app.deal add constraint one_name unique (id)' },
  {
    code: 'index-on-expression',
    made: 'create index deal_by_lower on app.deal (organisation_id, lower(name))',
    nearMiss: 'create index deal_by_part on app.deal (organisation_id, amount) where amount > 0',
  },
  {
    code: 'foreign-key',
    also: ['index-not-led'],
    made: `create unique index deal_id on app.deal (id); alter table app.note add constraint by_id foreign key (deal_id) references app.deal (id)`,
    mended: 'alter table app.note drop constraint by_id; drop index app.deal_id',
  },
  {
    code: 'foreign-key',
    made: `alter table app.note drop constraint note_organisation_id_deal_id_fkey;
      alter table app.note add constraint struck foreign key (organisation_id, deal_id) references app.deal on delete set null`,
    nearMiss: `alter table app.note add constraint note_organisation_id_deal_id_fkey foreign key (organisation_id, deal_id)
      references app.deal (organisation_id, id) on delete set null (deal_id)`,
  },
  {
    code: 'foreign-key-from-outside',
    made: `create table app.tag (organisation_id uuid, deal_id uuid, foreign key (organisation_id, deal_id) references app.deal);
      alter table app.tag owner to holdfast_owner; insert into holdfast.table_class values ('app.tag', 'platform');
      grant insert on app.tag to holdfast_auditor`,
    mended: 'revoke insert on app.tag from holdfast_auditor',
  },
  { code: 'statistics-kept', made: 'alter table app.deal alter column name set statistics 100' },
  { code: 'statistics-kept', made: 'alter table app.deal alter column name set statistics -1' },
  {
    code: 'statistics-rows',
    made: `alter table app.deal disable trigger record_insert; insert into app.deal values (gen_random_uuid(), gen_random_uuid(), 'x');
      alter table app.deal enable trigger record_insert; alter table app.deal alter column amount set statistics 10;
      analyze app.deal; alter table app.deal alter column amount set statistics 0`,
    nearMiss: 'analyze app.deal',
  },
  { code: 'statistics-extended', made: 'create statistics app.together on name, amount from app.deal' },
  {
    code: 'view-as-owner',
    made: 'create view app.deals as select * from app.deal; alter view app.deals owner to holdfast_owner',
    nearMiss:
      'create view app.countries as select * from app.country; alter view app.countries owner to holdfast_owner',
  },
  {
    code: 'view-as-owner',
    made: `create view app.deals with (security_invoker = on) as select * from app.deal; alter view app.deals owner to holdfast_owner;
      create view app.deals_again as select * from app.deals; alter view app.deals_again owner to holdfast_owner`,
  },
  {
    code: 'definer-owner',
    made: `create function app.all_deals() returns setof app.deal language sql stable security definer set search_path = pg_catalog, pg_temp
      as 'select * from app.deal'; revoke execute on function app.all_deals() from public`,
    nearMiss: 'grant execute on function app.all_deals() to holdfast_app',
  },
  {
    code: 'definer-search-path',
    made: `create function app.loose() returns int language sql security definer as 'select 1'; alter function app.loose() owner to holdfast_owner;
      revoke execute on function app.loose() from public`,
    nearMiss:
      "create function app.plain() returns int language sql as 'select 1'; alter function app.plain() owner to holdfast_owner; revoke execute on function app.plain() from public; drop function app.plain()",
  },
  {
    code: 'definer-dynamic',
    made: `create function app.wrap(name text, value text) returns text language plpgsql security definer set search_path = pg_catalog, pg_temp
      as 'begin return set_config(name, value, false); end'; alter function app.wrap(text, text) owner to holdfast_owner;
      revoke execute on function app.wrap(text, text) from public; grant execute on function app.wrap(text, text) to holdfast_app`,
  },
  {
    code: 'definer-of-keeper',
    made: `create function app.assume(o uuid, p uuid) returns void language sql security definer set search_path = pg_catalog, pg_temp
      as 'select holdfast.assume(o, p)'; revoke execute on function app.assume(uuid, uuid) from public;
      alter function app.assume(uuid, uuid) owner to holdfast_keeper`,
  },
  {
    code: 'executable-by-all',
    made: 'grant execute on function holdfast.mint(bytea, uuid, smallint, text, interval, interval, uuid) to public',
  },
  {
    code: 'leakproof',
    made: `create function app.same(text) returns boolean language sql leakproof as 'select true'; alter function app.same(text) owner to holdfast_owner;
      revoke execute on function app.same(text) from public`,
  },
  {
    code: 'foreign-server',
    made: 'create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing',
  },
  { code: 'tenant-right', made: 'grant select on app.deal to holdfast_auditor' },
  { code: 'tenant-right', made: 'grant select (name) on app.deal to public' },
  { code: 'tenant-right', made: 'grant truncate on app.deal to holdfast_app' },
  { code: 'tenant-right', made: 'grant references on app.deal to holdfast_app' },
  {
    code: 'tenant-right',
    made: 'grant trigger on app.deal to holdfast_app',
    nearMiss: 'revoke delete on app.deal from holdfast_app',
  },
  { code: 'tenant-right', made: 'grant update on app.deal to holdfast_counter' },
  {
    code: 'table-right',
    made: 'grant references on app.country to holdfast_app',
    nearMiss: 'grant update on app.country to holdfast_app',
  },
  { code: 'table-right', also: ['class-mismatch'], made: 'grant select on holdfast.seat to public' },
  { code: 'sequence-right', made: 'grant usage on sequence holdfast.event_id_seq to holdfast_app' },
  { code: 'create-right', made: 'grant create on schema app to holdfast_app' },
  {
    code: 'create-right',
    made: 'grant create on schema public to public',
    nearMiss: 'grant usage on schema public to public',
  },
  { code: 'database-right', made: 'grant temporary on database :database to holdfast_app' },
  { code: 'database-right', made: 'grant create on database :database to holdfast_worker' },
  { code: 'database-right', made: 'grant connect on database :database to public' },
  {
    code: 'default-right',
    made: 'alter default privileges for role holdfast_owner in schema app grant select on tables to holdfast_app',
  },
  {
    code: 'default-execute',
    made: 'alter default privileges for role holdfast_keeper grant execute on functions to public',
  },
  { code: 'parameter-right', made: 'grant set on parameter session_replication_role to holdfast_app' },
  { code: 'parameter-right', made: 'grant set on parameter backtrace_functions to holdfast_app' },
  { code: 'language-right', made: 'grant usage on language plpgsql to public' },
  { code: 'grant-option', made: 'grant select on app.country to holdfast_app with grant option' },
  {
    code: 'unknown-grantee',
    made: 'create role hf_stranger; grant select on app.country to hf_stranger',
  },
  { code: 'hardening', made: 'grant execute on function pg_catalog.set_config(text, text, boolean) to public' },
  {
    code: 'hardening',
    made: 'grant execute on function pg_catalog.pg_stat_get_activity(integer) to holdfast_app',
    nearMiss: 'grant execute on function pg_catalog.pg_stat_get_activity(integer) to pg_monitor',
  },
  { code: 'large-object', made: "select lo_from_bytea(4711, 'secret')" },
  { code: 'role-attribute', made: 'alter role holdfast_app bypassrls' },
  { code: 'role-attribute', made: 'alter role holdfast_worker superuser' },
  { code: 'role-attribute', also: ['definer-owner'], made: 'alter role holdfast_killer login' },
  { code: 'role-attribute', made: 'alter role holdfast_auditor inherit' },
  { code: 'role-attribute', made: 'alter role holdfast_app replication' },
  { code: 'membership', made: 'grant holdfast_owner to holdfast_app' },
  { code: 'membership', made: 'grant pg_read_all_stats to holdfast_app' },
  { code: 'membership', made: 'create role hf_stranger; grant holdfast_keeper to hf_stranger' },
  { code: 'role-setting', made: "alter role holdfast_app set search_path = 'pg_temp'" },
  { code: 'role-setting', made: "alter role holdfast_app in database :database set work_mem = '64kB'" },
  { code: 'role-setting', made: 'alter role holdfast_identity reset log_parameter_max_length' },
  { code: 'publication', made: 'create publication everything for all tables' },
  {
    code: 'publication',
    made: 'create publication deals for table app.deal',
    nearMiss:
      'create schema elsewhere; create table elsewhere.x (); alter table elsewhere.x owner to holdfast_owner; create publication x for table elsewhere.x',
  },
]

test('the list of hardened functions is that of the bootstrap, and so are the settings of roles', async () => {
  const read = (name: string) => readFile(new URL(name, import.meta.url), 'utf8')
  const [bootstrap, weaknesses] = [await read('bootstrap.sql'), await read('0009-weaknesses.sql')]
  const hardened = /\(p\.proname ~ '\^pg_\(try_\)\?advisory[^;]*?::text\[\]\)\)/
  expect(hardened.exec(bootstrap)?.[0].length).toBeGreaterThan(500)
  expect(hardened.exec(weaknesses)?.[0]).toBe(hardened.exec(bootstrap)?.[0])
  const wanted = Object.entries(roleSettings).flatMap(([role, settings]) =>
    settings.map((one) => `holdfast_${role} ${one}`),
  )
  const listed = [...weaknesses.matchAll(/\('(holdfast_\w+)', '(\w+=\w+)'\)/g)].map(
    ([, role, setting]) => `${role} ${setting}`,
  )
  expect(listed.sort()).toEqual(wanted.sort())
})

/** What the cluster around the database may be: seen, and no reason not to start. */
const surroundings: readonly Flaw[] = [
  {
    code: 'other-role',
    made: 'create role hf_stranger bypassrls',
    nearMiss: 'create role holdfast_backup bypassrls login',
  },
  { code: 'other-role', made: 'create role hf_stranger replication login' },
  { code: 'other-member', made: 'create role hf_stranger in role pg_execute_server_program' },
  { code: 'file-access', made: 'grant execute on function lo_import(text) to pg_monitor' },
  {
    code: 'server-setting',
    made: 'set local session_replication_role = replica',
    mended: 'set local session_replication_role = origin',
  },
  { code: 'server-setting', made: 'set local debug_print_plan = on', mended: 'set local debug_print_plan = off' },
  {
    code: 'server-setting',
    made: 'set local log_parameter_max_length = -1; set local log_min_duration_statement = 100',
    mended: 'set local log_parameter_max_length = 0',
    nearMiss: 'set local log_parameter_max_length = -1; set local log_min_duration_statement = -1',
  },
  { code: 'server-setting', made: 'alter database :database set session_replication_role = replica' },
]

describe.each(servers)('on $name', (server) => {
  let cluster: PrivateCluster
  let world: Founded
  const found = async (): Promise<{ code: string; object: string; remedy: string }[]> =>
    (await world.superuser('select code, object, remedy from holdfast.weaknesses() order by 1, 2')) as never
  const run = (text: string) => world.superuser(text.replaceAll(':database', world.database))

  beforeAll(async () => {
    if (server.missing) return
    cluster = await startPrivateCluster(server)
    world = await cluster.found('weaknesses', { tables })
  })
  afterAll(() => cluster?.stop())

  test.skipIf(server.missing)('the foundation has none, nor a product that follows the rules', async () => {
    expect(await found()).toEqual([])
    expect(await world.superuser('select * from holdfast.surroundings()')).toEqual([])
  })

  test.skipIf(server.missing)('the auditor, the prover and the migrator may ask, the application may not', async () => {
    for (const role of ['auditor', 'prover'] as const)
      expect(await world.login(role).query({ text: 'select * from holdfast.weaknesses()', values: [] })).toEqual([])
    await expect(
      world.login('app').query({ text: 'select * from holdfast.weaknesses()', values: [] }),
    ).rejects.toMatchObject({ code: '42501' })
  })

  const check = async (flaw: Flaw, list: () => Promise<{ code: string; remedy: string }[]>) => {
    await run('begin')
    try {
      await run(flaw.made)
      const seen = await list()
      const others = flaw.also ?? []
      expect(seen.filter(({ code }) => !others.includes(code)).map(({ code }) => code)).toEqual([flaw.code])
      for (const other of others) expect(seen.map(({ code }) => code)).toContain(other)
      await run(flaw.mended ?? seen.find(({ code }) => code === flaw.code)!.remedy)
      expect(await list()).toEqual([])
      await run(flaw.nearMiss ?? 'select 1')
      expect(await list()).toEqual([])
    } finally {
      await run('rollback')
    }
  }
  const titled = (flaw: Flaw, index: number) =>
    `${flaw.code} (${index}): ${flaw.made.replace(/\s+/g, ' ').slice(0, 90)}`

  for (const [index, flaw] of flaws.entries())
    test.skipIf(server.missing)(titled(flaw, index), () => check(flaw, found))

  for (const [index, flaw] of surroundings.entries())
    test.skipIf(server.missing)(titled(flaw, index), () =>
      check(
        flaw,
        async () => (await world.superuser('select code, object, remedy from holdfast.surroundings()')) as never,
      ),
    )
})
