import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

/** One migration: plain SQL, run once, as the role that owns what its source makes. */
export interface Migration {
  readonly source: 'package' | 'app'
  readonly number: number
  readonly name: string
  readonly text: string
  /** `--! breaking` on the first line: servers of an older version must not go on beside it. */
  readonly breaking: boolean
}

export interface Migrated {
  readonly applied: readonly string[]
  readonly already: number
}

/** The database is not what this version can work with. The message says what to do. */
export class MigrationRefused extends Error {}

/** Reads `NNNN-name.sql` from folders; within one source the numbers are gapless. */
export async function readMigrations(source: Migration['source'], folders: readonly URL[]): Promise<Migration[]> {
  const found: Migration[] = []
  for (const folder of folders) {
    for (const file of await readdir(fileURLToPath(folder))) {
      const match = /^(\d{4})-(.+)\.sql$/.exec(file)
      if (match === null) continue
      const text = await readFile(new URL(file, folder), 'utf8')
      found.push({ source, number: Number(match[1]), name: match[2]!, text, breaking: text.startsWith('--! breaking') })
    }
  }
  found.sort((a, b) => a.number - b.number)
  found.forEach((migration, index) => {
    if (migration.number !== index + 1)
      throw new MigrationRefused(
        `the migrations of the ${source} are not gapless: number ${index + 1} is missing or there twice (found ${migration.number}-${migration.name})`,
      )
  })
  return found
}

const owners = { package: 'holdfast_keeper', app: 'holdfast_owner' } as const

/**
 * Brings the database up to date. Each migration is one transaction that begins with its ledger row, so that of two
 * installers one waits and then finds it done. A migration that leaves a table without a class, a column without an
 * inventory line or a weakness behind is rolled back.
 */
export async function migrate(
  connection: pg.ClientConfig,
  migrations: readonly Migration[],
  told: (progress: { done: number; of: number; name: string }) => void = () => {},
): Promise<Migrated> {
  const client = new pg.Client({ ...connection, options: '-c lock_timeout=5s -c search_path=pg_catalog' })
  await client.connect()
  try {
    await createLedger(client)
    const applied: string[] = []
    let already = 0
    for (const [index, migration] of migrations.entries()) {
      told({ done: index, of: migrations.length, name: migration.name })
      if (await retryOnLock(() => applyOne(client, migration))) applied.push(`${migration.source}/${migration.name}`)
      else already++
    }
    await refuseUnknown(client, migrations)
    return { applied, already }
  } finally {
    await client.end()
  }
}

/** Of two installers that make it at once one fails, and then finds it made. */
async function createLedger(client: pg.Client): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { rows } = await client.query("select to_regclass('holdfast.migration') is not null as there")
    if (rows[0].there) return
    try {
      // In one transaction: whoever sees the table sees the grant with it.
      await client.query(`begin; set local role holdfast_keeper;
        create table holdfast.migration (
          source text not null check (source in ('package', 'app')), number integer not null, name text not null, digest text not null,
          breaking boolean not null, applied_at timestamptz not null default now(), primary key (source, number));
        grant select on holdfast.migration to holdfast_auditor;
        commit`)
      return
    } catch (error) {
      await client.query('rollback')
      if (attempt === 5 || !['23505', '42710', '42P07', 'XX000'].includes((error as { code?: string }).code ?? ''))
        throw error
    }
  }
}

/** Returns whether it was applied now. */
async function applyOne(client: pg.Client, migration: Migration): Promise<boolean> {
  const digest = createHash('sha256').update(migration.text).digest('hex')
  const label = `${migration.source} migration ${String(migration.number).padStart(4, '0')}-${migration.name}`
  await client.query('begin')
  try {
    await client.query('set local role holdfast_keeper')
    const ledger = await client.query(
      'insert into holdfast.migration (source, number, name, digest, breaking) values ($1, $2, $3, $4, $5) on conflict do nothing',
      [migration.source, migration.number, migration.name, digest, migration.breaking],
    )
    if (ledger.rowCount === 0) {
      const { rows } = await client.query(
        'select name, digest from holdfast.migration where source = $1 and number = $2',
        [migration.source, migration.number],
      )
      if (rows[0].digest !== digest)
        throw new MigrationRefused(
          `${label} was changed after it ran here: restore the file, and write a new migration instead`,
        )
      await client.query('rollback')
      return false
    }
    await client.query(`set local role ${owners[migration.source]}`)
    await client.query(migration.text)
    await client.query('set local role holdfast_keeper')
    await refuseUnprotected(client, label)
    await client.query('commit')
    return true
  } catch (error) {
    await client.query('rollback').catch(() => {})
    if (error instanceof MigrationRefused || lockTimedOut(error)) throw error
    const { message, hint } = error as { message: string; hint?: string }
    throw new MigrationRefused(`${label}: ${message}${hint ? `\n  ${hint}` : ''}`, {
      cause: error,
    })
  }
}

/** Default-deny: no class, no inventory line, or a way around the policies, and the migration is as if it had never run. */
async function refuseUnprotected(client: pg.Client, label: string): Promise<void> {
  const { rows } = await client.query<{ object: string; remedy: string }>(
    'select object, remedy from holdfast.unclassified()',
  )
  // The check of the catalogue comes with a migration of its own; until then there is no product's table to check.
  const checked = await client.query("select to_regprocedure('holdfast.weaknesses()') is not null as there")
  if (checked.rows[0].there) rows.push(...(await client.query('select object, remedy from holdfast.weaknesses()')).rows)
  if (rows.length > 0)
    throw new MigrationRefused(
      `${label} would leave unprotected:\n${rows.map((row) => `  ${row.object}: ${row.remedy}`).join('\n')}`,
    )
}

/**
 * A newer version has run here. Beside one whose migrations are all additions this one may go on, so that processes can be
 * replaced one after the other; where a migration is marked `--! breaking`, it would do harm.
 */
async function refuseUnknown(client: pg.Client, migrations: readonly Migration[]): Promise<void> {
  await client.query('set role holdfast_keeper')
  const { rows } = await client.query<{ source: string; number: number; name: string; breaking: boolean }>(
    'select source, number, name, breaking from holdfast.migration order by source, number',
  )
  await client.query('reset role')
  const unknown = rows.filter(
    (row) => !migrations.some((one) => one.source === row.source && one.number === row.number),
  )
  const breaking = unknown.filter((row) => row.breaking)
  if (breaking.length > 0)
    throw new MigrationRefused(
      `this database was migrated by a newer version (${breaking.map((row) => `${row.source}/${row.name}`).join(', ')}), with which this one cannot work: start the newer version`,
    )
}

/** One ALTER on a busy table would stop everything behind it: give up soon, and try again. */
async function retryOnLock<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (!lockTimedOut(error) || attempt === 5) throw error
      await new Promise((resolve) => setTimeout(resolve, attempt * 500))
    }
  }
}

function lockTimedOut(error: unknown): boolean {
  return (error as { code?: string }).code === '55P03'
}
