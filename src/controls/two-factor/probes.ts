import type { Answer, Bench, Canary } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'

const passwordAlone: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: (bench) => withPerson(bench, tryHalfASession),
}

const codeWorksOnce: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: (bench) => withPerson(bench, useCodesTwice),
}

export const probes = {
  'two-factor/password-alone-opens-nothing': passwordAlone,
  'two-factor/code-works-once': codeWorksOnce,
} satisfies Record<keyof typeof claims, Probe>

/** A person of this probe alone: a factor on a canary would stand in the way of all other probes. */
interface Person {
  readonly bench: Bench
  readonly address: string
  readonly password: string
  readonly organisation: string
  /** The key of the authenticator app, and the session that enrolled it. */
  readonly key: Uint8Array<ArrayBuffer>
  readonly session: Canary
  readonly recoveryCodes: readonly string[]
}

// --- half a session ----------------------------------------------------------------------------------------------------

async function tryHalfASession(person: Person): Promise<Outcome> {
  const { bench, organisation, session } = person
  const routes = (await bench.routes()).filter(({ method }) => method === 'GET')
  const inside = routes.filter(({ path }) => path.startsWith('/api/o/{organisation}'))
  const paths = [...inside.map((route) => fill(route.path, organisation) + route.sampleQuery), '/api/me']
  const whole = await bench.http(paths.at(-1)!, { as: session })
  const entered = await bench.sql('app', 'select 1 as entered', [], { as: session, organisation })
  if (whole.status !== 200 || entered.error) return inconclusive(`with both factors the answer was ${whole.status}`)

  const half = await signIn(person)
  let examined = 0
  for (const path of paths) {
    const answer = await bench.http(path, { as: half })
    if (answer.status === 429) return inconclusive(`${path} was limited`, examined)
    examined++
    if (answer.status !== 428) return broken(`by the password alone ${path} was answered ${answer.status}`, examined)
  }
  const database = await bench.sql('app', 'select 1 as entered', [], { as: half, organisation })
  if (database.error?.code !== 'HF427')
    return broken(`the database let half a session in (${database.error?.code ?? 'no error'})`, examined + 1)
  const changing = await bench.http('/api/account/factors/totp', { method: 'DELETE', as: half })
  if (changing.status !== 428)
    return broken(`half a session may remove the factor that it lacks: ${changing.status}`, examined + 2)

  const shown = await show(half, person, await codeAt(person, 0))
  if (shown.status !== 204) return inconclusive(`the right code was answered ${shown.status}`, examined + 2)
  const after = await bench.http('/api/me', { as: await canaryOf(shown, person) })
  if (after.status !== 200) return inconclusive(`after the second step the answer was ${after.status}`, examined + 2)
  return holds(
    `by the password alone ${examined} routes answered 428 and the database refused entry; after a code of the app the same person was let in`,
    examined + 3,
  )
}

// --- one code, twice ---------------------------------------------------------------------------------------------------

async function useCodesTwice(person: Person): Promise<Outcome> {
  const { recoveryCodes } = person
  const halves = [await signIn(person), await signIn(person), await signIn(person)]
  const code = await codeAt(person, 0)
  const together = await Promise.all(halves.map((half) => show(half, person, code)))
  const opened = together.filter(({ status }) => status === 204).length
  if (together.some(({ status }) => status === 429)) return inconclusive('the codes were limited')
  if (opened === 0) return inconclusive(`a code that was never used was answered ${together[0]!.status}`)
  if (opened > 1) return broken(`one code, sent three times at once, opened ${opened} sessions`, 3)

  const later = await signIn(person)
  const again = await show(later, person, code)
  if (again.status < 300) return broken('a code that had been used opened again', 4)
  const earlier = await show(later, person, await codeAt(person, -1))
  if (earlier.status < 300) return broken('the code by which the app was enrolled opened again', 5)
  const next = await show(later, person, await codeAt(person, 1))
  if (next.status !== 204) return inconclusive(`the next code was answered ${next.status}: is the clock right?`, 5)

  const others = [await signIn(person), await signIn(person)]
  const recovered = await Promise.all(others.map((half) => recover(half, person, recoveryCodes[0]!)))
  const recoveries = recovered.filter(({ status }) => status === 204).length
  if (recoveries === 0) return inconclusive(`a new recovery code was answered ${recovered[0]!.status}`, 6)
  const once = await recover(await signIn(person), person, recoveryCodes[0]!)
  if (recoveries > 1 || once.status < 300) return broken('a recovery code opened twice', 8)
  return holds(
    `one code, sent three times at once, opened one session, and none later; the next one did; a recovery code sent twice at once and once more opened one`,
    9,
  )
}

// --- a person of one's own -----------------------------------------------------------------------------------------------

