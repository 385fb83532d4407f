import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { type Redis, redisServer, startRedis } from '../../test/world/redis.ts'
import { startWorld, type World } from '../../test/world/world.ts'

const signIn = (world: World, address: string) =>
  world.fetch('/api/sign-in', { method: 'POST', body: { address, password: 'guess' } })

describe('counted in the database', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ product: crm, superuser: inject('superuser') })
  }, 120_000)
  afterAll(() => world?.stop())

  test('health says so, and carries the headers of its limit', async () => {
    const answer = await world.fetch('/api/health')
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      status: 'ok',
      parts: { database: 'ok', limits: 'ok' },
      counter: 'postgresql',
    })
    expect(answer.headers.get('ratelimit-policy')).toBe('"all";q=6000;w=60, "health";q=240;w=60')
  })

  test('pages, refusals and unknown paths carry RateLimit too', async () => {
    for (const path of ['/', '/api/nothing', '/api/me']) {
      const { headers } = await world.fetch(path)
      expect(headers.get('ratelimit-policy'), path).toMatch(/^"all";q=6000;w=60/)
      expect(headers.get('ratelimit'), path).toMatch(/^"all";r=\d+;t=\d+/)
    }
  })

  test('two sessions of one person spend from one quota, in the shared counter', async () => {
    const visitor = await world.joinWithOrganisation()
    const again = await world.fetch('/api/sign-in', {
      method: 'POST',
      body: { address: visitor.address, password: visitor.password },
    })
    const other = again.headers.getSetCookie()[0]!.split(';')[0]!
    const before = await rows()
    for (const cookie of [visitor.cookie, other, visitor.cookie, other])
      expect((await world.fetch(`/api/o/${visitor.organisation}/members`, { cookie })).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 1300))
    // For the policy `members`: one bucket of the person and one of the organisation, and none of either session.
    expect((await rows()) - before).toBeLessThanOrEqual(4)
    async function rows() {
      const [counted] = await world.superuser('select count(*)::int as n from holdfast.quota')
      return counted!.n as number
    }
  })

  test('a stranger who names an organisation gets the same 404 however often, and costs it nothing', async () => {
    const owner = await world.joinWithOrganisation()
    const stranger = await world.join()
    const path = `/api/o/${owner.organisation}/members`
    const codes = new Set<number>()
    for (let index = 0; index < 40; index++) codes.add((await world.fetch(path, { cookie: stranger.cookie })).status)
    expect([...codes]).toEqual([404])
    expect((await world.fetch(path, { cookie: owner.cookie })).status).toBe(200)
  })

  test('invitations: ten a day to one address, and a refused one invites nobody', async () => {
    const owner = await world.joinWithOrganisation()
    const statuses: number[] = []
    for (let index = 0; index < 11; index++) {
      const body = { address: index % 2 ? 'Often.Invited@example.com' : 'often.invited@example.com', role: 'member' }
      const path = `/api/o/${owner.organisation}/invitations`
      statuses.push((await world.fetch(path, { method: 'POST', body, cookie: owner.cookie })).status)
    }
    expect(statuses).toEqual([...Array(10).fill(201), 429])
    expect(world.mails.filter(({ to }) => /often\.invited/i.test(to)).length).toBeLessThanOrEqual(10)
  })

  test('whoever knows the address alone cannot lock its owner out of the owner’s own browser', async () => {
    const { address, password, person } = await world.join()
    const attempt = (cookie?: string) =>
      world.fetch('/api/sign-in', { method: 'POST', body: { address, password }, ...(cookie && { cookie }) })
    const device = (await attempt()).headers.getSetCookie().find((one) => one.startsWith('crm-device='))!
    expect(device).toMatch(/; HttpOnly; SameSite=Lax$/)
    await world.superuser(
      `insert into holdfast.failures (subject, authenticator, strangers) values ($1, 'password', 90)`,
      [person],
    )
    for (let index = 0; index < 40; index++) await signIn(world, address)
    // A stranger's browser gets nothing any more, by the quota first; the owner's own gets in, and all is well again.
    expect((await attempt()).status).toBe(429)
    expect((await attempt(device.split(';')[0])).status).toBe(200)
    expect(await world.superuser('select from holdfast.failures where subject = $1', [person])).toHaveLength(0)
  }, 60_000)

  test('a disabled password is answered like a wrong one, right or not', async () => {
    const { address, password, person } = await world.join()
    await world.superuser(
      `insert into holdfast.failures (subject, authenticator, strangers) values ($1, 'password', 90)`,
      [person],
    )
    const answers = await Promise.all(
      [password, 'not the password of anybody'].map((one) =>
        world.fetch('/api/sign-in', { method: 'POST', body: { address, password: one } }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([401, 401])
    const bodies = await Promise.all(answers.map((answer) => answer.json() as Promise<Record<string, unknown>>))
    expect(bodies.map(({ requestId: _, ...rest }) => rest)[0]).toEqual(
      bodies.map(({ requestId: _, ...rest }) => rest)[1],
    )
  })

  test('a counter that is locked away refuses sign-in with 503, health says so, and both come back', async () => {
    const visitor = await world.join()
    const held = world.superuser(
      'begin; lock table holdfast.quota in access exclusive mode; select pg_sleep(4); commit',
    )
    await new Promise((resolve) => setTimeout(resolve, 300))
    const [refused, health, me] = await Promise.all([
      signIn(world, visitor.address),
      world.fetch('/api/health'),
      world.fetch('/api/me', { cookie: visitor.cookie }),
    ])
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('2')
    expect(((await refused.json()) as { code: string }).code).toBe('rate-limits/counter-down')
    expect(health.status).toBe(503)
    expect(await health.json()).toEqual({
      status: 'failing',
      parts: { database: 'ok', limits: 'failing' },
      counter: 'postgresql',
    })
    // What is leased is still spent.
    expect(me.status).toBe(200)
    await held
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect((await signIn(world, visitor.address)).status).toBe(401)
    expect((await world.fetch('/api/health')).status).toBe(200)
  }, 30_000)
})

if (redisServer === undefined) test.skip('counted in Redis: no redis-server is installed')

describe.skipIf(redisServer === undefined)('counted in Redis', () => {
  let world: World
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
    world = await startWorld({
      product: crm,
      superuser: inject('superuser'),
      redis: { host: redis.socket, port: 0, tls: false },
    })
  }, 120_000)
  afterAll(async () => {
    await world?.stop()
    await redis?.stop()
  })

  test('an account is counted there, and PostgreSQL stays empty', async () => {
    const address = 'counted-in-redis@example.com'
    const statuses: number[] = []
    for (let index = 0; index < 31; index++) statuses.push((await signIn(world, address)).status)
    expect(statuses).toEqual([...Array(30).fill(401), 429])
    expect(await world.superuser('select from holdfast.quota')).toHaveLength(0)
    const contents = await redis.contents()
    expect(contents).toContain('holdfast:')
    expect(contents).not.toContain('counted-in-redis')
    expect(await (await world.fetch('/api/health')).json()).toMatchObject({ status: 'ok', counter: 'redis' })
  }, 60_000)

  test('killed: sign-in is refused, health fails, what is leased is spent and then refused; started again, all is well', async () => {
    const visitor = await world.join()
    await new Promise((resolve) => setTimeout(resolve, 1300))
    await redis.kill()
    const refused = await signIn(world, visitor.address)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('2')
    const health = await world.fetch('/api/health')
    expect(health.status).toBe(503)
    expect(await health.json()).toMatchObject({ status: 'failing', parts: { database: 'ok', limits: 'failing' } })
    const statuses: number[] = []
    for (let index = 0; index < 60; index++)
      statuses.push((await world.fetch('/api/me', { cookie: visitor.cookie })).status)
    // A twentieth of 600.
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(30)
    expect(statuses.at(-1)).toBe(503)
    expect(world.failures.some(({ part }) => part === 'limits')).toBe(true)
    await redis.start()
    for (let attempt = 0; attempt < 100 && (await world.fetch('/api/health')).status !== 200; attempt++)
      await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await signIn(world, visitor.address)).status).toBe(401)
    expect((await world.fetch('/api/me', { cookie: visitor.cookie })).status).toBe(200)
  }, 60_000)
})
