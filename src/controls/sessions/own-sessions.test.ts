import { createHash } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { sessionKey, startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { createSessions, type OwnSession, type Sessions } from './sessions.ts'

let world: World
let sessions: Sessions
/** For what does no harm to anybody's session. */
let somebody: Visitor
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  sessions = createSessions({ product: 'crm', origin: world.origin, privateKeyPem: sessionKey, https: false })
  somebody = await world.join()
}, 120_000)
afterAll(() => world?.stop())

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'
const here = { userAgent: firefox, address: '192.0.2.7' }
const byPassword = { assurance: 1, shown: 'password' } as const
const sessionOf = (cookie: string) =>
  (JSON.parse(Buffer.from(cookie.split('.')[1]!, 'base64url').toString()) as { sid: string }).sid
const me = async (cookie: string) => (await world.fetch('/api/me', { cookie })).status
const list = async (cookie: string) =>
  ((await (await world.fetch('/api/sessions', { cookie })).json()) as { sessions: OwnSession[] }).sessions
const end = (cookie: string, session: string) => world.fetch(`/api/sessions/${session}`, { method: 'DELETE', cookie })
const endOthers = (cookie: string) => world.fetch('/api/sessions/end-others', { method: 'POST', body: {}, cookie })
const issue = async (person: string, where = here) => {
  const issued = await sessions.issue(world.foundation.logins.identity, person, byPassword, where)
  return { ...issued, cookie: issued.cookie.split(';')[0]! }
}
async function signIn({ address, password }: Visitor) {
  const answer = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
  return { status: answer.status, cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
}

describe('the list of one’s sessions', () => {
  test('shows one’s own, the one at hand first, and nobody else’s', async () => {
    const [ada, bob] = await Promise.all([world.join(), world.join()])
    const { cookie } = await issue(ada.person)
    const shown = await list(cookie)
    expect(shown).toEqual([
      {
        session: sessionOf(cookie),
        device: 'Firefox on Linux',
        address: '192.0.2.7',
        startedAt: expect.stringMatching(/^20\d\d-.+Z$/),
        usedAt: expect.stringMatching(/^20\d\d-.+Z$/),
        current: true,
      },
      expect.objectContaining({ session: sessionOf(ada.cookie), device: 'Node.js', current: false }),
    ])
    expect(JSON.stringify(await list(bob.cookie))).not.toContain(sessionOf(cookie))
  })

  test('tells the time of use to ten minutes, and never one before the session began', async () => {
    const ada = await world.join()
    const { cookie } = await issue(ada.person)
    const [young] = await list(cookie)
    expect(young!.usedAt).toBe(young!.startedAt)
    await world.superuser(`update holdfast.session set started_at = started_at - interval '1 hour' where family = $1`, [
      sessionOf(cookie),
    ])
    const [old] = await list(cookie)
    expect(old!.usedAt).toMatch(/^20\d\d-..-..T..:.0:00Z$/)
  })

  test('leaves out what has ended, what rested too long, and what was replaced', async () => {
    const ada = await world.join()
    const [ended, idle] = [await issue(ada.person), await issue(ada.person)]
    expect(await list(ada.cookie)).toHaveLength(3)
    await end(ada.cookie, sessionOf(ended.cookie))
    await world.superuser(`update holdfast.pass set issued_at = issued_at - idle where family = $1`, [
      sessionOf(idle.cookie),
    ])
    expect(await list(ada.cookie)).toHaveLength(1)
  })

  test('says from where a session was last used', async () => {
    const ada = await world.join()
    const { cookie } = await issue(ada.person)
    await world.superuser(
      `update holdfast.pass set issued_at = issued_at - interval '11 minutes' where person_id = $1`,
      [ada.person],
    )
    await world.fetch('/api/me', { cookie })
    const own = (await list(ada.cookie)).find(({ session }) => session === sessionOf(cookie))
    expect(own).toMatchObject({ address: '127.0.0.1', device: 'Firefox on Linux' })
  })

  test('is not for whoever has yet to show a second factor, and for nobody without a session', async () => {
    const ada = await world.join()
    await world.superuser(`select holdfast.want_assurance($1, 2::smallint)`, [ada.person])
    for (const answer of [
      await world.fetch('/api/sessions', { cookie: ada.cookie }),
      await end(ada.cookie, sessionOf(ada.cookie)),
      await endOthers(ada.cookie),
    ])
      expect(answer.status).toBe(428)
    expect((await world.fetch('/api/sessions')).status).toBe(401)
    expect((await endOthers('crm-session=x')).status).toBe(401)
  })
})

describe('ending', () => {
  test('one of one’s sessions ends that one, from the next request on, and no other', async () => {
    const ada = await world.join()
    const [one, other] = [await issue(ada.person), await issue(ada.person)]
    expect((await end(ada.cookie, sessionOf(one.cookie))).status).toBe(204)
    expect(await Promise.all([me(one.cookie), me(other.cookie), me(ada.cookie)])).toEqual([401, 200, 200])
    // Once more, and it is not there.
    expect((await end(ada.cookie, sessionOf(one.cookie))).status).toBe(404)
  })

  test('the session at hand takes its cookie along; no other does', async () => {
    const ada = await world.join()
    const other = await issue(ada.person)
    expect((await end(ada.cookie, sessionOf(other.cookie))).headers.getSetCookie()).toEqual([])
    const own = await end(ada.cookie, sessionOf(ada.cookie))
    expect(own.headers.getSetCookie()).toEqual(['crm-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'])
    expect(await me(ada.cookie)).toBe(401)
  })

  test('somebody else’s session is as if it were not there', async () => {
    const [ada, bob] = await Promise.all([world.join(), world.join()])
    const strangers = await end(ada.cookie, sessionOf(bob.cookie))
    const nobodys = await end(ada.cookie, crypto.randomUUID())
    const body = async (answer: Response) => {
      const { requestId: _, ...rest } = (await answer.json()) as Record<string, unknown>
      return rest
    }
    expect([strangers.status, nobodys.status]).toEqual([404, 404])
    expect(await body(strangers)).toEqual(await body(nobodys))
    expect(await me(bob.cookie)).toBe(200)
  })

  test.each(['x', '%00', 'null', "' or true --", '00000000-0000-0000-0000-00000000000g', 'a'.repeat(5000)])(
    'what is no session’s id (%s) is refused before the database is asked',
    async (id) => {
      const { status } = await end(somebody.cookie, encodeURIComponent(id))
      expect([400, 404, 414]).toContain(status)
    },
  )

  test.each([[['x']], [{ all: true }], ['{"a":1,"a":2}'], ['[]']])(
    'all others, asked for with %j, is refused',
    async (body) => {
      const { cookie } = somebody
      const answer = await world.fetch('/api/sessions/end-others', { method: 'POST', body, cookie })
      expect(answer.status).toBe(400)
    },
  )

  test('all others spares the one at hand, and says how many there were', async () => {
    const ada = await world.join()
    const [bob, ...others] = [await world.join(), await issue(ada.person), await issue(ada.person)]
    const answer = await endOthers(ada.cookie)
    expect(await answer.json()).toEqual({ ended: 2 })
    expect(await Promise.all(others.map(({ cookie }) => me(cookie)))).toEqual([401, 401])
    expect([await me(ada.cookie), await me(bob.cookie)]).toEqual([200, 200])
    expect(await (await endOthers(ada.cookie)).json()).toEqual({ ended: 0 })
  })

  test('two sessions that end each other at the same time: at most one is left', async () => {
    const ada = await world.join()
    for (let round = 0; round < 8; round++) {
      const [one, other] = [await issue(ada.person), await issue(ada.person)]
      await Promise.all([endOthers(one.cookie), endOthers(other.cookie)])
      const alive = await Promise.all([me(one.cookie), me(other.cookie)])
      expect(alive.filter((status) => status === 200)).toHaveLength(1)
    }
  })
})

describe('a new device', () => {
  test('is one that this person has not used; the very first is none, and an update is none', async () => {
    const { person } = await world.join()
    await world.superuser(`delete from holdfast.session where person_id = $1`, [person])
    const next = firefox.replaceAll('143.0', '144.0')
    expect((await issue(person)).newDevice).toBe(false)
    expect((await issue(person, { ...here, userAgent: next })).newDevice).toBe(false)
    expect((await issue(person, { ...here, userAgent: 'curl/8.5.0' })).newDevice).toBe(true)
    expect((await issue(person, { ...here, userAgent: 'curl/8.6.0' })).newDevice).toBe(false)
    expect((await issue(person, { userAgent: '\u0000<b>', address: 'x'.repeat(300) })).newDevice).toBe(true)
  })
})

describe('a session that takes the place of another', () => {
  const assured = { assurance: 2, shown: 'password totp' } as const

  test('lives, and the other is over', async () => {
    const { person, cookie } = await world.join()
    const before = await issue(person)
    const after = await sessions.replace(world.foundation.logins.identity, before.entry, assured, here)
    const given = after.cookie.split(';')[0]!
    expect([await me(before.cookie), await me(given), await me(cookie)]).toEqual([401, 200, 200])
    const [pass] = await world.superuser(
      `select assurance, evidence, generation, started_at = issued_at as fresh from holdfast.pass where family = $1`,
      [sessionOf(given)],
    )
    expect(pass).toMatchObject({ assurance: 2, evidence: 'password totp', generation: 0 })
  })

  test('comes once, however often it is asked for at the same time', async () => {
    const { person } = await world.join()
    const before = await issue(person)
    const all = await Promise.allSettled(
      Array.from({ length: 10 }, () => sessions.replace(world.foundation.logins.identity, before.entry, assured, here)),
    )
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of all) if (one.status === 'rejected') expect(one.reason.code).toBe('HF401')
    const [count] = await world.superuser(
      `select count(*)::int from holdfast.session where person_id = $1 and device = 'Firefox on Linux'`,
      [person],
    )
    expect(count).toEqual({ count: 2 })
  })

  test('does not come for a secret that opens nothing', async () => {
    const entry = createHash('sha256').update('nothing').digest()
    await expect(sessions.replace(world.foundation.logins.identity, entry, assured, here)).rejects.toMatchObject({
      code: 'HF401',
    })
  })
})

