import pg from 'pg'
import { bootstrap, type LoginRole } from '../controls/tenant-isolation/bootstrap.ts'
import { type Migrated, migrate, readMigrations } from '../platform/database/migrate.ts'
import type { Product } from './product.ts'

/** Where the foundation's own migrations lie; their numbers run through all of these folders. */
export const foundationFolders: readonly URL[] = [
  'controls/tenant-isolation',
  'controls/audit-log',
  'controls/rate-limits',
  'controls/sessions',
  'controls/accounts',
  'controls/two-factor',
  'controls/organisations',
  'controls/permissions',
  'controls/sign-in',
  'controls/api-keys',
  'platform/jobs',
  'platform/mail',
  'platform/http',
  'proving',
].map((folder) => new URL(`../${folder}/`, import.meta.url))

export interface DatabasePlace {
  readonly host: string
  readonly port: number
  readonly database: string
}

/** Makes roles and rights as the administrator, then tables as the migrator, then the product's roles. Safe to repeat. */
export async function prepareDatabase(options: {
  readonly superuser: pg.ClientConfig
  readonly database: DatabasePlace
  readonly passwords: Readonly<Record<LoginRole, string>>
  readonly product: Product
  readonly told?: (progress: { done: number; of: number; name: string }) => void
}): Promise<Migrated> {
  const { superuser, database, passwords, product } = options
  await bootstrap(superuser, database.database, passwords)
  const migrator = { ...database, user: 'holdfast_migrator', password: passwords.migrator }
  const migrations = [
    ...(await readMigrations('package', foundationFolders)),
    ...(await readMigrations('app', [product.migrations])),
  ]
  const migrated = await migrate(migrator, migrations, options.told)
  await setRoles(migrator, product)
  return migrated
}

async function setRoles(migrator: pg.ClientConfig, product: Product): Promise<void> {
  const client = new pg.Client(migrator)
  await client.connect()
  try {
    await client.query('select holdfast.set_roles($1)', [JSON.stringify(product.roles)])
  } finally {
    await client.end()
  }
}
