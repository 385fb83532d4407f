import type { Answer, Bench, RouteSeen } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'

export const probes = {
  'rate-limits/bursts-are-refused': {
    where: ['live', 'restored-copy', 'ci'],
    limitSeconds: 120,
    run: burstEveryOpenLimit,
  },
  'rate-limits/counted-across-processes': {
    where: ['live', 'restored-copy', 'ci'],
    limitSeconds: 60,
    run: spendAsAnotherProcess,
  },
  'rate-limits/fails-closed': {
    where: ['live', 'restored-copy', 'ci'],
    limitSeconds: 60,
    run: withholdTheCounter,
  },
} satisfies Record<keyof typeof claims, Probe>

/** Where requests are aimed. The body is refused by every schema, so that a burst costs the server no password hash. */
interface Target {
  readonly method: string
  readonly path: string
  readonly limit: string
  /** The longest burst worth sending; a larger quota is reported as too large to be spent here. */
  readonly most: number
}

type Verdict = { readonly status: 'held' | 'broken' | 'open'; readonly saw: string; readonly sent: number }

async function burstEveryOpenLimit(bench: Bench): Promise<Outcome> {
  const targets = targetsOf(await bench.routes(), bench.mayDisturb)
  if (targets.length === 0) return inconclusive('the server names no route that is open to everybody')
  const client = newClients()
  const verdicts: Verdict[] = []
  try {
    for (const target of targets) verdicts.push(await attack(bench, target, client))
  } catch (error) {
    if (!isNotLocal(error)) throw error
    return inconclusive('this system has no addresses in 127.66.0.0/16 to call from (Linux has)')
  }
  const sent = verdicts.reduce((sum, verdict) => sum + verdict.sent, 0)
  const bad = verdicts.find((verdict) => verdict.status === 'broken')
  if (bad) return broken(bad.saw, sent)
  const held = verdicts.filter((verdict) => verdict.status === 'held')
  if (held.length < verdicts.length) return inconclusive(verdicts.find(({ status }) => status === 'open')!.saw, sent)
  return holds(held.map(({ saw }) => saw).join(' · '), sent)
}

/** One route for each limit that needs no sign-in; and, where floods are allowed, a path that is not there. */
function targetsOf(routes: readonly RouteSeen[], mayDisturb: boolean): Target[] {
  const targets = new Map<string, Target>()
  for (const { method, path, limit: stated, needs } of routes) {
    const limit = stated.split(';', 1)[0]!
    if (needs === 'nobody' && !targets.has(limit))
      targets.set(limit, { method, path: path.replace(/\{[^}]+\}/g, () => crypto.randomUUID()), limit, most: 1_500 })
  }
  if (mayDisturb && targets.size > 0)
    targets.set('', { method: 'GET', path: `/api/${crypto.randomUUID()}`, limit: '', most: 20_000 })
  return [...targets.values()]
}

/** Loopback addresses, none of them twice: each is a client of its own. */
function newClients(): () => string {
  let next = Math.floor(Math.random() * 254)
  return () => `127.66.0.${(next++ % 254) + 1}`
}

async function attack(bench: Bench, target: Target, client: () => string): Promise<Verdict> {
  const what = target.limit === '' ? 'unknown paths' : target.limit
  const fresh = await findFreshClient(bench, target, client)
  if (fresh === undefined) return { status: 'broken', saw: `${what}: five clients were refused at once`, sent: 5 }
  const burst = await burstFrom(bench, target, fresh)
  if (burst.refused === undefined) return { status: burst.status, saw: `${what}: ${burst.saw}`, sent: burst.sent }
  // Where requests come back faster than they can be sent, some pass with or without a made-up header.
  const canTell = burst.secondsEach >= 0.05
  const spoof = () => (canTell ? findSpoof(bench, target, fresh, burst.secondsEach) : undefined)
  const fault = faultOfRefusal(burst.refused) ?? (await spoof())
  const stranger = fault === undefined ? await findFreshClient(bench, target, client) : fresh
  const saw = fault ?? (stranger === undefined ? 'other clients were refused as well' : undefined)
  const sent = burst.sent + (canTell ? spoofs.length * spoofsOfEach : 0)
  if (saw !== undefined) return { status: 'broken', saw: `${what}: ${saw}`, sent }
  const headers = canTell ? ', made-up headers did not help' : ''
  return { status: 'held', saw: `${what}: refused after ${burst.passed}${headers}`, sent }
}

async function findFreshClient(bench: Bench, target: Target, client: () => string): Promise<string | undefined> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const from = client()
    if ((await send(bench, target, from)).status !== 429) return from
  }
  return undefined
}

