import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { startWorld, type World } from '../../../test/world/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

const post = (path: string, cookie?: string, body: unknown = {}) =>
  world.fetch(path, { method: 'POST', body, ...(cookie === undefined ? {} : { cookie }) })
const me = async (cookie: string) => (await world.fetch('/api/me', { cookie })).status

test('a cookie that was signed out opens nothing, and the browser is told to forget it', async () => {
  const { cookie } = await world.join()
  expect(await me(cookie)).toBe(200)
  const out = await post('/api/sign-out', cookie)
  expect(out.status).toBe(204)
  expect(out.headers.getSetCookie()).toEqual(['crm-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'])
  expect(await me(cookie)).toBe(401)
  // Signing out of what has ended is no error, and still clears the cookie.
  expect((await post('/api/sign-out', cookie)).status).toBe(204)
})

test('signing out while the session is in full use leaves no request that gets in afterwards', async () => {
  const { cookie } = await world.join()
  let out = false
  const late: number[] = []
  const busy = Array.from({ length: 8 }, async () => {
    for (let count = 0; count < 40; count++) {
      const begunAfter = out
      const status = await me(cookie)
      if (begunAfter) late.push(status)
    }
  })
  await post('/api/sign-out', cookie)
  out = true
  await Promise.all(busy)
  expect(late.length).toBeGreaterThan(0)
  expect(new Set(late)).toEqual(new Set([401]))
})

test('signing in again in one browser ends the session that it had; other browsers keep theirs', async () => {
  const { cookie, address, password } = await world.join()
  const elsewhere = (await post('/api/sign-in', undefined, { address, password })).headers
    .getSetCookie()[0]!
    .split(';')[0]!
  const again = await post('/api/sign-in', cookie, { address, password })
  expect(again.status).toBe(200)
  expect(await me(cookie)).toBe(401)
  expect(await me(elsewhere)).toBe(200)
})

test('a session past its idle time or its life opens nothing, though the token is in force', async () => {
  const one = await world.join()
  await world.superuser(`update holdfast.pass set issued_at = clock_timestamp() - idle where person_id = $1`, [
    one.person,
  ])
  expect(await me(one.cookie)).toBe(401)
  const other = await world.join()
  await world.superuser(`update holdfast.pass set expires_at = clock_timestamp() where person_id = $1`, [other.person])
  expect(await me(other.cookie)).toBe(401)
})

test('the session of a person who was disabled cannot be replaced by a new one', async () => {
  const { address, password, person } = await world.join()
  await world.superuser(`update holdfast.person set disabled_at = clock_timestamp() where id = $1`, [person])
  const answer = await post('/api/sign-in', undefined, { address, password })
  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({ code: 'sign-in/not-matching' })
})

test('the database stores neither the cookie’s secret nor what is presented', async () => {
  const { cookie, person } = await world.join()
  const { sec } = JSON.parse(Buffer.from(cookie.split('.')[1]!, 'base64url').toString()) as { sec: string }
  const secret = Buffer.from(sec, 'base64url')
  const [row] = await world.superuser(
    `select encode(hash, 'hex') = encode(sha256(sha256('holdfast-entry-1'::bytea || $2)), 'hex') as fits, pass::text as whole
       from holdfast.pass where person_id = $1`,
    [person, secret],
  )
  expect(row!.fits).toBe(true)
  expect(row!.whole).not.toContain(secret.toString('hex'))
})

test('no log line holds a cookie, a token or a secret', async () => {
  const { cookie, password } = await world.join()
  await me(cookie)
  await me(`${cookie}x`)
  const lines = JSON.stringify([world.requests, world.failures])
  expect(lines).toContain('/api/me')
  expect(lines).not.toContain(cookie.split('.')[2])
  expect(lines).not.toContain(cookie.split('.')[1])
  expect(lines).not.toContain(password)
})

test.each([
  ['close the account', '/api/account/close', {}],
  ['change the address', '/api/account/address', { address: 'thief@example.com' }],
])(
  'a session that is ended while it is about to %s does not',
  async (_, path, body) => {
    const ada = await world.join()
    const client = new pg.Client({ ...inject('superuser'), database: world.database.database })
    await client.connect()
    try {
      // As a change of password does: the account first, and then the sessions.
      await client.query('begin')
      await client.query('select from holdfast.account where person_id = $1 for update', [ada.person])
      const racing = world.fetch(path, { method: 'POST', body, cookie: ada.cookie })
      const waiting = `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      await expect.poll(() => world.superuser(waiting), { timeout: 20_000 }).toEqual([{ count: 1 }])
      await client.query('select holdfast.end_sessions_of($1, null)', [ada.person])
      await client.query('commit')
      expect((await racing).status).toBe(401)
    } finally {
      await client.end()
    }
  },
  60_000,
)
