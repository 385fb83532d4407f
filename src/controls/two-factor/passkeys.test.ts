import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { type Ceremony, createAuthenticator } from '../../../test/world/authenticator.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'

// People who join, each by a hash or two: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

let world: World
/** People to whom authenticators lie. Shared, for one address may sign in sixty times in here. */
let lied: { authenticator: Authenticator; half: string; newcomer: Visitor }
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  const { authenticator, ...ada } = await withPasskey()
  lied = { authenticator, half: await halfSession(ada), newcomer: await world.join() }
}, 120_000)
afterAll(() => world?.stop())

type Authenticator = ReturnType<typeof createAuthenticator>

const post = (path: string, cookie: string | undefined, body: unknown = {}, method = 'POST') =>
  world.fetch(path, { method, body, ...(cookie === undefined ? {} : { cookie }) })
const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0]!.split(';')[0]!
const passkeys = '/api/account/factors/passkeys'
const at = (challenge: string, more: Partial<Ceremony> = {}) => ({ challenge, origin: world.origin, ...more })

async function ask(path: string, cookie?: string): Promise<string> {
  const answer = await post(path, cookie)
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { challenge: string }).challenge
}

const askNew = (cookie: string) => ask(`${passkeys}/options`, cookie)
const askShow = (cookie: string) => ask('/api/session/passkey/options', cookie)
const askSignIn = () => ask('/api/sign-in/passkey/options')

async function add(cookie: string, authenticator: Authenticator, more: Partial<Ceremony> = {}): Promise<Response> {
  const challenge = more.challenge ?? (await askNew(cookie))
  return post(passkeys, cookie, { name: 'Key', ...authenticator.create(at(challenge, more)) })
}

/** A person with a passkey: their whole session, and what signs for it. */
async function withPasskey(more: Partial<Ceremony> = {}) {
  const visitor = await world.join()
  const authenticator = createAuthenticator()
  const added = await add(visitor.cookie, authenticator, more)
  expect(added.status).toBe(200)
  return { ...visitor, authenticator, cookie: cookieOf(added) }
}

async function halfSession({ address, password }: Pick<Visitor, 'address' | 'password'>): Promise<string> {
  const answer = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
  expect(answer.status).toBe(200)
  return cookieOf(answer)
}

const show = (cookie: string, shown: object) => post('/api/session/passkey', cookie, shown)
const signIn = (shown: object) => post('/api/sign-in/passkey', undefined, shown)
const founds = async (cookie: string) => (await post('/api/organisations', cookie, { name: 'New' })).status

