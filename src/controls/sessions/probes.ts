import type { Answer, Bench, Canary } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import { entryOf } from '../../kernel/visitor.ts'
import type { claims } from './claims.ts'

const cookieIsSignedAndClosed: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: presentForgeries,
}

const revokedAtOnce: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: signOutAndComeBack,
}

const replacedInUse: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: useAndComeBack,
}

const theftEndsTheSession: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: stealAndComeBack,
}

export const probes = {
  'sessions/cookie-is-signed-and-closed': cookieIsSignedAndClosed,
  'sessions/revoked-at-once': revokedAtOnce,
  'sessions/replaced-in-use': replacedInUse,
  'sessions/theft-ends-the-session': theftEndsTheSession,
} satisfies Record<keyof typeof claims, Probe>

// --- a cookie that is not as we set it -----------------------------------------------------------------------------

interface Forgery {
  readonly title: string
  readonly token: string
}

async function presentForgeries(bench: Bench): Promise<Outcome> {
  const { a, unverified } = bench.canaries
  const real = await bench.http('/api/me', { as: a })
  if (real.status !== 200) return inconclusive(`the canary's own cookie was answered ${real.status}`)
  const key = await readKey(bench, a.cookie)
  if (key === undefined) return inconclusive('/api/session-keys names no key for the canary’s cookie')
  if (!(await isSignedBy(key, a.cookie))) return broken('the cookie is not signed by the key that it names', 1)
  const said = Object.keys(partOf(a.cookie, 1)).filter((name) => !mayBeSaid.includes(name))
  if (said.length > 0) return broken(`the token also says: ${said.join(', ')}`, 1)

  const forgeries = await forge(a.cookie, key)
  let examined = 0
  for (const { title, token } of forgeries) {
    const answer = await bench.http('/api/me', { as: { ...a, cookie: token } })
    examined += 1
    if (answer.status !== 401) return broken(`${title}: answered ${answer.status}`, examined)
  }
  for (const { title, header } of strangeHeaders(cookieName(bench), a.cookie)) {
    const answer = await bench.http('/api/me', { headers: { cookie: header } })
    examined += 1
    if (answer.status !== 401) return broken(`${title}: answered ${answer.status}`, examined)
  }

  const signedIn = await signIn(bench, unverified)
  if (typeof signedIn === 'string') return inconclusive(signedIn, examined)
  await signOut(bench, signedIn.canary)
  const fault = faultOfCookie(bench, signedIn.setCookie)
  if (fault !== undefined) return broken(`the cookie that sign-in sets: ${fault}`, examined + 1)
  const plain = bench.origin.startsWith('http:') ? ' (plain HTTP on this machine alone, so without Secure)' : ''
  return holds(
    `${examined} forged, cut, doubled or renamed cookies opened nothing; the real one is HttpOnly, SameSite and bound to this host${plain}`,
    examined + 1,
  )
}

/** Nothing that anybody could come to trust: no role, no organisation, no name. */
const mayBeSaid = ['iss', 'aud', 'sid', 'iat', 'exp', 'nbf', 'sec']

async function forge(token: string, key: Key): Promise<Forgery[]> {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const says = partOf(token, 1)
  const stranger = await newStranger()
  const later = encode({ ...says, exp: Number(says.exp) + 86_400 })
  const elevated = encode({ ...says, role: 'owner', sid: crypto.randomUUID() })
  const raw = Uint8Array.from(atob(unUrl(key.x)), (character) => character.charCodeAt(0))
  const hmac = (secret: Uint8Array<ArrayBuffer> | string) =>
    signHmac({ alg: 'HS256', typ: 'JWT', kid: key.kid }, payload, secret)
  return [
    { title: 'one byte of the payload changed', token: `${header}.${changed(payload, 40)}.${signature}` },
    { title: 'one byte of the signature changed', token: `${header}.${payload}.${changed(signature, 10)}` },
    {
      title: 'the last character of the signature changed',
      token: `${header}.${payload}.${changed(signature, signature.length - 1)}`,
    },
    { title: 'a longer life under the old signature', token: `${header}.${later}.${signature}` },
    { title: 'another session under the old signature', token: `${header}.${elevated}.${signature}` },
    { title: 'no signature', token: `${header}.${payload}.` },
    { title: 'two parts', token: `${header}.${payload}` },
    { title: 'a fourth part', token: `${token}.x` },
    { title: 'half of the token', token: token.slice(0, token.length / 2) },
    { title: 'padding behind the signature', token: `${token}==` },
    ...['none', 'None', 'nOnE', 'NONE', ''].flatMap((alg) => [
      { title: `alg «${alg}» without a signature`, token: `${encode({ alg, typ: 'JWT' })}.${payload}.` },
      {
        title: `alg «${alg}» under the old signature`,
        token: `${encode({ alg, typ: 'session+jwt', kid: key.kid })}.${payload}.${signature}`,
      },
    ]),
    { title: 'HS256 with the public key as it is', token: await hmac(raw) },
    { title: 'HS256 with the public key as text', token: await hmac(key.x) },
    { title: 'HS256 with the public key as PEM', token: await hmac(pemOf(raw)) },
    { title: 'HS256 with an empty secret', token: await hmac(new Uint8Array([0])) },
    { title: 'signed by a stranger, under our key’s name', token: await stranger.sign({ ...partOf(token, 0) }, says) },
    {
      title: 'signed by a stranger, under their own key’s name',
      token: await stranger.sign({ ...partOf(token, 0), kid: 'stranger' }, says),
    },
    {
      title: 'signed by a stranger, with the key inside',
      token: await stranger.sign({ alg: 'EdDSA', typ: 'session+jwt', jwk: stranger.jwk }, says),
    },
    {
      title: 'signed by a stranger, with the key’s address inside',
      token: await stranger.sign({ ...partOf(token, 0), jku: 'https://evil.example/keys' }, says),
    },
    { title: 'a critical header', token: await stranger.sign({ ...partOf(token, 0), crit: ['exp'] }, says) },
  ]
}

