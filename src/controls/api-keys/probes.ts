import type { Answer, Ask, Bench, Canary, RouteSeen } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, notApplicable, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import { expectStatus, fillPath, mailedLink, newestLink, post, signIn } from '../../kernel/visitor.ts'
import type { claims } from './claims.ts'

const opensItsScopesAlone: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: (bench) => withPlace(bench, tryEverything),
}

const withdrawnAtOnce: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: (bench) => withPlace(bench, withdrawAndComeBack),
}

const noFurtherThanItsMaker: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: (bench) => withPlace(bench, demoteAndRemove),
}

export const probes = {
  'api-keys/opens-its-scopes-alone': opensItsScopesAlone,
  'api-keys/withdrawn-at-once': withdrawnAtOnce,
  'api-keys/no-further-than-its-maker': noFurtherThanItsMaker,
} satisfies Record<keyof typeof claims, Probe>

/** Canary A's own, and nothing else's: keys come and go in it. */
const placeName = 'probe: keys'
const notWithAKey = 'api-keys/not-with-a-key'

interface Place {
  readonly bench: Bench
  readonly organisation: string
  /** Canary A in a session of its own, which has just shown who it is. */
  readonly a: Canary
}

async function withPlace(bench: Bench, run: (place: Place) => Promise<Outcome>): Promise<Outcome> {
  if (!(await bench.routes()).some(({ method, path }) => method === 'POST' && path === '/api/o/{organisation}/keys'))
    return notApplicable('in this product nobody can make keys')
  const a = await afresh(bench, bench.canaries.a)
  const organisation = await findOrFound(bench, a)
  const place = { bench, organisation, a }
  try {
    return await run(place)
  } finally {
    // What an interrupted round left behind goes too.
    for (const { id } of await keysOf(place)) await withdraw(place, id)
  }
}

// --- what a key opens ------------------------------------------------------------------------------------------------

async function tryEverything(place: Place): Promise<Outcome> {
  const { bench, organisation } = place
  const { key } = await make(place, place.a, ['members.read'])
  const own = await ask(bench, key, `/api/o/${organisation}/members`)
  if (own.status !== 200) return inconclusive(`what its scope names was answered ${own.status}`)
  const tally = { examined: 0 }
  const fault =
    (await tryRoutes(place, key, tally)) ??
    (await askDatabase(place, key, tally)) ??
    (await tryOtherOrganisations(place, key, tally)) ??
    (await tryOtherWays(place, key, tally))
  if (fault !== undefined) return broken(fault, tally.examined)
  return holds(
    `a key for members.read read the members of its organisation, and in ${tally.examined} attempts nothing else: no other route, ` +
      'organisation or account, not with a cookie beside it, in an address or in a cookie, and not from another site',
    tally.examined,
  )
}

interface Tally {
  examined: number
}

/** Every route but those that its scope names: none may do anything. */
async function tryRoutes(place: Place, key: string, tally: Tally): Promise<string | undefined> {
  const { bench, organisation } = place
  const closed = await routesWithoutKeys(bench)
  for (const route of await bench.routes()) {
    const what = `${route.method} ${route.path}`
    const isClosed = closed.has(what)
    if (route.needs === 'nobody' || (route.needs === 'members.read' && !isClosed)) continue
    const answer = await ask(bench, key, fillPath(route.path, organisation) + route.sampleQuery, {
      method: route.method,
      ...(hasBody(route) ? { body: '{}' } : {}),
    })
    // Met the limiter, which comes first: it says nothing of keys.
    if (answer.status === 429) continue
    tally.examined += 1
    if (answer.status < 300) return `${what} was answered ${answer.status} to a key for members.read`
    if (answer.status >= 500) return `${what} was answered ${answer.status}`
    if (isClosed && codeOf(answer) !== notWithAKey) return `${what} takes no keys, and answered ${codeOf(answer)}`
  }
  return undefined
}

/** Entry by the key with each permission alone, as the server asks for it. */
async function askDatabase({ bench, organisation }: Place, key: string, tally: Tally): Promise<string | undefined> {
  const bits = await bench.catalogue<{ name: string; bit: number }>('select name, bit from holdfast.permission')
  for (const { name, bit } of bits) {
    const found = await enter(bench, key, organisation, 1n << BigInt(bit))
    const expected = name === 'members.read' ? undefined : 'HF403'
    tally.examined += 1
    if (found !== expected) return `entry with ${name}: ${found ?? 'let in'}, expected ${expected ?? 'to be let in'}`
  }
  return undefined
}

