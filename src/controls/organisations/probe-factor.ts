import type { Answer, Bench, Canary } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, notApplicable, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'

export const secondFactorAtEntry: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  async run(bench) {
    if (!(await bench.routes()).some(({ path }) => path === '/api/o/{organisation}/second-factor'))
      return notApplicable(
        'in this product each person is alone in an organisation of their own: nobody demands of others',
      )
    return withPerson(bench, demandAndTry)
  },
}

/** A person of this probe alone, who owns an organisation: a factor on a canary would stand in the way of all other probes. */
interface Person {
  readonly bench: Bench
  readonly address: string
  readonly password: string
  readonly organisation: string
  /** The key of the authenticator app, and the session that enrolled it. */
  readonly key: Uint8Array<ArrayBuffer>
  readonly session: Canary
}

// --- what the organisation demands ---------------------------------------------------------------------------------------

async function demandAndTry(person: Person): Promise<Outcome> {
  const { bench, organisation, session } = person
  const { b } = bench.canaries
  const members = `/api/o/${organisation}/members`
  await inviteWithMost(person, b)
  const before = await bench.http(members, { as: b })
  if (before.status !== 200)
    return inconclusive(`as a member B was answered ${before.status} before anything was demanded`)

  const demanded = await demand(person, true)
  if (demanded.status !== 204) return inconclusive(`demanding a second factor was answered ${demanded.status}`)
  const since = performance.now()
  let examined = 0
  for (const { method, path, sampleQuery } of await bench.routes()) {
    if (method !== 'GET' || !path.startsWith('/api/o/{organisation}')) continue
    const answer = await bench.http(fill(path, organisation) + sampleQuery, { as: b })
    if (answer.status === 429) return inconclusive(`${path} was limited`, examined)
    examined++
    if (answer.status !== 428) return broken(`with one factor ${path} was answered ${answer.status}`, examined)
  }
  const milliseconds = Math.round(performance.now() - since)
  const entered = await bench.sql('app', 'select 1 as entered', [], { as: b, organisation })
  if (entered.error?.code !== 'HF428')
    return broken(`the database let one factor in (${entered.error?.code ?? 'no error'})`, examined + 1)
  const changed = await post(bench, `/api/o/${organisation}/leave`, {}, b)
  if (changed.status !== 428) return broken(`with one factor a change was answered ${changed.status}`, examined + 2)
  const own = await bench.http('/api/account/factors', { as: b })
  if (own.status !== 200) return broken(`B cannot set a second factor up: ${own.status}, a dead end`, examined + 3)
  const both = await bench.http(members, { as: session })
  if (both.status !== 200) return inconclusive(`with both factors the answer was ${both.status}`, examined + 3)

  const lifted = await demand(person, false)
  const after = await bench.http(members, { as: b })
  if (lifted.status !== 204 || after.status !== 200)
    return inconclusive(`after the demand was lifted B was answered ${after.status}`, examined + 4)
  return holds(
    `B, a member with one factor, was answered 200; once a second was demanded ${examined} routes answered 428 (${milliseconds} ms) and the database refused entry, while the owner, with both, was let in`,
    examined + 4,
  )
}

function demand({ bench, organisation, session }: Person, demanded: boolean): Promise<Answer> {
  return bench.http(`/api/o/${organisation}/second-factor`, {
    method: 'PUT',
    body: JSON.stringify({ demanded }),
    as: session,
  })
}

/** In the role that may the most: what is refused to it is refused for the want of a factor, and for nothing else. */
async function inviteWithMost({ bench, organisation, session }: Person, guest: Canary): Promise<void> {
  const [most] = await bench.catalogue<{ role: string }>(
    `select r.name as role from holdfast.role r
      order by length(replace(r.permissions::bit(64)::text, '0', '')) desc, r.name limit 1`,
  )
  const known = await invitationFor(bench, guest.address)
  const body = { address: guest.address, role: most!.role }
  await expect(post(bench, `/api/o/${organisation}/invitations`, body, session), 201)
  for (let attempt = 0; attempt < 100; attempt++) {
    const token = await invitationFor(bench, guest.address)
    if (token !== known) {
      await expect(post(bench, '/api/invitations/accept', { token }, guest), 200)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the invitation did not arrive')
}

async function invitationFor(bench: Bench, address: string): Promise<string | undefined> {
  for (const { text } of await bench.mail(address)) {
    const token = /\/invitation#([\w-]+)/.exec(text)?.[1]
    if (token !== undefined) return token
  }
  return undefined
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
  const person = { ...own, organisation, key, session: await canaryOf(confirmed, own) }
  try {
    return await run(person)
  } finally {
    // Nobody is left in it but its owner.
    const { b } = bench.canaries
    const gone = { method: 'DELETE', as: person.session }
    await bench.http(`/api/o/${organisation}/members/${b.person}`, gone).catch(() => undefined)
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