/** Cookie headers that a careless reader would take for ours. Latin-1, as Node sends them. */
function strangeHeaders(name: string, token: string): { title: string; header: string }[] {
  return [
    { title: 'the cookie twice', header: `${name}=${token}; ${name}=${token}` },
    { title: 'the cookie and an empty one', header: `${name}=${token}; ${name}=` },
    { title: 'a name that begins with a wide blank', header: `\u00e2\u0080\u0080${name}=${token}` },
    { title: 'a name that begins with a hard blank', header: `\u00a0${name}=${token}` },
    { title: 'a name in capitals', header: `${name.toUpperCase()}=${token}` },
    { title: 'the token in quotes', header: `${name}="${token}"` },
  ]
}

function faultOfCookie(bench: Bench, setCookie: string): string | undefined {
  const [, ...attributes] = setCookie.split(';').map((part) => part.trim().toLowerCase())
  const has = (attribute: string) => attributes.includes(attribute)
  if (!has('httponly')) return 'scripts can read it'
  if (!has('samesite=lax') && !has('samesite=strict')) return 'other sites make browsers send it'
  if (!has('path=/')) return 'it is not for all paths'
  if (attributes.some((attribute) => attribute.startsWith('domain'))) return 'it goes to other hosts too'
  const { protocol, hostname } = new URL(bench.origin)
  if (protocol === 'https:') {
    if (!has('secure')) return 'it goes over plain connections too'
    return setCookie.startsWith('__Host-') ? undefined : 'its name does not bind it to this host'
  }
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
    ? undefined
    : 'it goes over the network in the clear'
}

// --- a session that has been ended ---------------------------------------------------------------------------------

async function signOutAndComeBack(bench: Bench): Promise<Outcome> {
  const { a } = bench.canaries
  const signedIn = await signIn(bench, a)
  if (typeof signedIn === 'string') return inconclusive(signedIn)
  const { canary } = signedIn
  const path = await firstOpenPath(bench, canary)
  const ended = await signOut(bench, canary)
  const since = performance.now()
  if (ended.status !== 204) return inconclusive(`signing out was answered ${ended.status}`)
  const next = await bench.http(path, { as: canary })
  const milliseconds = Math.round(performance.now() - since)
  if (next.status !== 401) return broken(`${path} was answered ${next.status} after signing out`, 1)
  const me = await bench.http('/api/me', { as: canary })
  if (me.status !== 401) return broken(`/api/me was answered ${me.status} after signing out`, 2)
  const entered = await bench.sql('app', 'select 1 as entered', [], { as: canary })
  if (entered.error?.code !== 'HF401')
    return broken(`the database let the ended session in (${entered.error?.code ?? 'no error'})`, 3)
  const other = await bench.http('/api/me', { as: a })
  if (other.status !== 200) return inconclusive(`the same person's other session was answered ${other.status}`, 3)
  return holds(
    `signed in, ${path} answered 200; signed out, the same cookie was answered 401 ${milliseconds} ms later, and the database refused it`,
    3,
  )
}

// --- a session that goes on ------------------------------------------------------------------------------------------