async function withPerson(bench: Bench, run: (person: Person) => Promise<Outcome>): Promise<Outcome> {
  const mark = `factor${crypto.randomUUID().replaceAll('-', '').slice(0, 20)}`
  const own = { bench, address: `${mark}@canary.invalid`, password: `${crypto.randomUUID()} ${crypto.randomUUID()}` }
  await expect(post(bench, '/api/sign-up', { name: mark, address: own.address, password: own.password }), 202)
  await expect(
    post(bench, '/api/verify', { token: await mailedToken(bench, own.address), password: own.password }),
    200,
  )
  const first = await signIn(own)
  const organisation = await organisationOf(bench, first, mark)
  const begun = await expect(post(bench, '/api/account/factors/totp', {}, first), 201)
  const { enrolment, key: text } = JSON.parse(begun.text) as { enrolment: string; key: string }
  const key = fromBase32(text)
  const code = await codeAt({ key }, -1)
  const confirmed = await expect(post(bench, '/api/account/factors/totp/confirm', { enrolment, code }, first), 200)
  const { recoveryCodes } = JSON.parse(confirmed.text) as { recoveryCodes: string[] }
  const person = { ...own, organisation, key, recoveryCodes, session: await canaryOf(confirmed, own) }
  try {
    return await run(person)
  } finally {
    // As anybody would who leaves. What came of it says nothing about the claim.
    await post(bench, '/api/account/close', {}, person.session).catch(() => undefined)
  }
}

async function organisationOf(bench: Bench, session: Canary, name: string): Promise<string> {
  const me = await expect(bench.http('/api/me', { as: session }), 200)
  const { organisations } = JSON.parse(me.text) as { organisations: { id: string }[] }
  if (organisations[0] !== undefined) return organisations[0].id
  const founded = await expect(post(bench, '/api/organisations', { name }, session), 201)
  return (JSON.parse(founded.text) as { id: string }).id
}

async function mailedToken(bench: Bench, address: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    for (const { text } of await bench.mail(address)) {
      const token = /\/verify#([\w-]+)/.exec(text)?.[1]
      if (token !== undefined) return token
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the mail with the verification link did not arrive')
}

type Own = Pick<Person, 'bench' | 'address' | 'password'>

/** By the password: half a session, as soon as there is a factor. */
async function signIn(own: Own): Promise<Canary> {
  const { bench, address, password } = own
  return canaryOf(await expect(post(bench, '/api/sign-in', { address, password }), 200), own)
}

function show(half: Canary, { bench }: Own, code: string): Promise<Answer> {
  return post(bench, '/api/session/code', { code }, half)
}

function recover(half: Canary, { bench }: Own, code: string): Promise<Answer> {
  return post(bench, '/api/session/recovery-code', { code }, half)
}

/** The session that an answer has set, as the bench takes one. */
async function canaryOf(answer: Answer, { address }: Pick<Own, 'address'>): Promise<Canary> {
  const cookie = answer.headers
    .getSetCookie()
    .map((one) => /^[^=]*-session=([^;]+)/.exec(one)?.[1])
    .find((value) => value !== undefined)
  if (cookie === undefined) throw new Error('no session cookie was set')
  const entry = await entryOf(cookie)
  return { name: 'of the probe', address, person: '', organisation: '', cookie, entry, marks: [] }
}

/** D = SHA-256("holdfast-entry-1" ‖ S). */
async function entryOf(cookie: string): Promise<Uint8Array> {
  const { sec } = JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString()) as { sec: string }
  const bytes = Buffer.concat([Buffer.from('holdfast-entry-1'), Buffer.from(sec, 'base64url')])
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

function post(bench: Bench, path: string, body: unknown, as?: Canary): Promise<Answer> {
  return bench.http(path, { method: 'POST', body: JSON.stringify(body), ...(as === undefined ? {} : { as }) })
}

async function expect(asked: Promise<Answer>, status: number): Promise<Answer> {
  const answer = await asked
  if (answer.status !== status)
    throw new Error(`expected ${status}, got ${answer.status}: ${answer.text.slice(0, 200)}`)
  return answer
}

/** Every parameter but the organisation is one that does not exist: refusal must come before it is looked for. */
function fill(path: string, organisation: string): string {
  return path.replace('{organisation}', organisation).replace(/\{\w+\}/g, () => crypto.randomUUID())
}

// --- RFC 6238 once more, from its text: the outside shares no code with the inside ---------------------------------------

async function codeAt({ key }: Pick<Person, 'key'>, steps: number): Promise<string> {
  const counter = new DataView(new ArrayBuffer(8))
  counter.setBigUint64(0, BigInt(Math.floor(Date.now() / 30_000) + steps))
  const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-1' }, false, ['sign'])
  const digest = new DataView(await crypto.subtle.sign('HMAC', hmac, counter))
  const offset = digest.getUint8(19) & 0xf
  return String((digest.getUint32(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

function fromBase32(text: string): Uint8Array<ArrayBuffer> {
  const bits = [...text].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  return Uint8Array.from(bits.join('').match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
}
