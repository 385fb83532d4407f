import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'

export const loginRoles = ['migrator', 'app', 'identity', 'worker', 'auditor', 'prover'] as const
export type LoginRole = (typeof loginRoles)[number]

/** What each login role has set for itself by bootstrap.sql, as `pg_db_role_setting` shows it; the pools compare it. */
export const roleSettings: Readonly<Record<LoginRole, readonly string[]>> = {
  migrator: [],
  app: ['log_parameter_max_length=0', 'log_parameter_max_length_on_error=0', 'temp_file_limit=256MB'],
  identity: ['log_parameter_max_length=0', 'log_parameter_max_length_on_error=0', 'temp_file_limit=64MB'],
  worker: ['log_parameter_max_length=0', 'log_parameter_max_length_on_error=0', 'temp_file_limit=256MB'],
  auditor: ['temp_file_limit=256MB'],
  prover: ['log_parameter_max_length=0', 'log_parameter_max_length_on_error=0', 'temp_file_limit=64MB'],
}

/**
 * Where the database keeps the verified context of a transaction. `setting`: in a setting that only the keeper's entry
 * functions may write (GRANT SET ON PARAMETER). `signed`, for administrators who may not grant that: in an ordinary setting, with
 * a MAC under a key that only the keeper's functions read. Entry, `holdfast.organisation()`, `holdfast.person()`, protect() and
 * the pool are the same for both; what differs is the one expression in protect() and the last line of each entry function.
 */
export type ContextCarrier = 'setting' | 'signed'

/** A right that the administrator's login lacks; the message holds the statement that grants it. */
export class BootstrapRefused extends Error {}

/**
 * Makes database, roles, rights and the hardening of bootstrap.sql, as a superuser. Safe to run again.
 * `passwords`: of the login roles, in clear; the server gets SCRAM verifiers only. The carrier `signed` is refused: it is
 * not built yet.
 */
export async function bootstrap(
  superuser: pg.ClientConfig,
  database: string,
  passwords: Readonly<Record<LoginRole, string>>,
  carrier: ContextCarrier = 'setting',
): Promise<void> {
  if (carrier !== 'setting')
    throw new BootstrapRefused(
      'keeping the context in a signed setting is not built yet: use a server on which a superuser can run GRANT SET ON PARAMETER backtrace_functions TO holdfast_keeper;',
    )
  const first = new pg.Client(superuser)
  await first.connect()
  try {
    // Roles belong to the whole cluster: databases that are prepared at the same time take turns. The lock is held in the
    // administrator's own database, because advisory locks do not reach across databases.
    await first.query("select pg_advisory_lock(hashtext('holdfast bootstrap'))")
    await createDatabase(first, superuser.user ?? '', database)
    await harden(superuser, database, passwords)
  } finally {
    await first.end()
  }
}

async function harden(
  superuser: pg.ClientConfig,
  database: string,
  passwords: Readonly<Record<LoginRole, string>>,
): Promise<void> {
  const client = new pg.Client({ ...superuser, database })
  await client.connect()
  try {
    await refuseWeakServer(client)
    await client.query('begin')
    await client.query(await readFile(new URL('bootstrap.sql', import.meta.url), 'utf8'))
    for (const role of loginRoles)
      await client.query(`alter role holdfast_${role} password '${scramVerifier(passwords[role])}'`)
    await client.query('commit')
  } catch (error) {
    if ((error as { code?: string }).code === '42501')
      throw new BootstrapRefused(
        `the database login ${superuser.user} may not do this: ${(error as Error).message}. Let a superuser run: ${remedyFor((error as Error).message, superuser.user ?? 'your_login')}`,
        { cause: error },
      )
    throw error
  } finally {
    await client.end()
  }
}

function remedyFor(message: string, user: string): string {
  if (/parameter/.test(message)) return 'GRANT SET ON PARAMETER backtrace_functions TO holdfast_keeper;'
  if (/create role|CREATEROLE/i.test(message))
    return `ALTER ROLE ${user} SUPERUSER; (or run \`holdfast migrate\` once with a superuser's DATABASE_URL)`
  if (/create database/i.test(message)) return `ALTER ROLE ${user} CREATEDB;`
  return `ALTER ROLE ${user} SUPERUSER; (roles, the entry setting and the hardening need one, once)`
}

async function createDatabase(client: pg.Client, user: string, database: string): Promise<void> {
  if (!/^[a-z][a-z0-9_]{0,50}$/.test(database))
    throw new BootstrapRefused(`«${database}» cannot be the name of a database here`)
  const { rows } = await client.query('select from pg_database where datname = $1', [database])
  if (rows.length > 0) return
  try {
    await client.query(`create database ${database} encoding 'UTF8' template template0 locale 'C'`)
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error
    throw new BootstrapRefused(
      `the database login ${user} may not create the database ${database}. Let a superuser run: ALTER ROLE ${user} CREATEDB;`,
      { cause: error },
    )
  }
}

async function refuseWeakServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    "select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding",
  )
  if (rows[0].version < 150000)
    throw new BootstrapRefused(`PostgreSQL 15 or newer is needed (GRANT SET ON PARAMETER); this is ${rows[0].version}`)
  if (rows[0].encoding !== 'UTF8') throw new BootstrapRefused(`the database must be UTF8, it is ${rows[0].encoding}`)
}

/** RFC 5803: what PostgreSQL stores for a password, so that the password itself never stands in a statement or a log. */
function scramVerifier(password: string, iterations = 4096): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