async function useAndComeBack(bench: Bench): Promise<Outcome> {
  const rotated = await rotate(bench)
  if ('status' in rotated) return rotated
  const { before, after, path, examined } = rotated
  const within = await bench.sql('app', 'select 1 as entered', [], { as: before })
  if (within.error !== undefined)
    return broken(
      `the secret before was refused while answers may still be on their way (${within.error.code})`,
      examined,
    )
  await letPass(bench, after, '31 seconds')
  // At the database, because over HTTP its return would end the session: that is another claim.
  const late = await bench.sql('app', 'select 1 as entered', [], { as: before })
  if (late.error?.code !== 'HF401')
    return broken(`half a minute later the secret before still opens (${late.error?.code ?? 'no error'})`, examined + 2)
  const goesOn = await bench.http(path, { as: after })
  if (goesOn.status !== 200) return broken(`the session itself was answered ${goesOn.status}`, examined + 3)
  await signOut(bench, after)
  return holds(
    `after eleven minutes ${atOnce} requests at once were answered and brought one new secret; the session goes on with it, and the one before opens nothing`,
    examined + 3,
  )
}

async function stealAndComeBack(bench: Bench): Promise<Outcome> {
  const { a } = bench.canaries
  const rotated = await rotate(bench)
  if ('status' in rotated) return rotated
  const { before, after, path, examined, began } = rotated
  await letPass(bench, after, '31 seconds')
  const told = async () =>
    (await bench.mail(a.address)).filter((mail) => / was ended$/.test(mail.subject) && began.test(mail.text)).length
  const mails = await told()
  const thief = await bench.http(path, { as: before })
  if (thief.status !== 401) return broken(`the stolen secret was answered ${thief.status}`, examined + 1)
  if (thief.headers.has('set-cookie')) return broken('the refusal takes the cookie of a browser away', examined + 1)
  for (const [who, canary] of [
    ['its owner goes on', after],
    ['the thief goes on', before],
  ] as const) {
    const answer = await bench.http(path, { as: canary })
    if (answer.status !== 401)
      return broken(`a stolen secret came back, and ${who}: answered ${answer.status}`, examined + 2)
  }
  const more = (await told()) - mails
  if (more !== 1) return broken(`a stolen secret came back, and the owner got ${more} mails`, examined + 4)
  const other = await bench.http('/api/me', { as: a })
  if (other.status !== 200)
    return inconclusive(`the same person's other session was answered ${other.status}`, examined)
  return holds(
    'a secret that had been replaced came back: it was refused, the session ended for both, and its owner got one mail',
    examined + 5,
  )
}

const atOnce = 8

/** A session of its own, made eleven minutes old, used by many requests at once, and then by the secret that came of it. */
async function rotate(
  bench: Bench,
): Promise<Outcome | { before: Canary; after: Canary; path: string; examined: number; began: RegExp }> {
  const signedIn = await signIn(bench, bench.canaries.a)
  if (typeof signedIn === 'string') return inconclusive(signedIn)
  const began = minutesAround(bench.now())
  const before = signedIn.canary
  const path = await firstOpenPath(bench, before)
  if (path === '/api/me') return inconclusive('the product has no route that the canary could use')
  await letPass(bench, before, '11 minutes')
  const answers = await Promise.all(Array.from({ length: atOnce }, () => bench.http(path, { as: before })))
  const refused = answers.find(({ status }) => status !== 200)
  if (refused !== undefined) return broken(`one of ${atOnce} requests at once was answered ${refused.status}`, atOnce)
  const name = cookieName(bench)
  const given = new Set(
    answers
      .flatMap(({ headers }) => headers.getSetCookie())
      .filter((one) => one.startsWith(`${name}=`))
      .map((one) => one.slice(name.length + 1).split(';')[0]!),
  )
  const [cookie] = given
  if (cookie === undefined) return broken('after eleven minutes the secret is still the same', atOnce)
  if (given.size > 1) return broken(`${atOnce} requests at once brought ${given.size} secrets`, atOnce)
  const [old, fresh] = [partOf(before.cookie, 1), partOf(cookie, 1)]
  if (old.sec === fresh.sec) return broken('the new cookie holds the old secret', atOnce)
  if (old.sid !== fresh.sid) return broken('the new cookie belongs to another session', atOnce)
  const after = { ...before, cookie, entry: await entryOf(cookie) }
  const used = await bench.http(path, { as: after })
  if (used.status !== 200) return broken(`the new secret was answered ${used.status}`, atOnce + 1)
  return { before, after, path, examined: atOnce + 1, began }
}

