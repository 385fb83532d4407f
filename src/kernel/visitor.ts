import type { Answer, Bench, Canary } from './bench.ts'

/**
 * Somebody who comes by the front door like anybody, for one probe alone: what a probe does to them is in the way of no other.
 * All of it goes over the bench. Whatever does not work throws, and the probe is inconclusive.
 */
export interface Visitor {
  readonly bench: Bench
  readonly address: string
  readonly password: string
}

/** A visitor with an authenticator app, who owns an organisation. */
export interface Enrolled extends Visitor {
  readonly organisation: string
  /** The key of the app, and the session that enrolled it. */
  readonly key: Uint8Array<ArrayBuffer>
  readonly session: Canary
  readonly recoveryCodes: readonly string[]
}

/** Signs somebody up, verifies, enrols an app, runs `run`, and closes the account as anybody would who leaves. */
export async function withEnrolled<T>(bench: Bench, run: (person: Enrolled) => Promise<T>): Promise<T> {
  const mark = `visitor-${crypto.randomUUID()}`
  const own = { bench, address: `${mark}@canary.invalid`, password: `${crypto.randomUUID()} ${crypto.randomUUID()}` }
  await expectStatus(202, post(bench, '/api/sign-up', { name: mark, address: own.address, password: own.password }))
  const link = await mailedLink(bench, own.address, 'verify')
  await expectStatus(200, post(bench, '/api/verify', { token: link, password: own.password }))
  const first = await signIn(own)
  const organisation = await organisationOf(bench, first, mark)
  const begun = await expectStatus(201, post(bench, '/api/account/factors/totp', {}, first))
  const { enrolment, key: text } = JSON.parse(begun.text) as { enrolment: string; key: string }
  const key = fromBase32(text)
  const code = await codeAt(key, -1)
  const confirmed = await expectStatus(
    200,
    post(bench, '/api/account/factors/totp/confirm', { enrolment, code }, first),
  )
  const { recoveryCodes } = JSON.parse(confirmed.text) as { recoveryCodes: string[] }
  const person = { ...own, organisation, key, recoveryCodes, session: await sessionOf(confirmed, own.address) }
  try {
    return await run(person)
  } finally {
    // What came of it says nothing about the claim; a visitor who is left behind is swept away after a day.
    await post(bench, '/api/account/close', {}, person.session).catch(() => undefined)
  }
}

/** By the password: half a session, as soon as there is a factor. */
export async function signIn({ bench, address, password }: Visitor): Promise<Canary> {
  return sessionOf(await expectStatus(200, post(bench, '/api/sign-in', { address, password })), address)
}

/** The session that an answer has set, as the bench takes one. */
export async function sessionOf(answer: Answer, address: string): Promise<Canary> {
  const cookie = answer.headers
    .getSetCookie()
    .map((one) => /^[^=]*-session=([^;]+)/.exec(one)?.[1])
    .find((value) => value !== undefined)
  if (cookie === undefined) throw new Error('no session cookie was set')
  const entry = await entryOf(cookie)
  return { name: 'of the probe', address, person: '', organisation: '', cookie, entry, marks: [] }
}

/** What entry takes, out of a session cookie: D = SHA-256("holdfast-entry-1" ‖ S). */
export async function entryOf(cookie: string): Promise<Uint8Array> {
  const { sec } = JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString()) as { sec: string }
  const bytes = Buffer.concat([Buffer.from('holdfast-entry-1'), Buffer.from(sec, 'base64url')])
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** The token of the newest link to that page in a mail to a canary address; another one than `before`. */
export async function mailedLink(bench: Bench, address: string, page: string, before?: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const token = await newestLink(bench, address, page)
    if (token !== undefined && token !== before) return token
    await new Promise((go) => setTimeout(go, 100))
  }
  throw new Error(`no mail with a link to /${page} came`)
}

/** As it is now; undefined where there is none. */
export async function newestLink(bench: Bench, address: string, page: string): Promise<string | undefined> {
  for (const { text } of await bench.mail(address)) {
    const token = new RegExp(`/${page}#([\\w-]+)`).exec(text)?.[1]
    if (token !== undefined) return token
  }
  return undefined
}

export function post(bench: Bench, path: string, body: unknown, as?: Canary): Promise<Answer> {
  return bench.http(path, { method: 'POST', body: JSON.stringify(body), ...(as === undefined ? {} : { as }) })
}

export async function expectStatus(status: number, asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked
  if (answer.status !== status)
    throw new Error(`expected ${status}, got ${answer.status}: ${answer.text.slice(0, 200)}`)
  return answer
}

/** Every parameter but the organisation is one that does not exist: refusal must come before it is looked for. */
export function fillPath(path: string, organisation: string): string {
  return path.replace('{organisation}', organisation).replace(/\{\w+\}/g, () => crypto.randomUUID())
}

async function organisationOf(bench: Bench, session: Canary, name: string): Promise<string> {
  const me = await expectStatus(200, bench.http('/api/me', { as: session }))
  const { organisations } = JSON.parse(me.text) as { organisations: { id: string }[] }
  if (organisations[0] !== undefined) return organisations[0].id
  const founded = await expectStatus(201, post(bench, '/api/organisations', { name }, session))
  return (JSON.parse(founded.text) as { id: string }).id
}

// --- RFC 6238 once more, from its text: the outside shares no code with the inside ---------------------------------------

/** The code of an authenticator app: six digits, SHA-1, 30 seconds. `steps`: from now on. */
export async function codeAt(key: Uint8Array<ArrayBuffer>, steps: number): Promise<string> {
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
