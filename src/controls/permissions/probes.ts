import type { Answer, Bench, RouteSeen } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, notApplicable, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'
import { customRolesStayWithin } from './probe-custom-roles.ts'
import { findOrFound, putInRole } from './probe-place.ts'

const roleDecidesEveryRoute: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 180,
  run: tryEveryRole,
}

export const probes = {
  'permissions/role-decides-every-route': roleDecidesEveryRoute,
  'permissions/custom-roles-stay-within': customRolesStayWithin,
} satisfies Record<keyof typeof claims, Probe>

interface Role {
  readonly role: string
  readonly permissions: readonly string[]
}

/** A route inside an organisation, and a body that its schema takes, as far as one can be made up from its description. */
interface Attack {
  readonly route: RouteSeen
  readonly body?: string
  readonly type?: string
}

interface Tally {
  refused: number
  asked: number
  let: number
  readonly unread: Set<string>
}

const refusedCode = 'tenant-isolation/permission-missing'
/** Canary A's, and nothing else's: canary B has each role in it, one after the other. */
const place = 'probe: roles'

async function tryEveryRole(bench: Bench): Promise<Outcome> {
  const routes = await bench.routes()
  if (!routes.some((route) => route.path === '/api/organisations'))
    return notApplicable('in this product each person is alone, with the one role that may do everything')
  const unguarded = routes.find((route) => route.path.includes('{organisation}') && !route.needs.includes('.'))
  if (unguarded) return broken(`${unguarded.method} ${unguarded.path} asks for no permission`, 1)
  const attacks = await attacksOf(bench, routes)
  const roles = await readRoles(bench)
  const bits = await bench.catalogue<{ name: string; bit: number }>(
    'select name, bit from holdfast.permission order by bit',
  )
  const organisation = await findOrFound(bench, place)
  const tally: Tally = { refused: 0, asked: 0, let: 0, unread: new Set() }
  for (const role of roles) {
    const hindered = await putInRole(bench, organisation, role.role)
    if (hindered !== undefined) return inconclusive(`as ${role.role}: ${hindered}`, tally.refused)
    const fault =
      (await tryRoutes(bench, organisation, role, attacks, tally)) ??
      (await askDatabase(bench, organisation, role, bits, tally))
    if (fault !== undefined) return broken(`as ${role.role}: ${fault}`, tally.refused + tally.asked)
  }
  if (tally.refused === 0) return inconclusive('no role lacks a permission that a route asks for', tally.asked)
  if (tally.let === 0)
    return inconclusive('every route refused every role, also those that have the permission', tally.refused)
  const unread =
    tally.unread.size === 0
      ? ''
      : `; ${tally.unread.size} routes refused the made-up body first, so only the database was asked`
  return holds(
    `${roles.length} roles: ${tally.refused} requests without the permission were refused, ${tally.let} with it were not; the database gave ${tally.asked} right answers of ${tally.asked}${unread}`,
    tally.refused + tally.asked,
  )
}

/** Over HTTP: what the role lacks is refused by this code; what it has (tried where nothing changes) is not. */
async function tryRoutes(
  bench: Bench,
  organisation: string,
  role: Role,
  attacks: readonly Attack[],
  tally: Tally,
): Promise<string | undefined> {
  for (const attack of attacks) {
    const { route } = attack
    const may = role.permissions.includes(route.needs)
    if (may && route.changes) continue
    const answer = await send(bench, organisation, attack)
    const refused = answer.text.includes(refusedCode)
    if (may && refused) return `${route.method} ${route.path} was refused, though the role has ${route.needs}`
    if (may) tally.let += 1
    else if (refused) tally.refused += 1
    else if (answer.status < 300)
      return `${route.method} ${route.path} was answered ${answer.status} without ${route.needs}`
    else if (answer.status >= 500) return `${route.method} ${route.path} was answered ${answer.status}`
    else tally.unread.add(`${route.method} ${route.path}`)
  }
  return undefined
}

/** At the database: entry with each permission alone, as the server asks for it. */
async function askDatabase(
  bench: Bench,
  organisation: string,
  role: Role,
  bits: readonly { name: string; bit: number }[],
  tally: Tally,
): Promise<string | undefined> {
  for (const { name, bit } of bits) {
    const need = String(1n << BigInt(bit))
    const { error } = await bench.sql('app', 'select holdfast.enter($1, $2, $3)', [
      bench.canaries.b.entry,
      organisation,
      need,
    ])
    const expected = role.permissions.includes(name) ? undefined : 'HF403'
    if (error?.code !== expected)
      return `entry with ${name}: ${error?.code ?? 'let in'}, expected ${expected ?? 'to be let in'}`
    tally.asked += 1
  }
  return undefined
}

async function readRoles(bench: Bench): Promise<Role[]> {
  return bench.catalogue<{ role: string; permissions: string[] }>(
    `select r.name as role, coalesce((select json_agg(p.name) from holdfast.permission p where (r.permissions >> p.bit) & 1 = 1), '[]') as permissions
       from holdfast.role r where r.permissions <> 0 order by r.role_id`,
  )
}

function send(bench: Bench, organisation: string, { route, body, type }: Attack): Promise<Answer> {
  const path = route.path.replace('{organisation}', organisation).replace(/\{[^}]+\}/g, () => crypto.randomUUID())
  return bench.http(path + route.sampleQuery, {
    method: route.method,
    as: bench.canaries.b,
    ...(body === undefined ? {} : { body }),
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
  })
}

// --- requests that get past the schema -----------------------------------------------------------------------------

interface Schema {
  readonly type?: string
  readonly format?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly minimum?: number
  readonly minItems?: number
  readonly minLength?: number
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}

async function attacksOf(bench: Bench, routes: readonly RouteSeen[]): Promise<Attack[]> {
  const answer = await bench.http('/api/openapi.json')
  const { paths } = JSON.parse(answer.text) as { paths: Record<string, Record<string, Operation>> }
  return routes
    .filter((route) => route.path.includes('{organisation}'))
    .map((route) => {
      const content = paths[route.path]?.[route.method.toLowerCase()]?.requestBody?.content
      const [type, described] = Object.entries(content ?? {})[0] ?? []
      if (type === undefined || described === undefined) return { route }
      return { route, type, body: type === 'application/json' ? JSON.stringify(sampleOf(described.schema, '')) : 'x' }
    })
}

/** A small value that the schema should take. Where it does not, the route says so, and is counted as not reached. */
function sampleOf(schema: Schema, name: string): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf?.[0] !== undefined) return sampleOf(schema.anyOf[0], name)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((field) => [field, sampleOf(schema.properties?.[field] ?? {}, field)]),
      )
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}, name))
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1)
    case 'boolean':
      return false
    case 'null':
      return null
    default:
      return textFor(schema, name)
  }
}

function textFor({ format, minLength = 1 }: Schema, name: string): string {
  if (format === 'uuid') return crypto.randomUUID()
  if (format === 'date-time') return '2026-01-31T09:30:00Z'
  if (format === 'date') return '2026-01-31'
  if (/address|mail/i.test(name)) return 'nobody@canary.invalid'
  return 'x'.repeat(Math.max(1, Math.min(minLength, 1000)))
}