async function tryOtherOrganisations(place: Place, key: string, tally: Tally): Promise<string | undefined> {
  const { bench, a } = place
  const never = crypto.randomUUID()
  const members = async (organisation: string) => {
    const answer = await ask(bench, key, `/api/o/${organisation}/members`)
    return `${answer.status} ${codeOf(answer)}`
  }
  const unknown = await members(never)
  for (const [whose, organisation] of [
    ['another organisation of its maker', bench.canaries.a.organisation],
    ['somebody else’s organisation', bench.canaries.b.organisation],
  ] as const) {
    const answer = await members(organisation)
    tally.examined += 2
    if (answer !== unknown || !answer.startsWith('404'))
      return `${whose} answered ${answer}, one that never was ${unknown}`
    const found = await enter(bench, key, organisation, 0n)
    if (found !== 'HF404') return `the database let it into ${whose} (${found ?? 'no error'})`
  }
  const asSession = await bench.http('/api/me', { as: { ...a, cookie: key } })
  tally.examined += 1
  return asSession.status === 401 ? undefined : `in the session’s cookie it was answered ${asSession.status}`
}

async function tryOtherWays(place: Place, key: string, tally: Tally): Promise<string | undefined> {
  const { bench, organisation, a } = place
  const path = `/api/o/${organisation}/members`
  const plain = { origin: '', 'sec-fetch-site': '' }
  const ways: readonly (readonly [way: string, answer: Promise<Answer>, wanted: readonly number[]])[] = [
    ['beside the cookie of a session', bench.http(path, { as: a, headers: bearer(key) }), [400]],
    ['in the address', bench.http(`${path}?key=${key}`, { headers: plain }), [400, 401]],
    ['in the address, as OAuth has it', bench.http(`${path}?access_token=${key}`, { headers: plain }), [400, 401]],
    ['in a cookie', bench.http(path, { headers: { ...plain, cookie: `key=${key}` } }), [401]],
    ['cut by one character', ask(bench, key.slice(0, -1), path), [401]],
    ['with one character changed', ask(bench, changed(key), path), [401]],
    ['under another prefix', ask(bench, key.replace(/^[a-z0-9]+_/, 'other_'), path), [401]],
    ['in small letters', ask(bench, key.toLowerCase(), path), [401]],
    ['twice', ask(bench, `${key} ${key}`, path), [401]],
    ['by Basic', bench.http(path, { headers: { ...plain, authorization: `Basic ${btoa(`${key}:`)}` } }), [401]],
    [
      'from another site, in a browser',
      bench.http(`/api/o/${organisation}/leave`, {
        method: 'POST',
        body: '{}',
        headers: { ...bearer(key), origin: 'https://other.example', 'sec-fetch-site': 'cross-site' },
      }),
      [403],
    ],
  ]
  for (const [way, asked, wanted] of ways) {
    const answer = await asked
    tally.examined += 1
    if (!wanted.includes(answer.status)) return `${way} it was answered ${answer.status}`
  }
  return undefined
}

/** As the server describes itself: what takes a session and no key. */
async function routesWithoutKeys(bench: Bench): Promise<ReadonlySet<string>> {
  const answer = await expectStatus(200, bench.http('/api/openapi.json'))
  const { paths } = JSON.parse(answer.text) as {
    paths: Record<string, Record<string, { readonly security: readonly Readonly<Record<string, unknown>>[] }>>
  }
  return new Set(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { security }]) => security.length > 0 && !security.some((one) => 'key' in one))
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    ),
  )
}

// --- a key that was withdrawn, or replaced ---------------------------------------------------------------------------

