import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { z } from 'zod'
import { crm } from '../../examples/crm/crm.ts'
import { study } from '../../examples/study/study.ts'
import { startWorld, type World } from '../../test/world/world.ts'
import type { Route } from '../platform/http/route.ts'

// Somebody has the password of a person with a second factor and nothing else, or a cookie and nothing else: every route of either
// product is tried, with input that passes its schema. A route that is added is in here by itself.
vi.setConfig({ testTimeout: 120_000 })

const worlds: World[] = []
beforeAll(async () => {
  for (const product of [crm, study]) worlds.push(await startWorld({ product, superuser: inject('superuser') }))
}, 120_000)
afterAll(() => Promise.all(worlds.map((world) => world.stop())))

/** What half a session is for: the second step, the way out, what one is told about oneself, and recovery. */
const forHalves = [
  'GET /api/csrf-token',
  'GET /api/session/second-step',
  'POST /api/session/code',
  'POST /api/session/recovery-code',
  'POST /api/session/passkey/options',
  'POST /api/session/passkey',
  'GET /api/recovery',
  'POST /api/recovery',
  'POST /api/sign-out',
]

/** What a cookie that was stolen a quarter of an hour after its owner signed in must not be enough for. */
const forFreshOnes = [
  'DELETE /api/account/factors/passkeys/:passkey',
  'DELETE /api/account/factors/totp',
  'DELETE /api/o/:organisation/roles/:id',
  'POST /api/account/address',
  'POST /api/account/close',
  'POST /api/account/factors/passkeys',
  'POST /api/account/factors/passkeys/options',
  'POST /api/account/factors/totp',
  'POST /api/account/factors/totp/confirm',
  'POST /api/account/password',
  'POST /api/account/recovery-codes',
  'POST /api/o/:organisation/keys',
  'POST /api/o/:organisation/keys/:id/rotate',
  'POST /api/o/:organisation/members/:person/reset-factors',
  'POST /api/o/:organisation/roles',
  'PUT /api/o/:organisation/members/:person/role',
  'PUT /api/o/:organisation/roles/:id',
  'PUT /api/o/:organisation/second-factor',
]

const products = [
  ['crm', 0],
  ['study', 1],
] as const

test.each(products)('%s: by the password alone no route opens but those of the second step', async (_, index) => {
  const world = worlds[index]!
  const visitor = await world.joinWithOrganisation()
  await world.superuser('select holdfast.want_assurance($1, 2::smallint)', [visitor.person])
  const codes = await walk(world, visitor)
  const opened = [...codes].filter(([, code]) => code !== 'tenant-isolation/second-factor-not-shown')
  expect(opened.map(([name]) => name).sort()).toEqual([...forHalves].sort())
})

test.each(products)(
  '%s: an old session does nothing that is sensitive before its person has shown again who they are',
  async (_, index) => {
    const world = worlds[index]!
    const visitor = await world.joinWithOrganisation()
    const codes = await walk(world, visitor, `revoked_at = null, shown_at = clock_timestamp() - interval '15 minutes'`)
    const refused = [...codes].filter(([, code]) => code === 'tenant-isolation/show-again').map(([name]) => name)
    expect(refused.sort()).toEqual(forFreshOnes.filter((name) => codes.has(name)).sort())
  },
)

/** What each route but the open ones answers, by its name: the code of the refusal, or the status. */
async function walk(
  world: World,
  visitor: { organisation: string; cookie: string; person: string },
  change = 'revoked_at = null',
): Promise<ReadonlyMap<string, string>> {
  const codes = new Map<string, string>()
  for (const route of Object.values(world.foundation.routes)) {
    if (route.kind === 'open') continue
    // One of them signs out.
    await world.superuser(`update holdfast.pass set ${change} where person_id = $1`, [visitor.person])
    const answer = await call(world, route, visitor)
    const { code } = ((await answer.json().catch(() => ({}))) as { code?: string }) ?? {}
    codes.set(`${route.method} ${route.path}`, code ?? String(answer.status))
  }
  expect(codes.size).toBeGreaterThan(35)
  return codes
}

async function call(world: World, route: Route, half: { organisation: string; cookie: string }): Promise<Response> {
  const params = { ...(example(route.params) as object), organisation: half.organisation } as Record<string, string>
  const path = route.path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? crypto.randomUUID()),
  )
  const query = new URLSearchParams(example(route.query) as Record<string, string>)
  return world.fetch(`${path}?${query}`, {
    method: route.method,
    cookie: half.cookie,
    ...(route.upload
      ? { body: new TextEncoder().encode('name\nAda\n'), headers: { 'content-type': route.upload.types[0]! } }
      : route.body === undefined
        ? {}
        : { body: knownBodies[`${route.method} ${route.path}`] ?? example(route.body) }),
  })
}

/** Where a schema demands what JSON Schema cannot say. */
const knownBodies: Readonly<Record<string, unknown>> = {
  'PUT /api/o/:organisation/imports/:import/mapping': { mapping: ['name'], duplicates: 'skip' },
}

interface Schema {
  readonly type?: string
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly minItems?: number
  readonly maxLength?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

/** Something that passes the schema. */
function example(schema: z.ZodType | undefined): unknown {
  return schema === undefined ? {} : fill(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema)
}

function fill(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf !== undefined) return fill(schema.anyOf[0]!)
  if (schema.type === 'object')
    return Object.fromEntries((schema.required ?? []).map((name) => [name, fill(schema.properties![name]!)]))
  if (schema.type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => fill(schema.items!))
  if (schema.type === 'boolean') return true
  if (schema.type === 'integer' || schema.type === 'number') return Math.max(schema.minimum ?? 1, 1)
  if (schema.type === 'null') return null
  if (schema.format === 'uuid') return crypto.randomUUID()
  if (schema.format === 'date') return '2026-11-20'
  if (schema.pattern?.includes('\\d{6}')) return '123456'
  if (schema.pattern?.includes('\\w-')) return Buffer.from('{"challenge":"AAAA"}').toString('base64url')
  return 'somebody@example.com'.slice(0, schema.maxLength)
}