interface Burst {
  readonly status: 'broken' | 'open'
  readonly saw: string
  readonly sent: number
  readonly passed: number
  readonly secondsEach: number
  readonly refused?: Answer
}

/** Sends eight at a time until one is refused. More than the quota and what comes back meanwhile must never pass. */
async function burstFrom(bench: Bench, target: Target, from: string): Promise<Burst> {
  const started = performance.now()
  let passed = 1
  let sent = 1
  let policy = { quota: target.most, windowSeconds: 1 }
  while (sent < target.most) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(bench, target, from)))
    sent += answers.length
    passed += answers.filter((answer) => answer.status !== 429).length
    const refused = answers.find((answer) => answer.status === 429)
    const stating = refused ?? answers[0]!
    policy = policyOf(stating, target.limit) ?? (refused && policyOf(refused, '')) ?? policy
    const secondsEach = policy.windowSeconds / policy.quota
    const most = policy.quota + (performance.now() - started) / 1000 / secondsEach + 1
    const seen = { sent, passed, secondsEach }
    if (refused) return passed <= most ? { status: 'open', saw: '', ...seen, refused } : tooMany(seen, policy.quota)
    if (passed > most) return tooMany(seen, policy.quota)
  }
  const saw = `${passed} requests passed in ${((performance.now() - started) / 1000).toFixed(1)} s and none was refused`
  const bounded = policyOf(await send(bench, target, from), target.limit)
  return { status: bounded ? 'open' : 'broken', saw, sent, passed, secondsEach: 1 }
}

function tooMany(seen: { sent: number; passed: number; secondsEach: number }, quota: number): Burst {
  return { status: 'broken', saw: `${seen.passed} requests passed, the quota is ${quota}`, ...seen }
}

/** Reads `"name";q=5;w=60` out of RateLimit-Policy; of an unknown path the first policy that stands there. */
function policyOf(answer: Answer, limit: string): { quota: number; windowSeconds: number } | undefined {
  for (const [, name, quota, seconds] of (answer.headers.get('ratelimit-policy') ?? '').matchAll(
    /"([a-z0-9-]+)";q=(\d+);w=(\d+)/g,
  ))
    if (limit === '' || limit === name) return { quota: Number(quota), windowSeconds: Number(seconds) }
  return undefined
}

function faultOfRefusal(answer: Answer): string | undefined {
  const seconds = answer.headers.get('retry-after') ?? ''
  if (!/^[1-9]\d*$/.test(seconds)) return `429 with Retry-After ${seconds === '' ? 'missing' : seconds}`
  if (!/^"[a-z0-9-]+";r=0;t=\d+/.test(answer.headers.get('ratelimit') ?? '')) return '429 without a RateLimit of zero'
  if (!answer.headers.has('ratelimit-policy')) return '429 without RateLimit-Policy'
  if (!answer.text.includes('rate-limits/too-many-requests')) return '429 without the code of this refusal'
  return undefined
}

const spoofs = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'true-client-ip', 'cf-connecting-ip', 'x-client-ip']
const spoofsOfEach = 8

/** Names eight other clients in each header: a header that is believed opens eight full buckets. */
async function findSpoof(bench: Bench, target: Target, from: string, secondsEach: number): Promise<string | undefined> {
  for (const name of spoofs) {
    const started = performance.now()
    const answers = await Promise.all(
      Array.from({ length: spoofsOfEach }, (_, index) => {
        const address = `198.51.100.${Math.floor(Math.random() * 25) * 10 + index + 1}`
        const value = name === 'forwarded' ? `for=${address}` : address
        return send(bench, target, from, { [name]: value })
      }),
    )
    const cameBack = (performance.now() - started) / 1000 / secondsEach + 1
    const passed = answers.filter((answer) => answer.status !== 429).length
    if (passed > cameBack) return `${passed} of ${spoofsOfEach} passed again with a made-up ${name}`
  }
  return undefined
}

function send(
  bench: Bench,
  target: Target,
  from: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const headers = { 'sec-fetch-site': 'same-origin', origin: bench.origin, 'content-type': 'application/json', ...more }
  const body = target.method === 'GET' || target.method === 'DELETE' ? {} : { body: '[]' }
  return bench.http(target.path, { method: target.method, headers, from, ...body })
}

function isNotLocal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && cause.code === 'EADDRNOTAVAIL') return true
  return false
}

// --- the counter that all processes share -------------------------------------------------------------------------------

/** How sign-in names what it counts for an address, from a browser that it has not seen: limit, key, and the stated quota. */
const counted = { bucket: (address: string) => `sign-in-account sign-in ${address}`, quota: 30, windowSeconds: 900 }

