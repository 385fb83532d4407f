import { keyPrefixForm } from '../controls/api-keys/api-keys.ts'
import type { Statement } from '../platform/database/statement.ts'
import type { Routes, Transaction } from '../platform/http/route.ts'

/** Work that is done in an organisation after the answer has left, as the person who asked for it. */
export interface Job {
  /** The permission that the person must still have when it runs. */
  readonly needs: string
  /** One step, in a transaction of its own that commits together with the job's progress. `again`: run it again for the next step. */
  run(sql: Transaction, payload: Readonly<Record<string, unknown>>): Promise<'done' | 'again'>
}

export interface Role {
  readonly title: string
  readonly permissions: readonly string[]
  /** 2: entry refuses this role without a second factor. */
  readonly minAssurance?: 1 | 2 | 3
  /** How long a session may rest unused in this role. A day when left out, an hour where two factors are demanded. */
  readonly idleMinutes?: number
  /** How long after signing in one has to sign in again. 30 days when left out, one day where two factors are demanded. */
  readonly lifeHours?: number
}

/** What a developer brings: tables and routes, roles, and the words of the security page. */
export interface Product<R extends Routes = Routes> {
  /** Lower-case; names the database, the session cookie and the folders. */
  readonly name: string
  readonly title: string
  /**
   * What API keys begin with, before `_key_`: 2 to 20 of a-z and 0-9. The name without its dashes when left out. Keys that begin
   * otherwise open nothing, so change it before there are any.
   */
  readonly keyPrefix?: string
  /** One sentence on what it is. */
  readonly sentence: string
  /** individuals: each person is silently an organisation of one. */
  readonly people: 'organisations' | 'individuals'
  readonly migrations: URL
  readonly routes: R
  readonly jobs: Readonly<Record<string, Job>>
  /** `owner` must be there: whoever founds an organisation gets it. */
  readonly roles: { readonly owner: Role } & Readonly<Record<string, Role>>
  /** Permissions in words, such as 'See contacts', for the pages where roles are made; one without stands there by its name. */
  readonly permissionTitles?: Readonly<Record<string, string>>
  /**
   * Statements that put `mark` into at least one row of each of the product's tables. The prover runs them once in each
   * canary's organisation, and then looks for the mark wherever it must not be. A table without a mark proves nothing.
   */
  readonly canary: (mark: string) => readonly Statement[]
  readonly securityPage: URL
  readonly console: URL
}

/** Checks a product's definition; throws with all that is wrong with it. */
export function defineProduct<const R extends Routes>(product: Product<R>): Product<R> {
  const complaints: string[] = []
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(product.name))
    complaints.push(`name «${product.name}» must be lower-case letters, digits and dashes`)
  if (!keyPrefixForm.test(keyPrefixOf(product)))
    complaints.push(`keyPrefix «${keyPrefixOf(product)}» must be 2 to 20 of a-z and 0-9`)
  const known = new Set(Object.values(product.roles).flatMap((role) => role.permissions))
  for (const [name, role] of Object.entries(product.roles))
    for (const permission of role.permissions)
      if (!product.roles.owner.permissions.includes(permission))
        complaints.push(`role ${name} may «${permission}», which owner may not: nobody could give it`)
  for (const [name, route] of Object.entries(product.routes)) {
    if (route.kind === 'open' || route.kind === 'session') continue
    if (!route.path.startsWith('/api/o/:organisation/'))
      complaints.push(`route ${name} needs «${route.needs}» but does not stand below /api/o/:organisation/`)
    if (!known.has(route.needs)) complaints.push(`route ${name} needs «${route.needs}», which no role has`)
  }
  for (const [name, job] of Object.entries(product.jobs))
    if (!known.has(job.needs)) complaints.push(`job ${name} needs «${job.needs}», which no role has`)
  for (const permission of Object.keys(product.permissionTitles ?? {}))
    if (!known.has(permission)) complaints.push(`permissionTitles has «${permission}», which no role has`)
  if (complaints.length > 0) throw new Error(`product ${product.name}:\n  ${complaints.join('\n  ')}`)
  return product
}

/** What the product's API keys begin with. */
export function keyPrefixOf({ name, keyPrefix = name.replaceAll('-', '').slice(0, 20) }: Product): string {
  return keyPrefix
}