describe('a passkey', () => {
  test('signs in alone, and is the second step beside a password', async () => {
    const { authenticator, ...ada } = await withPasskey()
    const alone = await signIn(authenticator.get(at(await askSignIn())))
    expect(alone.status).toBe(200)
    expect(await founds(cookieOf(alone))).toBe(201)
    const half = await halfSession(ada)
    expect(await founds(half)).toBe(428)
    const shown = await show(half, authenticator.get(at(await askShow(half))))
    expect(shown.status).toBe(204)
    expect(await founds(cookieOf(shown))).toBe(201)
  })

  test.each<[string, Partial<Ceremony>]>([
    ['on another site', { origin: 'https://evil.example', rpId: 'localhost' }],
    ['on another port of this host', { origin: 'http://localhost:1' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['in a frame of another site', { crossOrigin: true }],
    ['when it was asked to enrol', { type: 'webauthn.create' }],
    ['untouched', { present: false }],
    ['for a challenge of one’s own making', { challenge: Buffer.alloc(32, 1).toString('base64url') }],
  ])('that signed %s opens nothing', async (_, lie) => {
    const { authenticator, half, newcomer } = lied
    expect((await signIn(authenticator.get(at(await askSignIn(), lie)))).status).toBe(422)
    expect((await show(half, authenticator.get(at(await askShow(half), lie)))).status).toBe(422)
    const typed = lie.type === undefined ? lie : { type: 'webauthn.get' }
    expect((await add(newcomer.cookie, createAuthenticator(), typed)).status).toBe(422)
  })

  test('whose user it did not verify does not sign in alone; beside a password it does', async () => {
    const { authenticator, ...ada } = await withPasskey({ verified: false })
    expect((await signIn(authenticator.get(at(await askSignIn(), { verified: false })))).status).toBe(422)
    const half = await halfSession(ada)
    const shown = await show(half, authenticator.get(at(await askShow(half), { verified: false })))
    expect(shown.status).toBe(204)
  })

  test('of somebody else is no second step, and nobody gets it twice', async () => {
    const [ada, ben] = [await withPasskey(), await withPasskey()]
    const half = await halfSession(ada)
    expect((await show(half, ben.authenticator.get(at(await askShow(half))))).status).toBe(422)
    const copy = createAuthenticator(Buffer.from(ada.authenticator.id, 'base64url'))
    const taken = await add(ben.cookie, copy)
    expect(taken.status).toBe(409)
    // Hers is hers still.
    expect((await show(half, copy.get(at(await askShow(half))))).status).toBe(422)
    expect((await show(half, ada.authenticator.get(at(await askShow(half))))).status).toBe(204)
  })

  test('whose counter does not grow is a copy, and opens nothing; of two at once one does', async () => {
    const { authenticator } = await withPasskey({ counter: 5 })
    const counted = async (counter: number) =>
      (await signIn(authenticator.get(at(await askSignIn(), { counter })))).status
    expect(await counted(5)).toBe(422)
    expect(await counted(0)).toBe(422)
    expect(await counted(6)).toBe(200)
    expect((await Promise.all([7, 7, 7, 7].map(counted))).sort()).toEqual([200, 422, 422, 422])
  })

  test('is not switched off by whoever has the password, however often they fail', async () => {
    const { authenticator, ...ada } = await withPasskey()
    const half = await halfSession(ada)
    await world.superuser(
      `insert into holdfast.failures (subject, authenticator, strangers) values ($1, 'passkey', 99)
       on conflict (subject, authenticator) do update set strangers = 99`,
      [ada.person],
    )
    const stranger = createAuthenticator()
    for (const _ of [1, 2, 3]) expect((await show(half, stranger.get(at(await askShow(half))))).status).toBe(422)
    expect((await show(half, authenticator.get(at(await askShow(half))))).status).toBe(204)
  })
})

describe('a challenge', () => {
  test('is answered once, however often the answer arrives at the same time', async () => {
    const { authenticator, ...ada } = await withPasskey()
    const half = await halfSession(ada)
    const shown = authenticator.get(at(await askShow(half)))
    const answers = await Promise.all([1, 2, 3, 4].map(() => show(half, shown)))
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    const alone = authenticator.get(at(await askSignIn()))
    const signed = await Promise.all([1, 2, 3, 4].map(() => signIn(alone)))
    expect(signed.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422])
  })

  test('is for one purpose', async () => {
    const { authenticator, cookie, ...ada } = await withPasskey()
    const half = await halfSession(ada)
    expect((await show(half, authenticator.get(at(await askSignIn())))).status).toBe(422)
    expect((await show(half, authenticator.get(at(await askNew(cookie))))).status).toBe(422)
    expect((await signIn(authenticator.get(at(await askShow(half))))).status).toBe(422)
    expect((await signIn(authenticator.get(at(await askNew(cookie))))).status).toBe(422)
    const another = createAuthenticator()
    expect((await add(cookie, another, { challenge: await askShow(half) })).status).toBe(422)
    expect((await add(cookie, another, { challenge: await askSignIn() })).status).toBe(422)
  })

  test('is for one person', async () => {
    const [ada, ben] = [await withPasskey(), await withPasskey()]
    const hers = await halfSession(ada)
    expect((await show(hers, ada.authenticator.get(at(await askShow(ben.cookie))))).status).toBe(422)
    expect((await add(ada.cookie, createAuthenticator(), { challenge: await askNew(ben.cookie) })).status).toBe(422)
  })

  test('is over after five minutes', async () => {
    const { authenticator } = await withPasskey()
    const challenge = await askSignIn()
    await world.superuser(`update holdfast.passkey_challenge set expires_at = expires_at - interval '5 minutes'`)
    expect((await signIn(authenticator.get(at(challenge)))).status).toBe(422)
  })
})

test('a passkey that is taken away while somebody signs in with it opens no session', async () => {
  const { authenticator, person } = await withPasskey()
  const shown = authenticator.get(at(await askSignIn()))
  const client = new pg.Client({ ...inject('superuser'), database: world.database.database })
  await client.connect()
  try {
    // Whoever begins a session waits here; the signature has been looked at by then.
    await client.query('begin')
    await client.query('select holdfast.lock_person($1)', [person])
    const racing = signIn(shown)
    await expect.poll(waiting, { timeout: 20_000 }).toBe(1)
    await client.query('select holdfast.remove_factors($1)', [person])
    await client.query('commit')
    expect((await racing).status).toBe(401)
  } finally {
    await client.end()
  }
  const alive = `select count(*)::int from holdfast.pass where person_id = $1 and revoked_at is null`
  expect(await world.superuser(alive, [person])).toEqual([{ count: 0 }])
})

/** How many wait for a lock in this world's database. */
async function waiting(): Promise<unknown> {
  const [found] = await world.superuser(
    `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return found!.count
}
