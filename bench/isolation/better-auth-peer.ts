import { createHmac } from 'node:crypto'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { peersFolder } from '../peers.ts'
import type { DatabaseAddress } from './contestant.ts'

/** As much of better-auth as is used here: it is no dependency, so its own types are not at hand. */
export interface Auth {
  readonly options: unknown
  /** Answers better-auth's own routes, below /api/auth. */
  handler(request: Request): Promise<Response>
  readonly api: {
    getSession(what: { headers: Headers }): Promise<{ user: { id: string } } | null>
    /** Throws an error with `statusCode` 401 for whoever has no session, or is no member. */
    hasPermission(what: {
      headers: Headers
      body: { organizationId: string; permission: undefined; permissions: Record<string, string[]> }
    }): Promise<{ success: boolean }>
  }
}

const secret = 'a secret of the benchmark, known to nobody else: 2f1d3c4b5a69'

/**
 * better-auth as its documentation sets it up: PostgreSQL through `pg`, the organisation plugin, everything else as it comes.
 * `more`: options of its own.
 */
export async function createAuth(pool: pg.Pool, origin: string, more: object = {}): Promise<Auth> {
  const [{ betterAuth }, { organization }, { createAccessControl }] = await Promise.all([
    load('index.mjs'),
    load('plugins/organization/index.mjs'),
    load('plugins/access/index.mjs'),
  ])
  const ac = createAccessControl({ item: ['read'] })
  return betterAuth({
    database: pool,
    baseURL: origin,
    secret,
    telemetry: { enabled: false },
    emailAndPassword: { enabled: true },
    plugins: [organization({ ac, roles: { owner: ac.newRole({ item: ['read'] }) } })],
    ...more,
  })
}

/** Makes better-auth's own tables by its own migrations, as `bench_peer`. */
export async function migrateBetterAuth(database: DatabaseAddress, password: string): Promise<void> {
  const pool = new pg.Pool({ ...database, user: 'bench_peer', password })
  try {
    const auth = await createAuth(pool, 'http://localhost')
    const { getMigrations } = await load('db/get-migration.mjs')
    const { runMigrations } = await getMigrations(auth.options)
    await runMigrations()
  } finally {
    await pool.end()
  }
}

/** What better-auth's signed cookie says for a session token: the token, and its HMAC. */
export function signedCookie(token: string): string {
  const signature = createHmac('sha256', secret).update(token).digest('base64')
  return `better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`
}

// biome-ignore lint/suspicious/noExplicitAny: a package that is installed only while a benchmark runs
function load(file: string): Promise<any> {
  return import(pathToFileURL(path.join(peersFolder, 'node_modules/better-auth/dist', file)).href)
}
