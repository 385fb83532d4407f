import { hash } from 'node:crypto'
import pg from 'pg'
import { createSessions } from '../../src/controls/sessions/sessions.ts'
import { type LoginRole, roleSettings } from '../../src/controls/tenant-isolation/bootstrap.ts'
import type { Cluster } from '../../src/platform/database/embedded.ts'
import { Login } from '../../src/platform/database/login.ts'
import { prepareDatabase } from '../../src/server/migrations.ts'
import { migrateBetterAuth, signedCookie } from './better-auth-peer.ts'
import type { ContestantName, DatabaseAddress } from './contestant.ts'
import { product } from './product/product.ts'
import type { Traffic } from './traffic.ts'

export interface DatasetOptions {
  readonly cluster: Cluster
  readonly passwords: Readonly<Record<string, string>>
  readonly sessionKey: string
  /** Of the protected contestant: its sessions are bound to it. */
  readonly origin: string
  readonly tenants: number
  readonly rows: number
  readonly contestants: readonly ContestantName[]
}

/** Two databases with the same rows: one that Holdfast protects, and one for everybody else. */
export interface Dataset {
  readonly tenants: number
  readonly rows: number
  databaseOf(name: ContestantName): DatabaseAddress
  trafficOf(name: ContestantName): Traffic
  drop(): Promise<void>
}

export async function makeDataset(options: DatasetOptions): Promise<Dataset> {
  const { cluster, tenants, rows } = options
  const { host, port } = cluster.superuser
  const guarded = { host, port, database: `bench_guarded_${tenants}_${rows}` }
  const plain = { host, port, database: `bench_plain_${tenants}_${rows}` }
  await makeGuarded(options, guarded)
  await makePlain(options, plain)
  const traffic = new Map<ContestantName, Traffic>([
    ['bare', { tenants, rows }],
    ['protected', { tenants, rows, cookies: await issueSessions(options, guarded) }],
  ])
  const cookies = numbers(tenants).map((tenant) => `session=${usualToken(tenant)}`)
  for (const name of ['usual', 'usual-prepared'] as const) traffic.set(name, { tenants, rows, cookies })
  if (options.contestants.includes('better-auth')) {
    const cookies = await fillBetterAuth(options, plain)
    for (const name of ['better-auth', 'better-auth-shortcut'] as const) traffic.set(name, { tenants, rows, cookies })
  }
  await asSuperuser(cluster, 'postgres', (client) => client.query('checkpoint'))
  return {
    tenants,
    rows,
    databaseOf: (name) => (name === 'protected' ? guarded : plain),
    trafficOf: (name) => traffic.get(name)!,
    drop: () =>
      asSuperuser(cluster, 'postgres', async (client) => {
        for (const { database } of [guarded, plain]) await client.query(`drop database ${database} with (force)`)
      }),
  }
}

const itemsFor = (tenants: number, rows: number) => `
  select ${uuidOf('9', `n % ${tenants}`)}, ${uuidOf('8', 'n')}, 'Item ' || n, 'A note on it: ' || md5(n::text),
         (n % 1000)::integer, '2026-01-01'::timestamptz + n * interval '1 second'
    from generate_series(0, ${rows - 1}) as n`

function uuidOf(kind: '8' | '9' | 'a', number: string): string {
  return `('00000000-0000-7000-${kind}000-' || lpad(to_hex(${number}), 12, '0'))::uuid`
}

async function makeGuarded({ cluster, passwords, tenants, rows }: DatasetOptions, database: DatabaseAddress) {
  await prepareDatabase({
    superuser: cluster.superuser,
    database,
    passwords: passwords as Record<LoginRole, string>,
    product,
  })
  await asSuperuser(cluster, database.database, async (client) => {
    // Without triggers: a million events of a log that nobody reads here.
    await client.query('set session_replication_role = replica')
    await client.query(`insert into app.item ${itemsFor(tenants, rows)}`)
    await client.query(`
      insert into holdfast.person (id, verified_at)
      select ${uuidOf('a', 'n')}, now() from generate_series(0, ${tenants - 1}) as n`)
    await client.query(`
      insert into holdfast.organisation (id, name)
      select ${uuidOf('9', 'n')}, 'Organisation ' || n from generate_series(0, ${tenants - 1}) as n`)
    // A seat is filled from its role by a trigger.
    await client.query('reset session_replication_role')
    await client.query(`
      insert into holdfast.seat (person_id, organisation_id, role_id)
      select ${uuidOf('a', 'n')}, ${uuidOf('9', 'n')}, (select role_id from holdfast.role where name = 'owner')
        from generate_series(0, ${tenants - 1}) as n`)
  })
}

const fromHere = { userAgent: 'bench', address: '127.0.0.1' }

