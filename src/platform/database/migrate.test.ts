import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { bootstrap } from '../../controls/tenant-isolation/bootstrap.ts'
import { foundationFolders } from '../../server/migrations.ts'
import { type Migration, MigrationRefused, migrate, readMigrations } from './migrate.ts'

const superuser = inject('superuser')
const passwords = {
  migrator: 'test-migrator',
  app: 'test-app',
  identity: 'test-identity',
  worker: 'test-worker',
  auditor: 'test-auditor',
  prover: 'test-prover',
}
const folder = mkdtempSync(path.join(tmpdir(), 'hf-migrate-'))
const made: string[] = []
let connection: pg.ClientConfig

/** The foundation's own first migration, and the check of the catalogue, under numbers without a gap. */
const foundation = (): Promise<Migration[]> => readMigrations('package', foundationFolders)
const app = (number: number, text: string, breaking = false): Migration => ({
  source: 'app',
  number,
  name: `test-${number}`,
  text,
  breaking,
})
const good = `create table app.thing (organisation_id uuid not null, id uuid not null, primary key (organisation_id, id));
  select holdfast.protect('app.thing', 'id none');`

beforeEach(async () => {
  const database = `migrate_${Math.random().toString(36).slice(2, 10)}`
  made.push(database)
  await bootstrap(superuser, database, passwords)
  connection = { ...superuser, database, user: 'holdfast_migrator', password: passwords.migrator }
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  const client = new pg.Client({ ...superuser, database: 'postgres' })
  await client.connect()
  for (const database of made) await client.query(`drop database if exists ${database} with (force)`)
  await client.end()
})

async function tables(): Promise<string[]> {
  const client = new pg.Client({ ...superuser, database: connection.database! })
  await client.connect()
  const { rows } = await client.query(
    "select relname from pg_class where relnamespace = 'app'::regnamespace and relkind = 'r' order by 1",
  )
  await client.end()
  return rows.map((row) => row.relname)
}

describe('migrations', () => {
  it('run once, and a second run finds them done', async () => {
    const all = [...(await foundation()), app(1, good)]
    expect(await migrate(connection, all)).toMatchObject({ already: 0 })
    expect(await migrate(connection, all)).toEqual({ applied: [], already: all.length })
  })

  it('of two installers at once each migration runs in exactly one', async () => {
    const all = [...(await foundation()), app(1, good)]
    const both = await Promise.all([migrate(connection, all), migrate(connection, all)])
    expect(both.flatMap((one) => one.applied).sort()).toEqual(all.map((one) => `${one.source}/${one.name}`).sort())
  })

  it('are refused when they were changed after they ran', async () => {
    const first = await foundation()
    await migrate(connection, [...first, app(1, good)])
    await expect(migrate(connection, [...first, app(1, `${good} -- changed`)])).rejects.toThrow(
      /was changed after it ran here/,
    )
  })

  it.each([
    ['a table without a class', 'create table app.bare (id uuid primary key)', /app\.bare: give it a class/],
    [
      'a column without a line',
      `${good} alter table app.thing add column phone text`,
      /app\.thing\.phone: add the column to the inventory/,
    ],
    [
      'a view of the owner’s',
      `${good} create view app.all_things as select * from app.thing; grant select on app.all_things to holdfast_app`,
      /all_things/,
    ],
    ['a policy that lets all through', `${good} create policy open on app.thing for all using (true)`, /app\.thing/],
    ['policies that spare the owner', `${good} alter table app.thing no force row level security`, /app\.thing/],
    ['an index that begins with another column', `${good} create index thing_by_id on app.thing (id)`, /thing_by_id/],
    [
      'a foreign key without the organisation',
      `${good} create unique index thing_id on app.thing (organisation_id, id);
      create table app.part (organisation_id uuid not null, id uuid not null, thing_id uuid references app.thing (id), primary key (organisation_id, id))`,
      /no unique constraint|foreign key/,
    ],
    ['a materialised view', `${good} create materialized view app.frozen as select 1 as one`, /app\.frozen/],
    ['a right too many', `${good} grant truncate on app.thing to holdfast_app`, /app\.thing/],
    ['a statement that fails', `${good} select 1 / 0`, /division by zero/],
  ])('leave nothing behind when they would leave %s', async (_, text, reason) => {
    const first = await foundation()
    await migrate(connection, first)
    await expect(migrate(connection, [...first, app(1, text)])).rejects.toThrow(reason)
    expect(await tables()).toEqual([])
    // What was refused is not noted as done: mended, it runs.
    expect(await migrate(connection, [...first, app(1, good)])).toMatchObject({ applied: ['app/test-1'] })
  })

  it('let an older version go on beside additions, and not beside what is marked breaking', async () => {
    const first = await foundation()
    const second = `create table app.more (organisation_id uuid not null, id uuid not null, primary key (organisation_id, id)); select holdfast.protect('app.more', 'id none');`
    await migrate(connection, [...first, app(1, good), app(2, second)])
    expect(await migrate(connection, [...first, app(1, good)])).toMatchObject({ applied: [] })
    await migrate(connection, [...first, app(1, good), app(2, second), app(3, 'select 1', true)])
    await expect(migrate(connection, [...first, app(1, good)])).rejects.toThrow(/newer version \(app\/test-3\)/)
  })
})

describe('reading migrations', () => {
  const read = (names: readonly string[]) => {
    const at = mkdtempSync(path.join(folder, 'set-'))
    for (const name of names)
      writeFileSync(path.join(at, name), name.includes('harsh') ? '--! breaking\nselect 1' : 'select 1')
    return readMigrations('app', [pathToFileURL(`${at}/`)])
  }
  it('takes them in order, and marks what breaks', async () => {
    expect(
      (await read(['0002-harsh.sql', '0001-mild.sql', 'notes.md'])).map(({ number, breaking }) => [number, breaking]),
    ).toEqual([
      [1, false],
      [2, true],
    ])
  })
  it.each([[['0002-late.sql']], [['0001-a.sql', '0003-c.sql']], [['0001-a.sql', '0001-b.sql']]])(
    'refuses a gap or a number there twice: %j',
    async (names) => {
      await expect(read(names)).rejects.toThrow(MigrationRefused)
    },
  )
})