/** As if so much time had gone by for this session of a canary. */
async function letPass(bench: Bench, canary: Canary, interval: string): Promise<void> {
  const text = 'select holdfast.age_canary_session($1, $2) as aged'
  const { rows, error } = await bench.sql('prover', text, [canary.entry, interval])
  if (!(Number(rows[0]?.aged) > 0)) throw new Error(`the canary's session could not be made older: ${error?.message}`)
  // Of one token a server asks once a second whether something is due; what it heard before knows nothing of the new age.
  await new Promise((go) => setTimeout(go, 1_200))
}

/** The minute in which a session began, as mails write it; a clock that is a little off must not matter. */
function minutesAround(now: Date): RegExp {
  const minutes = [-1, 0, 1].map((off) => new Date(now.getTime() + off * 60_000).toISOString().slice(0, 16))
  return new RegExp(minutes.map((minute) => minute.replace('T', ' ')).join('|'))
}

/** A path inside the canary's organisation that answers; every product has at least one's own account. */
async function firstOpenPath(bench: Bench, canary: Canary): Promise<string> {
  for (const route of await bench.routes()) {
    if (route.method !== 'GET' || !/^\/api\/o\/\{organisation\}\/[^{]*$/.test(route.path)) continue
    const path = route.path.replace('{organisation}', canary.organisation) + route.sampleQuery
    if ((await bench.http(path, { as: canary })).status === 200) return path
  }
  const me = await bench.http('/api/me', { as: canary })
  if (me.status !== 200) throw new Error(`/api/me was answered ${me.status} right after signing in`)
  return '/api/me'
}

// --- signing in and out --------------------------------------------------------------------------------------------

/** A session of its own, so that the bench keeps its; or why there is none. */
async function signIn(bench: Bench, canary: Canary): Promise<{ canary: Canary; setCookie: string } | string> {
  if (canary.password === undefined) return 'this bench knows no password to sign in with'
  const { address, password } = canary
  const answer = await bench.http('/api/sign-in', { method: 'POST', body: JSON.stringify({ address, password }) })
  if (answer.status !== 200) return `signing in was answered ${answer.status}`
  const name = cookieName(bench)
  const setCookie = answer.headers.getSetCookie().find((one) => one.startsWith(`${name}=`))
  if (setCookie === undefined) return `signing in set no cookie ${name}`
  const cookie = setCookie.slice(name.length + 1).split(';')[0]!
  return { canary: { ...canary, cookie, entry: await entryOf(cookie) }, setCookie }
}

function signOut(bench: Bench, as: Canary): Promise<Answer> {
  return bench.http('/api/sign-out', { method: 'POST', body: '{}', as })
}

function cookieName(bench: Bench): string {
  return bench.origin.startsWith('https:') ? '__Host-session' : `${bench.product}-session`
}

// --- tokens, by the browsers' own cryptography ---------------------------------------------------------------------

interface Key {
  readonly x: string
  readonly kid: string
}

async function readKey(bench: Bench, token: string): Promise<Key | undefined> {
  const answer = await bench.http('/api/session-keys')
  if (answer.status !== 200) return undefined
  const { keys } = JSON.parse(answer.text) as { keys: Key[] }
  return keys.find((key) => key.kid === partOf(token, 0).kid)
}

async function isSignedBy(key: Key, token: string): Promise<boolean> {
  const [header, payload, signature = ''] = token.split('.')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.x }
  const imported = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify'])
  return crypto.subtle.verify(
    'Ed25519',
    imported,
    Buffer.from(signature, 'base64url'),
    Buffer.from(`${header}.${payload}`),
  )
}

async function newStranger() {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const { kty, crv, x } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return {
    jwk: { kty, crv, x },
    async sign(header: object, payload: object): Promise<string> {
      const signed = `${encode(header)}.${encode(payload)}`
      const signature = await crypto.subtle.sign('Ed25519', pair.privateKey, Buffer.from(signed))
      return `${signed}.${Buffer.from(signature).toString('base64url')}`
    },
  }
}

async function signHmac(header: object, payload: string, secret: Uint8Array<ArrayBuffer> | string): Promise<string> {
  const signed = `${encode(header)}.${payload}`
  const bytes = typeof secret === 'string' ? Buffer.from(secret) : secret
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, Buffer.from(signed))
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
}

/** SubjectPublicKeyInfo of an Ed25519 key: a fixed prefix and 32 bytes (RFC 8410). */
function pemOf(raw: Uint8Array): string {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]).toString('base64')
  return `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`
}

function partOf(token: string, index: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function unUrl(text: string): string {
  return text.replaceAll('-', '+').replaceAll('_', '/')
}

/** Another character of the alphabet in this place. */
function changed(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}