/** A session for each tenant's owner, minted by the verb that sign-in uses. As it stands in the Cookie header. */
export async function issueSessions(
  {
    passwords,
    sessionKey,
    origin,
    tenants,
    cluster,
  }: Pick<DatasetOptions, 'passwords' | 'sessionKey' | 'origin' | 'tenants' | 'cluster'>,
  database: DatabaseAddress,
): Promise<string[]> {
  const sessions = createSessions({ product: product.name, origin, privateKeyPem: sessionKey, https: false })
  const identity = new Login({
    ...database,
    user: 'holdfast_identity',
    password: passwords.identity!,
    roleSettings: roleSettings.identity,
    most: 4,
    longestSeconds: 30,
    waitMillis: 600_000,
    settings: { synchronous_commit: 'off' },
  })
  const people = await asSuperuser(cluster, database.database, async (client) => {
    const { rows } = await client.query<{ id: string }>('select id from holdfast.person order by id')
    return rows.map(({ id }) => id)
  })
  try {
    const issued = await Promise.all(
      people
        .slice(0, tenants)
        .map((person) => sessions.issue(identity, person, { assurance: 1, shown: 'password' }, fromHere)),
    )
    return issued.map(({ cookie }) => cookie.split(';')[0]!)
  } finally {
    await identity.close()
    await asSuperuser(cluster, database.database, (client) => client.query('vacuum analyze'))
  }
}

async function makePlain({ cluster, passwords, tenants, rows }: DatasetOptions, { database }: DatabaseAddress) {
  await asSuperuser(cluster, 'postgres', async (client) => {
    const { rows: found } = await client.query("select from pg_roles where rolname = 'bench_peer'")
    if (found.length === 0) await client.query(`create role bench_peer login password '${passwords.peer}'`)
    await client.query(`create database ${database} encoding 'UTF8' template template0 locale 'C' owner bench_peer`)
  })
  await asSuperuser(cluster, database, async (client) => {
    for (const table of ['item', 'item_by_setting']) {
      await client.query(`
        create table ${table} (
          organisation_id uuid not null, id uuid not null, name text not null, note text not null,
          quantity integer not null, created_at timestamptz not null)`)
      await client.query(`insert into ${table} ${itemsFor(tenants, rows)}`)
      await client.query(`alter table ${table} add primary key (organisation_id, id)`)
    }
    await client.query(`
      alter table item_by_setting enable row level security;
      create policy by_setting on item_by_setting
        using (organisation_id = (select nullif(current_setting('app.organisation_id', true), '')::uuid));
      create table visit (token_hash bytea primary key, person_id uuid not null, expires_at timestamptz not null);
      create table membership (person_id uuid, organisation_id uuid, role text not null, primary key (person_id, organisation_id));
      grant select on all tables in schema public to bench_peer`)
    await client.query(
      `insert into visit
       select token_hash, ${uuidOf('a', 'n')}, now() + interval '30 days'
         from unnest($1::bytea[]) with ordinality as t (token_hash, at) cross join lateral (select at - 1 as n) numbered`,
      [numbers(tenants).map((tenant) => hash('sha256', usualToken(tenant), 'buffer'))],
    )
    await client.query(`
      insert into membership select ${uuidOf('a', 'n')}, ${uuidOf('9', 'n')}, 'owner' from generate_series(0, ${tenants - 1}) as n`)
    await client.query('vacuum analyze')
  })
}

function usualToken(tenant: number): string {
  return hash('sha256', `the usual way ${tenant}`, 'base64url')
}

/** Its tables by its own migrations; the rows as its own sign-in and its organisation plugin would have left them. */
async function fillBetterAuth({ cluster, passwords, tenants }: DatasetOptions, database: DatabaseAddress) {
  await migrateBetterAuth(database, passwords.peer!)
  const token = (tenant: number) => hash('sha256', `better-auth ${tenant}`, 'base64url').slice(0, 32)
  await asSuperuser(cluster, database.database, async (client) => {
    await client.query(`
      insert into "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
      select 'u' || n, 'Person ' || n, 'p' || n || '@example.com', true, now(), now() from generate_series(0, ${tenants - 1}) as n;
      insert into organization (id, name, slug, "createdAt")
      select (${uuidOf('9', 'n')})::text, 'Organisation ' || n, 'o' || n, now() from generate_series(0, ${tenants - 1}) as n;
      insert into member (id, "organizationId", "userId", role, "createdAt")
      select 'm' || n, (${uuidOf('9', 'n')})::text, 'u' || n, 'owner', now() from generate_series(0, ${tenants - 1}) as n`)
    await client.query(
      `insert into session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
       select 's' || at, token, 'u' || (at - 1), now() + interval '7 days', now(), now()
         from unnest($1::text[]) with ordinality as t (token, at)`,
      [numbers(tenants).map(token)],
    )
    await client.query('vacuum analyze')
  })
  return numbers(tenants).map((tenant) => signedCookie(token(tenant)))
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

export async function asSuperuser<T>(
  cluster: Cluster,
  database: string,
  run: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...cluster.superuser, database })
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}
