import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { z } from 'zod'
import { crm } from '../../../examples/crm/crm.ts'
import { type Company, found, maskOf, secretOf } from '../../../test/world/company.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { sql } from '../../platform/database/statement.ts'
import type { Route } from '../../platform/http/route.ts'

vi.setConfig({ testTimeout: 120_000 })

type Guarded = Extract<Route, { kind: 'read' | 'write' }>

let world: World
let company: Company
let guest: Visitor
/** Every route inside an organisation: the product's, and the foundation's. */
let routes: Guarded[]
beforeAll(async () => {
  // Every role calls every route, so quotas are left out: they are tested elsewhere.
  world = await startWorld({
    product: crm,
    superuser: inject('superuser'),
    replaceStages: (stages) => ({
      ...stages,
      spendOverall: () => ({}),
      spendByAddress: () => ({}),
      spendBySession: () => undefined,
    }),
  })
  routes = Object.values(world.foundation.routes).filter(isGuarded)
  const [owner, other] = await Promise.all([world.join('Ada'), world.join('Ben')])
  guest = other
  company = await found(world, owner)
  await company.take(guest, 'viewer')
}, 120_000)
afterAll(() => world?.stop())

function isGuarded(route: Route): route is Guarded {
  return route.kind === 'read' || route.kind === 'write'
}

const permissions = crm.roles.owner.permissions
const become = async (role: string) =>
  expect(await company.told(company.owner, 'PUT', `/members/${guest.person}/role`, { role })).toBe('204')

const productRoles = Object.entries(crm.roles).map(([name, role]) => [name, role.permissions] as const)

describe('every route and every role of the product', () => {
  test.each(productRoles)('as %s: what the role lacks is refused, what it has is not', async (name, granted) => {
    await become(name)
    await expectMatrix(granted)
  })
})

describe('every route and every role of an organisation’s own', () => {
  test.each(permissions.map((permission) => [permission]))('that has %s alone', async (permission) => {
    await become(await company.role({ permissions: [permission] }))
    await expectMatrix([permission])
  })

  test.each(permissions.map((permission) => [permission]))('that has all but %s', async (permission) => {
    const granted = permissions.filter((one) => one !== permission)
    await become(await company.role({ permissions: granted }))
    await expectMatrix(granted)
  })
})

test('the table has every permission of the product in it: a role that none asks for would be worth nothing', () => {
  const asked = new Set(routes.map(({ needs }) => needs))
  expect(permissions.filter((permission) => !asked.has(permission))).toEqual(unasked)
})

/** Permissions that are there for what is still to come. */
const unasked: readonly string[] = ['events.read']

async function expectMatrix(granted: readonly string[]): Promise<void> {
  const wrong: string[] = []
  for (const route of routes) {
    const may = granted.includes(route.needs)
    const entered = await enter(route.needs)
    if (entered !== (may ? 'in' : 'HF403')) wrong.push(`${nameOf(route)}: entry said ${entered}`)
    // What it may is called only where nothing changes: leaving, for one, would end the test.
    if (may && route.kind === 'write') continue
    const answer = await call(route)
    const refused = answer.status === 403 && answer.code === 'tenant-isolation/permission-missing'
    if (refused === may || answer.status >= 500) wrong.push(`${nameOf(route)}: ${answer.status} ${answer.code}`)
  }
  expect(wrong).toEqual([])
}

async function enter(permission: string): Promise<string | undefined> {
  const need = await mask(permission)
  return world.foundation.logins.app
    .entered({ secret: secretOf(guest), organisation: company.organisation, need }, sql`select 1`)
    .then(
      () => 'in',
      (error: { code?: string }) => error.code,
    )
}

const masks = new Map<string, Promise<string>>()
function mask(permission: string): Promise<string> {
  const known = masks.get(permission) ?? maskOf(world, permission)
  masks.set(permission, known)
  return known
}

async function call(route: Guarded): Promise<{ status: number; code: string | undefined }> {
  const path = route.path.replace(':organisation', company.organisation).replace(/:\w+/g, () => crypto.randomUUID())
  const query = route.query === undefined ? '' : queryOf(sampleOf(schemaOf(route.query), ''))
  const answer = await world.fetch(path + query, {
    method: route.method,
    cookie: guest.cookie,
    ...(route.upload === undefined
      ? {}
      : { body: new TextEncoder().encode('x'), headers: { 'content-type': route.upload.types[0]! } }),
    ...(route.body === undefined ? {} : { body: sampleOf(schemaOf(route.body), '') }),
  })
  const text = await answer.text()
  return { status: answer.status, code: answer.ok ? undefined : (JSON.parse(text) as { code: string }).code }
}

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`
}

// --- requests that get past the schema: else it would not be the role that refuses them ----------------------------

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
}

function schemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema
}

/** What a schema says by a rule of its own, which its description cannot say. */
const byName: Readonly<Record<string, unknown>> = { mapping: ['name'], hint: 'abcd' }

function sampleOf(schema: Schema, name: string): unknown {
  if (byName[name] !== undefined) return byName[name]
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
    default:
      if (schema.format === 'uuid') return crypto.randomUUID()
      return /address|mail/i.test(name) ? 'nobody@example.com' : 'x'
  }
}

function queryOf(sample: unknown): string {
  const query = new URLSearchParams(sample as Record<string, string>)
  return query.size > 0 ? `?${query}` : ''
}