async function withdrawAndComeBack(place: Place): Promise<Outcome> {
  const { bench, organisation, a } = place
  const path = `/api/o/${organisation}/members`
  const { id, key: first } = await make(place, a, ['members.read'])
  const before = await ask(bench, first, path)
  if (before.status !== 200) return inconclusive(`the new key was answered ${before.status}`)

  const hint = first.slice(-4)
  const replaced = await post(bench, `/api/o/${organisation}/keys/${id}/rotate`, { hint, overlapHours: 0 }, a)
  if (replaced.status !== 201) return inconclusive(`replacing it was answered ${replaced.status}`)
  const { key: second } = JSON.parse(replaced.text) as { key: string }
  const old = await ask(bench, first, path)
  if (old.status !== 401) return broken(`what was replaced was answered ${old.status}`, 1)
  const next = await ask(bench, second, path)
  if (next.status !== 200) return inconclusive(`what replaced it was answered ${next.status}`, 1)

  const gone = await withdraw(place, id)
  const since = performance.now()
  if (gone.status !== 204) return inconclusive(`withdrawing was answered ${gone.status}`, 2)
  const after = await ask(bench, second, path)
  const milliseconds = Math.round(performance.now() - since)
  if (after.status !== 401) return broken(`withdrawn, it was answered ${after.status}`, 2)
  for (const [which, key] of [
    ['withdrawn', second],
    ['replaced', first],
  ] as const) {
    const found = await enter(bench, key, organisation, 0n)
    if (found !== 'HF401') return broken(`the database let in what was ${which} (${found ?? 'no error'})`, 4)
  }
  return holds(
    `a key was answered 200; replaced, 401, and its successor 200; withdrawn, 401 ${milliseconds} ms later, and the database refused both`,
    5,
  )
}

// --- whoever made a key, and may less now, or nothing ----------------------------------------------------------------

async function demoteAndRemove(place: Place): Promise<Outcome> {
  const { bench, organisation } = place
  const [from] = await bench.catalogue<{ role: string; others: string[] }>(
    `select r.name as role, array_agg(o.name order by o.name) as others
       from holdfast.role r
       join holdfast.permission k on k.name = 'keys.manage' and (r.permissions >> k.bit) & 1 = 1
       join holdfast.permission m on m.name = 'members.read' and (r.permissions >> m.bit) & 1 = 1
       join holdfast.permission o on (r.permissions >> o.bit) & 1 = 1 and o.name not in ('keys.manage', 'roles.manage', 'members.read')
      group by r.name, r.permissions order by length(replace(r.permissions::bit(64)::text, '0', '')), r.name limit 1`,
  )
  if (from === undefined) return inconclusive('no role may make keys and something besides')
  await comeAs(place, from.role)
  try {
    return await demote(place, from.others[0]!)
  } finally {
    await bench.http(`/api/o/${organisation}/members/${bench.canaries.b.person}`, { method: 'DELETE', as: place.a })
    await dropRoles(place)
  }
}

async function demote(place: Place, lost: string): Promise<Outcome> {
  const { bench, organisation, a } = place
  const { person } = bench.canaries.b
  const at = `/api/o/${organisation}`
  const { key } = await make(place, await afresh(bench, bench.canaries.b), ['members.read', lost])
  const mask = await maskOf(bench, lost)
  const may = () => enter(bench, key, organisation, mask)
  const before = await may()
  if (before !== undefined) return inconclusive(`B's key was refused what its role allows (${before})`)

  const made = await post(
    bench,
    `${at}/roles`,
    { name: 'probe: less', permissions: ['members.read'], secondFactor: false },
    a,
  )
  if (made.status !== 201) return inconclusive(`making a role was answered ${made.status}`)
  const { id: role } = JSON.parse(made.text) as { id: string }
  const changed = await bench.http(`${at}/members/${person}/role`, {
    method: 'PUT',
    body: JSON.stringify({ role }),
    as: a,
  })
  if (changed.status !== 204) return inconclusive(`giving B another role was answered ${changed.status}`)
  const less = await may()
  if (less !== 'HF403')
    return broken(`B's role allows ${lost} no longer, and B's key still does (${less ?? 'let in'})`, 1)
  const rest = await ask(bench, key, `${at}/members`)
  if (rest.status !== 200) return inconclusive(`what the role still allows was answered ${rest.status}`, 1)

  const removed = await bench.http(`${at}/members/${person}`, { method: 'DELETE', as: a })
  if (removed.status !== 204) return inconclusive(`removing B was answered ${removed.status}`, 1)
  const after = await ask(bench, key, `${at}/members`)
  if (after.status < 400) return broken(`B is removed, and B's key was answered ${after.status}`, 2)
  const entered = await enter(bench, key, organisation, 0n)
  if (entered === undefined) return broken('B is removed, and the database let B’s key in', 3)
  return holds(
    `B's key could ${lost} until B's role could not, and members.read until B was removed; then it was answered ${after.status}, and the database refused it (${entered})`,
    3,
  )
}