test('signing in with a password while all sessions are being ended comes to nothing', async () => {
  const ada = await world.join()
  const client = new pg.Client({ ...inject('superuser'), database: world.database.database })
  await client.connect()
  try {
    // Whoever begins a session waits here; the password has been read and compared by then.
    await client.query('begin')
    await client.query('select holdfast.lock_person($1)', [ada.person])
    const racing = signIn(ada)
    await expect.poll(waiting, { timeout: 5000 }).toBe(1)
    await client.query('select holdfast.end_sessions_of($1, null)', [ada.person])
    await client.query('commit')
    expect((await racing).status).toBe(401)
  } finally {
    await client.end()
  }
  const alive = `select count(*)::int from holdfast.pass where person_id = $1 and revoked_at is null`
  expect(await world.superuser(alive, [ada.person])).toEqual([{ count: 0 }])
  expect((await signIn(ada)).status).toBe(200)
})

/** How many wait for a lock in this world's database. */
async function waiting(): Promise<unknown> {
  const [found] = await world.superuser(
    `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return found!.count
}

test('what is known of sessions goes after 90 days, and replaced secrets after a week', async () => {
  const { person, cookie } = await world.join()
  const other = await issue(person)
  await world.superuser(`update holdfast.session set used_at = used_at - interval '91 days' where family = $1`, [
    sessionOf(other.cookie),
  ])
  await world.superuser(
    `update holdfast.pass set generation = 1, dead_at = clock_timestamp() - interval '8 days' where family = $1`,
    [sessionOf(other.cookie)],
  )
  await world.foundation.logins.worker.query({ text: 'select holdfast.sweep_sessions()', values: [] })
  const left = await world.superuser(`select family from holdfast.session where person_id = $1`, [person])
  expect(left).toEqual([{ family: sessionOf(cookie) }])
  const passes = await world.superuser(`select family from holdfast.pass where person_id = $1`, [person])
  expect(passes).toEqual([{ family: sessionOf(cookie) }])
})

test('the prover’s clock goes one way, and for canaries alone', async () => {
  const { person } = await world.join()
  const { entry } = await issue(person)
  const age = (by: string) =>
    world.superuser(`select holdfast.age_canary_session($1, $2::interval) as aged`, [Buffer.from(entry), by])
  expect(await age('1 hour')).toEqual([{ aged: 0 }])
  await world.superuser(`update holdfast.person set canary = true where id = $1`, [person])
  expect(await age('1 hour')).toEqual([{ aged: 1 }])
  await expect(age('-1 hour')).rejects.toMatchObject({ code: 'HF422' })
})

test('another framework gets the cookie to set, and nothing while nothing is due', async () => {
  const { cookie, person } = await world.join()
  const request = new Request(world.origin, { headers: { cookie } })
  const touch = () => world.foundation.touchSession(request, '127.0.0.1')
  expect(await touch()).toBeUndefined()
  expect(await world.foundation.touchSession(new Request(world.origin), '127.0.0.1')).toBeUndefined()
  await world.superuser(`update holdfast.pass set issued_at = issued_at - interval '11 minutes' where person_id = $1`, [
    person,
  ])
  const fresh = await world.twin()
  try {
    const given = (await fresh.touchSession(request, '127.0.0.1'))!
    expect(given).toMatch(/^crm-session=.+; HttpOnly; SameSite=Lax$/)
    expect(await me(given.split(';')[0]!)).toBe(200)
  } finally {
    await fresh.stop()
  }
})

test('over HTTPS the cookie is bound to the host, from sign-in over rotation to sign-out', async () => {
  const { address, password, person } = await world.join()
  const origin = 'https://crm.example'
  const secure = await world.twin({ origin })
  const ask = (path: string, cookie?: string, body?: object) =>
    secure.handle(
      new Request(origin + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          origin,
          ...(cookie === undefined ? {} : { cookie }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
      '127.0.0.1',
    )
  const set = (answer: Response) => answer.headers.getSetCookie().find((one) => one.startsWith('__Host-session='))
  const bound = /^__Host-session=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax; Secure$/
  try {
    const first = set(await ask('/api/sign-in', undefined, { address, password }))!
    expect(first).toMatch(bound)
    await world.superuser(
      `update holdfast.pass set issued_at = issued_at - interval '11 minutes' where person_id = $1`,
      [person],
    )
    const next = set(await ask('/api/me', first.split(';')[0]))!
    expect(next).toMatch(bound)
    // A name that a neighbour could set is not read, and neither is a token of the same product elsewhere.
    const token = next.split(';')[0]!.slice('__Host-session='.length)
    for (const name of ['session', 'crm-session', '__Host-crm-session', '__Secure-session'])
      expect((await ask('/api/me', `${name}=${token}`)).status).toBe(401)
    expect((await world.fetch('/api/me', { cookie: `crm-session=${token}` })).status).toBe(401)
    const out = await ask('/api/sign-out', next.split(';')[0], {})
    expect(set(out)).toBe('__Host-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure')
    expect((await ask('/api/me', next.split(';')[0])).status).toBe(401)
  } finally {
    await secure.stop()
  }
})
