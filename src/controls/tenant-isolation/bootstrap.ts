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

/** A right that the administrator's login lacks; the message holds the statement that grants it. */
export class BootstrapRefused extends Error {}

/**
 * Makes database, roles, rights and the hardening of bootstrap.sql, as a superuser. Safe to run again.
 * `passwords`: of the login roles, in clear; the server gets SCRAM verifiers only.
 */
export async function bootstrap(
  superuser: pg.ClientConfig,
  database: string,
  passwords: Readonly<Record<LoginRole, string>>,
): Promise<void> {
  await createDatabase(superuser, database)
  const client = new pg.Client({ ...superuser, database })
  await client.connect()
  try {
    await refuseWeakServer(client)
    // Roles belong to the whole cluster: two databases that start together take turns.
    await client.query('begin')
    await client.query("select pg_advisory_xact_lock(hashtext('holdfast bootstrap'))")
    await client.query(await readFile(new URL('bootstrap.sql', import.meta.url), 'utf8'))
    for (const role of loginRoles) await client.query(`alter role holdfast_${role} password '${scramVerifier(passwords[role])}'`)
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
  if (/create role|CREATEROLE/i.test(message)) return `ALTER ROLE ${user} SUPERUSER; (or run \`holdfast migrate\` once with a superuser's DATABASE_URL)`
  if (/create database/i.test(message)) return `ALTER ROLE ${user} CREATEDB;`
  return `ALTER ROLE ${user} SUPERUSER; (roles, the entry setting and the hardening need one, once)`
}

async function createDatabase(superuser: pg.ClientConfig, database: string): Promise<void> {
  if (!/^[a-z][a-z0-9_]{0,50}$/.test(database)) throw new BootstrapRefused(`«${database}» cannot be the name of a database here`)
  const client = new pg.Client(superuser)
  await client.connect()
  try {
    const { rows } = await client.query('select from pg_database where datname = $1', [database])
    if (rows.length === 0)
      await client.query(`create database ${database} encoding 'UTF8' template template0 locale 'C'`).catch((error) => {
        if (error.code !== '42P04' && error.code !== '23505') throw error
      })
  } catch (error) {
    if ((error as { code?: string }).code === '42501')
      throw new BootstrapRefused(
        `the database login ${superuser.user} may not create the database ${database}. Let a superuser run: ALTER ROLE ${superuser.user} CREATEDB;`,
        { cause: error },
      )
    throw error
  } finally {
    await client.end()
  }
}

async function refuseWeakServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query("select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding")
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
