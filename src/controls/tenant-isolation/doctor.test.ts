import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Founded, type PrivateCluster, servers, startPrivateCluster } from '../../../test/world/private-cluster.ts'
import { examineDatabase } from './doctor.ts'

let cluster: PrivateCluster
let world: Founded
beforeAll(async () => {
  cluster = await startPrivateCluster(servers[0]!)
  world = await cluster.found('doctor', {
    tables: `
      create table app.thing (
        organisation_id uuid not null, id uuid not null default gen_random_uuid(), primary key (organisation_id, id));
      select holdfast.protect('app.thing', $$ id none $$)`,
  })
}, 120_000)
afterAll(() => cluster?.stop())

/** The embedded server is older than its last security fix: that one is always there. */
const complaints = async () =>
  (await examineDatabase(world.login('auditor', { most: 1 }))).complaints.filter(({ code }) => code !== 'server-patch')

test('a database that was just made has nothing to complain of, and says what was looked at', async () => {
  const { complaints: found, ...seen } = await examineDatabase(world.login('auditor'))
  expect(found.map(({ code }) => code)).toEqual(['server-patch'])
  expect(seen.rights).toBeGreaterThan(300)
  expect(seen.tables).toBeGreaterThan(30)
  expect(seen.columns).toBeGreaterThan(150)
})

describe('each remedy that is SQL mends what it stands beside', () => {
  test.each([
    ['a right on a table too many', 'grant select on holdfast.seat to holdfast_worker', 'right-surplus'],
    ['a right on a table too few', 'revoke select on holdfast.member from holdfast_app', 'right-missing'],
    ['a column', 'grant select (id) on holdfast.event to holdfast_app', 'right-surplus'],
    ['a function', 'revoke execute on function holdfast.enter(bytea, uuid, bigint) from holdfast_app', 'right-missing'],
    ['a schema', 'grant create on schema app to holdfast_app', 'right-surplus'],
    ['the database', 'grant temporary on database doctor to holdfast_app', 'right-surplus'],
    ['the setting', 'grant set on parameter backtrace_functions to holdfast_app', 'right-surplus'],
    ['a membership', 'grant pg_read_all_stats to holdfast_app', 'right-surplus'],
    ['an attribute', 'alter role holdfast_worker createdb', 'right-surplus'],
    ['a setting of a role', "alter role holdfast_app set work_mem = '64kB'", 'right-surplus'],
    ['a setting in this database', "alter role holdfast_app in database doctor set work_mem = '64kB'", 'right-surplus'],
    ['a setting that is gone', 'alter role holdfast_app reset log_parameter_max_length', 'right-missing'],
    ['row-level security', 'alter table app.thing disable row level security', 'rls-off'],
    ['a role that bypasses it', 'create role stranger bypassrls', 'other-role'],
    ['a setting of the database', 'alter database doctor set lo_compat_privileges = on', 'server-setting'],
  ])('%s', async (_, sql, code) => {
    await world.superuser(sql)
    const found = await complaints()
    expect(found.map((one) => one.code)).toContain(code)
    const statements = [...new Set(found.map(({ remedy }) => remedy))].filter((remedy) => /^[a-z].*;/.test(remedy))
    expect(statements.length).toBeGreaterThan(0)
    for (const statement of statements) await world.superuser(statement)
    expect(await complaints()).toEqual([])
  })
})

test('a function that somebody changed is named, and that SQL alone cannot tell what it was', async () => {
  const [{ source } = {}] = await world.superuser(
    `select pg_get_functiondef('holdfast.person()'::regprocedure) as source`,
  )
  await world.superuser(
    `create or replace function holdfast.person() returns uuid language sql stable parallel safe return null::uuid`,
  )
  const found = await complaints()
  expect(found.filter(({ code }) => code === 'function-changed').map(({ object }) => object.split(' · ')[2])).toEqual([
    'holdfast.person()',
    'holdfast.person()',
  ])
  await world.superuser(String(source))
  expect(await complaints()).toEqual([])
})
