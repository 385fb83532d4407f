import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Founded, type PrivateCluster, servers, startPrivateCluster } from '../../../test/world/private-cluster.ts'
import { sql } from '../../platform/database/statement.ts'

let cluster: PrivateCluster
let world: Founded
beforeAll(async () => {
  cluster = await startPrivateCluster(servers[0]!)
  world = await cluster.found('maintenance', {
    tables: `
      create table app.thing (
        organisation_id uuid not null, id uuid not null default gen_random_uuid(), name text not null,
        primary key (organisation_id, id));
      select holdfast.protect('app.thing', $$
        id    none
        name  personal contact row
      $$)`,
  })
  for (const { organisation } of [world.a, world.b])
    await world.superuser('insert into holdfast.organisation (id, name) values ($1, $2)', [organisation, 'Kelpworks'])
  for (const who of [world.a, world.b])
    for (const name of ['Ada', 'Ben'])
      await world.login('app').entered(who.entry, sql`insert into app.thing (name) values (${name})`)
}, 120_000)
afterAll(() => cluster?.stop())

const reason = 'fill the new column with what people type'

test('a migration fills a new column in every organisation, where a plain statement would change nothing', async () => {
  const column = `
    alter table app.thing add upper_name text;
    select holdfast.protect('app.thing', $$
      id          none
      name        personal contact row
      upper_name  personal contact row
    $$);`
  await expect(
    world.migrate(
      `${column} update app.thing set upper_name = upper(name); alter table app.thing alter upper_name set not null`,
    ),
  ).rejects.toThrow('invalid input syntax')
  await world.migrate(
    `${column} select holdfast.maintain('${reason}', 'update app.thing set upper_name = upper(name)');
     alter table app.thing alter upper_name set not null`,
  )
  for (const who of [world.a, world.b]) {
    const { rows } = await world.login('app').entered(who.entry, sql`select upper_name from app.thing order by 1`)
    expect(rows).toEqual([{ upper_name: 'ADA' }, { upper_name: 'BEN' }])
  }
  expect(
    await world.superuser(
      'select reason, organisations, rows_changed, closed_at is not null as closed from holdfast.maintenance_run',
    ),
  ).toEqual([{ reason, organisations: 2, rows_changed: '4', closed: true }])
})

test('each organisation’s record has one line for it, and by nobody', async () => {
  const events = await world.superuser(
    `select organisation_id, person_id, row_key from holdfast.event where action = 'maintenance-update' order by 1`,
  )
  const nobody = '00000000-0000-0000-0000-000000000000'
  expect(events).toEqual(
    [world.a.organisation, world.b.organisation]
      .sort()
      .map((organisation_id) => ({ organisation_id, person_id: nobody, row_key: '2' })),
  )
})

describe('no other door leads there', () => {
  test.each(['app', 'identity', 'worker', 'auditor', 'prover'] as const)('not for %s', async (role) => {
    const login = world.login(role, { most: 1 })
    for (const [text, values] of [
      ['select holdfast.open_maintenance($1)', [reason]],
      ['select holdfast.enter_maintenance($1, $2)', [randomUUID(), world.a.organisation]],
      ['select holdfast.close_maintenance($1, 0, 0)', [randomUUID()]],
      ['select holdfast.all_organisations()', []],
      ['select holdfast.maintain($1, $2)', [reason, 'select 1']],
      ['select * from holdfast.maintenance_run', []],
    ] as const) {
      const code = await login.query({ text, values: [...values] }).then(
        () => 'done',
        (error) => (error as { code: string }).code,
      )
      expect([text, code]).toEqual([
        text,
        role === 'auditor' && text.includes('maintenance_run') && text.startsWith('select *') ? 'done' : '42501',
      ])
    }
  })

  test('not for the migrator on a run that is over, another transaction’s, or none', async () => {
    const client = new pg.Client(world.connection('migrator'))
    await client.connect()
    try {
      await client.query('set role holdfast_owner')
      const { rows } = await client.query('select holdfast.open_maintenance($1) as run', [reason])
      const code = (run: string) =>
        client.query('select holdfast.enter_maintenance($1, $2)', [run, world.a.organisation]).then(
          () => 'done',
          (error) => (error as { code: string }).code,
        )
      expect(await code(rows[0].run)).toBe('HF404')
      expect(await code(randomUUID())).toBe('HF404')
      await client.query('begin')
      const { rows: own } = await client.query('select holdfast.open_maintenance($1) as run', [reason])
      await client.query('select holdfast.close_maintenance($1, 0, 0)', [own[0].run])
      expect(await code(own[0].run)).toBe('HF404')
      await client.query('rollback')
      // What was entered is over with its transaction.
      await client.query(`begin; select holdfast.maintain('${reason}', 'select 1'); commit`)
      await expect(client.query('select * from app.thing')).rejects.toThrow('invalid input syntax')
    } finally {
      await client.end()
    }
  })

  test('nobody is nobody: no verb of the foundation takes a run for a person', async () => {
    await expect(
      world.migrate(`select holdfast.maintain('${reason}', 'select holdfast.remove_member(holdfast.person())')`),
    ).rejects.toThrow(/permission denied/)
    const [{ count } = { count: 0 }] = await world.superuser(
      'select count(*)::int as count from holdfast.maintenance_run where closed_at is null',
    )
    expect(count).toBe(1)
  })

  test('a run without a reason is refused, and so is a statement that fails in one of many', async () => {
    await expect(world.migrate(`select holdfast.maintain('oops', 'select 1')`)).rejects.toThrow('maintenance_run')
    const failing = `insert into app.thing (upper_name, name) select 'x', case when holdfast.organisation() = '${world.b.organisation}' then null else 'x' end`
    await expect(world.migrate(`select holdfast.maintain('${reason}', $$ ${failing} $$)`)).rejects.toThrow('null value')
    for (const who of [world.a, world.b]) {
      const { rows } = await world.login('app').entered(who.entry, sql`select from app.thing where name = 'x'`)
      expect(rows).toEqual([])
    }
  })
})
