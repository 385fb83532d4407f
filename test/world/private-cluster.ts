import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { bootstrap, type LoginRole, loginRoles } from '../../src/controls/tenant-isolation/bootstrap.ts'
import { loginOptions, type PooledRole } from '../../src/controls/tenant-isolation/tenant-isolation.ts'
import { discardCluster } from '../../src/platform/database/cluster-place.ts'
import { type Cluster, startCluster } from '../../src/platform/database/embedded.ts'
import { type Entry, Login, type LoginOptions } from '../../src/platform/database/login.ts'
import { type Migration, migrate, readMigrations } from '../../src/platform/database/migrate.ts'
import { debianBinFolder } from './cluster.ts'

/** A server that tests run on. Both are tried where both are installed; a missing one shows as skipped. */
export interface Server {
  readonly name: string
  readonly binFolder?: string
  readonly missing: boolean
}

export const servers: readonly Server[] = [
  { name: 'the embedded PostgreSQL 18', missing: false },
  {
    name: "Debian's PostgreSQL 15",
    ...(debianBinFolder === undefined ? {} : { binFolder: debianBinFolder }),
    missing: debianBinFolder === undefined,
  },
]

/**
 * A cluster of one test file's own: for tests that change roles, grants or the server, which every other database of the
 * same cluster would feel. Everything else takes a database of the common cluster.
 */
export interface PrivateCluster {
  readonly version: string
  readonly superuser: Cluster['superuser']
  /** A new database with the foundation in it, and what the test wants of tables. */
  found(database: string, options?: { readonly tables?: string }): Promise<Founded>
  /** What the server has written to its log so far. */
  log(): string
  /** What every start does first. */
  bootstrapAgain(database: string): Promise<void>
  stop(): Promise<void>
}

/** A database with the foundation, two people in two organisations, and the ways in. */
export interface Founded {
  readonly database: string
  readonly a: Inhabitant
  readonly b: Inhabitant
  /** Runs SQL as the superuser, several statements at once if need be. */
  superuser(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Applies an app migration, as the product's owner, with all the checks of migrations. */
  migrate(text: string): Promise<void>
  /** A pool of that login role, by the code that the server uses. Closed by `close`. */
  login(role: PooledRole, options?: Partial<LoginOptions>): Login
  connection(role: LoginRole): pg.ClientConfig & { host: string; port: number; user: string; password: string }
  inhabitant(role?: string): Promise<Inhabitant>
  close(): Promise<void>
}

export interface Inhabitant {
  readonly person: string
  readonly organisation: string
  readonly secret: Uint8Array
  readonly entry: Entry
}

export async function startPrivateCluster(
  server: Server,
  settings: Readonly<Record<string, string>> = {},
): Promise<PrivateCluster> {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), 'hf-private-')), 'data')
  const cluster = await startCluster({
    folder,
    ...(server.binFolder === undefined ? {} : { binFolder: server.binFolder }),
    log: () => {},
    settings: { fsync: 'off', ...settings },
  })
  const founded: Founded[] = []
  const passwords = Object.fromEntries(
    loginRoles.map((role) => [role, randomBytes(12).toString('base64url')]),
  ) as Record<LoginRole, string>
  return {
    version: cluster.version,
    superuser: cluster.superuser,
    async found(database, { tables } = {}) {
      const one = await foundDatabase(cluster, database, passwords)
      founded.push(one)
      if (tables !== undefined) await one.migrate(tables)
      return one
    },
    log: () => readFileSync(path.join(folder, 'postgres.log'), 'utf8'),
    bootstrapAgain: (database) => bootstrap(cluster.superuser, database, passwords),
    async stop() {
      for (const one of founded) await one.close()
      await cluster.stop()
      await discardCluster(folder, () => {})
      rmSync(path.dirname(folder), { recursive: true, force: true })
    },
  }
}

async function foundDatabase(
  cluster: Cluster,
  database: string,
  passwords: Readonly<Record<LoginRole, string>>,
): Promise<Founded> {
  await bootstrap(cluster.superuser, database, passwords)
  const connection = (role: LoginRole) => ({
    host: cluster.superuser.host,
    port: cluster.superuser.port,
    database,
    user: `holdfast_${role}`,
    password: passwords[role],
  })
  const foundation = await packageMigrations()
  await migrate(connection('migrator'), foundation)
  const administrator = new pg.Client({ ...cluster.superuser, database })
  administrator.on('error', () => {})
  await administrator.connect()
  const superuser = async (text: string, values?: readonly unknown[]) => {
    const answer = (await administrator.query(text, values as unknown[])) as pg.QueryResult | pg.QueryResult[]
    return (Array.isArray(answer) ? answer.at(-1)! : answer).rows as Record<string, unknown>[]
  }
  await superuser(`select holdfast.set_roles('${JSON.stringify(roles)}')`)
  const logins: Login[] = []
  const mine: Migration[] = []
  const inhabitant = (role = 'owner') => settle(superuser, role)
  return {
    database,
    a: await inhabitant(),
    b: await inhabitant(),
    superuser,
    async migrate(text) {
      mine.push({ source: 'app', number: mine.length + 1, name: `test-${mine.length + 1}`, text, breaking: false })
      try {
        await migrate(connection('migrator'), [...foundation, ...mine])
      } catch (error) {
        mine.pop()
        throw error
      }
    },
    login(role, options = {}) {
      const { password } = connection(role)
      const login = new Login(loginOptions(role, { ...cluster.superuser, database }, { password, most: 4, ...options }))
      logins.push(login)
      return login
    },
    connection,
    inhabitant,
    async close() {
      for (const login of logins) await login.close()
      await administrator.end()
    },
  }
}

const roles = {
  owner: { permissions: ['things.read', 'things.write'] },
  member: { permissions: ['things.read'] },
}

/** A verified person who holds a seat of that role in an organisation of their own, and a live session. */
async function settle(
  superuser: (text: string, values?: readonly unknown[]) => Promise<unknown>,
  role: string,
): Promise<Inhabitant> {
  const [person, organisation, secret] = [randomUUID(), randomUUID(), new Uint8Array(randomBytes(32))]
  await superuser('set role holdfast_keeper')
  try {
    await superuser('select holdfast.add_person($1, false)', [person])
    await superuser('select holdfast.mark_verified($1)', [person])
    await superuser('select holdfast.grant_seat($1, $2, $3)', [organisation, person, role])
    await superuser(`select holdfast.mint($1, $2, 1::smallint, 'test', '1 day', '1 day', $3)`, [
      createHash('sha256').update(secret).digest(),
      person,
      randomUUID(),
    ])
  } finally {
    await superuser('reset role')
  }
  return { person, organisation, secret, entry: { secret, organisation, need: '1' } }
}

/** Wherever migrations of the package lie. */
function packageMigrations(): Promise<Migration[]> {
  const source = new URL('../../src/', import.meta.url)
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\d{4}-[^/]+\.sql$/.test(file),
  )
  const folders = new Set(files.map((file) => new URL(`${path.dirname(file)}/`, source).href))
  return readMigrations(
    'package',
    [...folders].map((folder) => new URL(folder)),
  )
}