/** Spends the whole quota of one made-up address in the counter itself, as another process would, and asks this one. */
async function spendAsAnotherProcess(bench: Bench): Promise<Outcome> {
  const elsewhere = await countedElsewhere(bench)
  if (elsewhere !== undefined) return elsewhere
  const nobody = newNobody()
  const first = await guess(bench, nobody)
  if (first.status !== 401) return inconclusive(`a first attempt was answered ${first.status}`, 1)
  const spent = await bench.sql(
    'worker',
    `select count(*) filter (where t.granted)::integer as granted
       from generate_series(1, $2::integer) n cross join lateral
            holdfast.take_quota(array[$1 || left(n::text, 0)], array[$2::integer], array[$3::integer], array[1], true) t`,
    [counted.bucket(nobody), counted.quota, counted.windowSeconds],
  )
  if (spent.error !== undefined) return inconclusive(`the counter could not be asked: ${spent.error.message}`, 1)
  const granted = Number(spent.rows[0]?.granted)
  const refused = await guess(bench, nobody)
  const other = await guess(bench, newNobody())
  if (granted !== counted.quota - 1)
    return broken(`one attempt here, and elsewhere ${granted} more were granted of ${counted.quota}`, 3)
  if (refused.status !== 429)
    return broken(`${granted + 1} attempts were counted elsewhere, and one more here was answered ${refused.status}`, 3)
  const fault = faultOfRefusal(refused)
  if (fault !== undefined) return broken(fault, 3)
  if (other.status === 429) return broken('another account was refused as well', 3)
  return holds(
    `one attempt here and ${granted} in another process: the next here was refused for ${refused.headers.get('retry-after')} s, another account was served`,
    granted + 3,
  )
}

/** Holds what is counted for one made-up address, so that nobody gets an answer about it, and tries to sign in meanwhile. */
async function withholdTheCounter(bench: Bench): Promise<Outcome> {
  const elsewhere = await countedElsewhere(bench)
  if (elsewhere !== undefined) return elsewhere
  const nobody = newNobody()
  const first = await guess(bench, nobody)
  if (first.status !== 401) return inconclusive(`a first attempt was answered ${first.status}`, 1)
  const held = bench.transaction('worker', undefined, [
    {
      text: 'select * from holdfast.take_quota(array[$1], array[$2::integer], array[$3::integer], array[1], false)',
      values: [counted.bucket(nobody), counted.quota, counted.windowSeconds],
    },
    { text: "set local statement_timeout = '2500ms'" },
    // Works until it is stopped, and keeps nothing: the row stays locked for so long.
    { text: 'select count(*) from (select generate_series(1, 1000000000000)) busy' },
  ])
  await new Promise((resolve) => setTimeout(resolve, 300))
  const [refused, other] = await Promise.all([guess(bench, nobody), guess(bench, newNobody())])
  const seen = await held
  if (seen[0]?.error !== undefined || seen[2]?.error?.code !== '57014')
    return inconclusive(`the counter could not be held: ${seen.map(({ error }) => error?.message ?? '').join(' ')}`, 3)
  const again = await guess(bench, nobody)
  if (refused.status !== 503)
    return broken(`the counter did not answer, and the attempt was answered ${refused.status}`, 3)
  if (!/^[1-9]\d*$/.test(refused.headers.get('retry-after') ?? ''))
    return broken('the refusal does not say when to try again', 3)
  if (other.status !== 401) return broken(`an attempt on another account was answered ${other.status} meanwhile`, 3)
  if (again.status !== 401) return broken(`with the counter back, an attempt was answered ${again.status}`, 4)
  return holds(
    `while the counter kept silent the attempt was refused with 503 after ${Math.round(refused.milliseconds)} ms, another account was served, and afterwards this one`,
    4,
  )
}

/** In Redis the probe can neither spend nor hold anything: the tests do both. */
async function countedElsewhere(bench: Bench): Promise<Outcome | undefined> {
  const answer = await bench.http('/api/health')
  const { counter } = JSON.parse(answer.text) as { counter?: string }
  if (counter === 'postgresql') return undefined
  return inconclusive(`quotas are counted in ${counter ?? 'an unknown place'}, where this probe has no hands`, 1)
}

/** Nobody's address, so that no canary's own sign-in is in the way. */
function newNobody(): string {
  return `limit-${crypto.randomUUID().slice(0, 13)}@canary.invalid`
}

/** Compared like any other, and too short to be worth hashing. */
function guess(bench: Bench, address: string): Promise<Answer> {
  return bench.http('/api/sign-in', { method: 'POST', body: JSON.stringify({ address, password: 'guess' }) })
}