/** Canary B comes, by an invitation in that role. What an interrupted round left behind goes first. */
async function comeAs(place: Place, role: string): Promise<void> {
  const { bench, organisation, a } = place
  const { b } = bench.canaries
  await bench.http(`/api/o/${organisation}/members/${b.person}`, { method: 'DELETE', as: a })
  await dropRoles(place)
  const before = await newestLink(bench, b.address, 'invitation')
  await expectStatus(201, post(bench, `/api/o/${organisation}/invitations`, { address: b.address, role }, a))
  const token = await mailedLink(bench, b.address, 'invitation', before)
  await expectStatus(200, post(bench, '/api/invitations/accept', { token }, b))
}

async function dropRoles({ bench, organisation, a }: Place): Promise<void> {
  const answer = await expectStatus(200, bench.http(`/api/o/${organisation}/roles`, { as: a }))
  for (const { key, custom } of (JSON.parse(answer.text) as { roles: { key: string; custom: boolean }[] }).roles)
    if (custom) await bench.http(`/api/o/${organisation}/roles/${key}`, { method: 'DELETE', as: a })
}

// --- as anybody would ------------------------------------------------------------------------------------------------

/** In a session of its own: keys are made by whoever has just shown who they are. */
async function afresh(bench: Bench, canary: Canary): Promise<Canary> {
  if (canary.password === undefined) throw new Error('this bench knows no password to sign in with')
  const { cookie, entry } = await signIn({ bench, address: canary.address, password: canary.password })
  return { ...canary, cookie, entry }
}

async function findOrFound(bench: Bench, a: Canary): Promise<string> {
  const me = await expectStatus(200, bench.http('/api/me', { as: a }))
  const { organisations } = JSON.parse(me.text) as { organisations: { id: string; name: string }[] }
  const known = organisations.find(({ name }) => name === placeName)
  if (known !== undefined) return known.id
  const founded = await expectStatus(201, post(bench, '/api/organisations', { name: placeName }, a))
  return (JSON.parse(founded.text) as { id: string }).id
}

async function make(
  { bench, organisation }: Place,
  as: Canary,
  scopes: readonly string[],
): Promise<{ id: string; key: string }> {
  const wanted = { name: 'probe', scopes, days: 1 }
  const made = await expectStatus(201, post(bench, `/api/o/${organisation}/keys`, wanted, as))
  return JSON.parse(made.text) as { id: string; key: string }
}

async function keysOf({ bench, organisation, a }: Place): Promise<readonly { id: string }[]> {
  const answer = await expectStatus(200, bench.http(`/api/o/${organisation}/keys`, { as: a }))
  return (JSON.parse(answer.text) as { keys: { id: string }[] }).keys
}

function withdraw({ bench, organisation, a }: Place, id: string): Promise<Answer> {
  return bench.http(`/api/o/${organisation}/keys/${id}`, { method: 'DELETE', as: a })
}

/** As a program sends it: no cookie, and none of what browsers add. */
function ask(bench: Bench, key: string, path: string, more: Ask = {}): Promise<Answer> {
  return bench.http(path, { ...more, headers: { ...bearer(key), origin: '', 'sec-fetch-site': '' } })
}

function bearer(key: string): { readonly authorization: string } {
  return { authorization: `Bearer ${key}` }
}

/** Entry by the key, as the server asks for it: the error's code, or undefined where it was let in. */
async function enter(bench: Bench, key: string, organisation: string, need: bigint): Promise<string | undefined> {
  const bytes = new TextEncoder().encode(`holdfast-entry-1${key}`)
  const secret = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const seen = await bench.sql('app', 'select holdfast.enter_key($1, $2, $3)', [secret, organisation, String(need)])
  return seen.error?.code
}

async function maskOf(bench: Bench, permission: string): Promise<bigint> {
  const [row] = await bench.catalogue<{ bit: number }>('select bit from holdfast.permission where name = $1', [
    permission,
  ])
  return 1n << BigInt(row!.bit)
}

function hasBody({ method }: RouteSeen): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

function codeOf(answer: Answer): unknown {
  return (JSON.parse(answer.text) as { code?: unknown }).code
}

/** Another character in the middle, under the old checksum. */
function changed(key: string): string {
  const at = key.length - 20
  return key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1)
}
