import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { type Redis, redisServer, startRedis } from '../../../test/world/redis.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { Refusal } from '../../kernel/refusal.ts'
import { Login } from '../../platform/database/login.ts'
import { loginOptions } from '../tenant-isolation/tenant-isolation.ts'
import { createDecisions, type Decide } from './decisions.ts'
import { createLeases } from './leases.ts'
import { postgresqlStore, type Store } from './store.ts'
import { redisStore } from './store-redis.ts'

const codes = { name: 'codes', quota: 5, windowSeconds: 60 }

let world: World
let redis: Redis | undefined
const key = randomBytes(32)
const open: Store[] = []

beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  if (redisServer !== undefined) redis = await startRedis()
}, 120_000)
afterAll(async () => {
  for (const store of open) await store.close()
  await redis?.stop()
  await world?.stop()
})

function inPostgresql(): Store {
  const store = postgresqlStore(new Login(loginOptions('worker', world.database, { password: 'test-worker', most: 4 })))
  open.push(store)
  return store
}

async function inRedis(): Promise<Store> {
  const store = await redisStore({ host: redis!.socket, port: 0, tls: false }, key, () => {})
  open.push(store)
  await works(store)
  return store
}

/** Waits until the store answers (again). */
async function works(store: Store): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      await store.take([{ bucket: 'peek', limit: codes, spend: 0 }], false)
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error('the store does not answer')
}

async function outcome(decided: Promise<unknown>): Promise<'passed' | number> {
  try {
    await decided
    return 'passed'
  } catch (error) {
    if (error instanceof Refusal) return error.kind.status
    throw error
  }
}

const passed = (outcomes: readonly unknown[]) => outcomes.filter((one) => one === 'passed').length

const kinds: [string, () => Promise<Store>][] = [
  ['PostgreSQL', async () => inPostgresql()],
  ...(redisServer === undefined ? [] : [['Redis', inRedis] as [string, () => Promise<Store>]]),
]
if (redisServer === undefined) test.skip('counted in Redis: no redis-server is installed')

describe.each(kinds)('counted in %s', (_, newStore) => {
  test('a quota, then a 429 that says when', async () => {
    const decide = createDecisions(await newStore())
    const who = crypto.randomUUID()
    for (let count = 0; count < 5; count++) await decide(who, codes)
    const refused = await decide(who, codes).catch((error) => error as Refusal)
    expect(refused).toBeInstanceOf(Refusal)
    expect((refused as Refusal).kind.code).toBe('rate-limits/too-many-requests')
    expect((refused as Refusal).headers).toEqual({
      'retry-after': '12',
      'ratelimit-policy': '"codes";q=5;w=60',
      ratelimit: '"codes";r=0;t=12',
    })
    await decide(crypto.randomUUID(), codes)
    await decide(who, { ...codes, name: 'other-codes' })
  })

  test('what was spent comes back one by one, and a refused request costs nothing', async () => {
    const decide = createDecisions(await newStore())
    const who = crypto.randomUUID()
    const quick = { name: 'quick', quota: 5, windowSeconds: 1 }
    expect(passed(await Promise.all(Array.from({ length: 30 }, () => outcome(decide(who, quick)))))).toBeLessThan(7)
    await new Promise((resolve) => setTimeout(resolve, 210))
    const after = await Promise.all(Array.from({ length: 30 }, () => outcome(decide(who, quick))))
    expect(passed(after)).toBeGreaterThanOrEqual(1)
    expect(passed(after)).toBeLessThan(4)
  })

  test('several processes that ask at once share one quota, to the last request', async () => {
    const decisions = await Promise.all(Array.from({ length: 6 }, async () => createDecisions(await newStore())))
    for (let round = 0; round < 5; round++) {
      const who = crypto.randomUUID()
      const all = await Promise.all(
        decisions.flatMap((decide) => Array.from({ length: 5 }, () => outcome(decide(who, codes)))),
      )
      expect(passed(all)).toBe(5)
      expect(all.filter((one) => one === 429).length).toBe(25)
    }
  })

  test('of two that race for the last one, exactly one gets it', async () => {
    const [first, second] = [createDecisions(await newStore()), createDecisions(await newStore())]
    for (let round = 0; round < 40; round++) {
      const who = crypto.randomUUID()
      const one = { name: 'one', quota: 1, windowSeconds: 60 }
      expect(passed(await Promise.all([outcome(first(who, one)), outcome(second(who, one))]))).toBe(1)
    }
  })

  test('a debt is debited in any case, counts against exact decisions, and ends at two windows', async () => {
    const store = await newStore()
    const bucket = `codes ${crypto.randomUUID()}`
    const [owed] = await store.take([{ bucket, limit: codes, spend: 8 }], false)
    expect(owed).toMatchObject({ granted: true, remaining: 0 })
    expect(owed!.waitMillis / 1000).toBeGreaterThan(47)
    expect(owed!.waitMillis / 1000).toBeLessThanOrEqual(48)
    expect((await store.take([{ bucket, limit: codes, spend: 1 }], true))[0]!.granted).toBe(false)
    const [most] = await store.take([{ bucket, limit: codes, spend: 2_000_000_000 }], false)
    expect(most!.waitMillis / 1000).toBeLessThanOrEqual(72)
  })

  test('many buckets in one call keep their order, from several sides at once', async () => {
    const stores = await Promise.all([newStore(), newStore(), newStore()])
    const buckets = Array.from({ length: 60 }, () => crypto.randomUUID())
    const ask = (store: Store, order: readonly string[]) =>
      store.take(
        order.map((bucket) => ({
          bucket,
          limit: { quota: 100, windowSeconds: 3600 },
          spend: 1 + ((buckets as string[]).indexOf(bucket) % 3),
        })),
        false,
      )
    for (let round = 0; round < 3; round++)
      await Promise.all(stores.map((store, at) => ask(store, at % 2 ? buckets : buckets.toReversed())))
    const after = await stores[0]!.take(
      buckets.map((bucket) => ({ bucket, limit: { quota: 100, windowSeconds: 3600 }, spend: 0 })),
      false,
    )
    expect(after.map(({ remaining }) => remaining)).toEqual(buckets.map((_, at) => 100 - 9 * (1 + (at % 3))))
  })

  test('leases of five processes at once: the quota, and a twentieth for each', async () => {
    const processes = await Promise.all(
      Array.from({ length: 5 }, async () =>
        createLeases({
          store: await newStore(),
          personsOf: async () => [],
          log: (error) => expect(error).toBeUndefined(),
        }),
      ),
    )
    const limit = { name: 'leased', quota: 200, windowSeconds: 600 }
    const session = crypto.randomUUID()
    const all = await Promise.all(
      processes.flatMap((leases) =>
        Array.from({ length: 200 }, () => outcome((async () => leases.spendBySession(session, limit))())),
      ),
    )
    for (const leases of processes) await leases.stop()
    expect(passed(all)).toBeGreaterThanOrEqual(200)
    expect(passed(all)).toBeLessThanOrEqual(200 + 5 * 10 + 1)
    expect(all.filter((one) => one === 429).length).toBe(1000 - passed(all))
  })

  test('keys of any length and alphabet', async () => {
    const decide = createDecisions(await newStore())
    const once = { name: 'once', quota: 1, windowSeconds: 60 }
    const mine = crypto.randomUUID()
    for (const who of [
      '',
      ' ',
      'ж',
      'x'.repeat(100_000),
      'a\nb',
      "'; drop table holdfast.quota --",
      '{"a":1}',
      'a,b',
      '\\x00',
    ]) {
      expect(await outcome(decide(mine + who, once)), who.slice(0, 20)).toBe('passed')
      expect(await outcome(decide(mine + who, once)), who.slice(0, 20)).toBe(429)
    }
  })
})

describe('what is stored', () => {
  const seen = 'somebody@example.com 192.0.2.77'

  test('PostgreSQL keeps no address, and forgets what is whole again', async () => {
    const store = inPostgresql()
    await createDecisions(store)(seen, { name: 'short', quota: 1, windowSeconds: 1 })
    await createDecisions(store)(seen, codes)
    const rows = await world.superuser(`select q::text as row, encode(bucket, 'escape') as text from holdfast.quota q`)
    expect(rows.length).toBeGreaterThan(1)
    expect(JSON.stringify(rows)).not.toMatch(/somebody|192\.0/)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const [before] = await world.superuser('select count(*)::int as n from holdfast.quota')
    await world.superuser('select holdfast.sweep_limits()')
    const [after] = await world.superuser('select count(*)::int as n from holdfast.quota')
    expect(after!.n).toBeLessThan(before!.n as number)
    expect(await outcome(createDecisions(store)('not swept', codes))).toBe('passed')
  })

  test('only the verbs reach it', async () => {
    for (const role of ['app', 'identity', 'worker', 'auditor'] as const) {
      const login = new Login(loginOptions(role, world.database, { password: `test-${role}`, most: 1 }))
      try {
        for (const table of ['quota', 'quota_salt', 'failures'])
          await expect(login.query({ text: `select * from holdfast.${table}`, values: [] })).rejects.toThrow(
            'permission denied',
          )
        if (role === 'app' || role === 'auditor')
          await expect(
            login.query({ text: `select holdfast.take_quota('{x}', '{1}', '{1}', '{1}', true)`, values: [] }),
          ).rejects.toThrow('permission denied')
      } finally {
        await login.close()
      }
    }
  })

  test.skipIf(redisServer === undefined)('Redis keeps no address, and every key ends by itself', async () => {
    await createDecisions(await inRedis())(seen, codes)
    const contents = await redis!.contents()
    expect(contents).not.toMatch(/somebody|192\.0/)
    for (const [name, , left] of JSON.parse(contents) as [string, string, number][]) {
      expect(name).toMatch(/^holdfast:[\w-]{43}$/)
      expect(left).toBeGreaterThan(0)
    }
  })
})

describe('clocks', () => {
  test('a database clock that was set back by a year refuses for two windows at most; one set forward refuses nobody', async () => {
    const decide = createDecisions(inPostgresql())
    const who = crypto.randomUUID()
    await decide(who, codes)
    await world.superuser(`update holdfast.quota set restored_us = restored_us + 365::bigint * 86400 * 1000000`)
    const refused = (await decide(who, codes).catch((error) => error)) as Refusal
    expect(refused.kind.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(72)
    await world.superuser(`update holdfast.quota set restored_us = restored_us - 365::bigint * 86400 * 1000000`)
    await decide(who, codes)
  })
})

describe('the store is lost', () => {
  const expectClosed = async (decide: Decide) => {
    const began = performance.now()
    const refused = (await decide(crypto.randomUUID(), codes).catch((error) => error)) as Refusal
    expect(refused).toBeInstanceOf(Refusal)
    expect(refused.kind).toMatchObject({ status: 503, code: 'rate-limits/counter-down' })
    expect(refused.headers['retry-after']).toBe('2')
    expect(performance.now() - began).toBeLessThan(1500)
  }

  test('PostgreSQL: a held row keeps its own key waiting for a second, and no other', async () => {
    const decide = createDecisions(inPostgresql())
    const held = crypto.randomUUID()
    await decide(held, codes)
    const sleep = world.superuser(
      `begin; update holdfast.quota set restored_us = restored_us; select pg_sleep(2); commit`,
    )
    await new Promise((resolve) => setTimeout(resolve, 200))
    const began = performance.now()
    expect(await outcome(decide(held, codes))).toBe(503)
    expect(performance.now() - began).toBeGreaterThan(500)
    expect(await outcome(decide(crypto.randomUUID(), codes))).toBe('passed')
    await sleep
    expect(await outcome(decide(held, codes))).toBe('passed')
  })

  test('PostgreSQL: cut connections, a server that is not there, one that never answers', async () => {
    const store = inPostgresql()
    const decide = createDecisions(store)
    await decide(crypto.randomUUID(), codes)
    const all = Array.from({ length: 50 }, () => outcome(decide(crypto.randomUUID(), codes)))
    await world.superuser(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'holdfast_worker' and datname = current_database()`,
    )
    for (const one of await Promise.all(all)) expect(['passed', 503]).toContain(one)
    await works(store)

    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    for (const place of [
      { host: '127.0.0.1', port: 1 },
      { host: '127.0.0.1', port },
    ]) {
      const lost = new Login(loginOptions('worker', { ...world.database, ...place }, { password: 'x', most: 1 }))
      await expectClosed(createDecisions(postgresqlStore(lost)))
      await lost.close()
    }
    silent.close()
  })

  describe.skipIf(redisServer === undefined)('Redis', () => {
    test('killed in the middle: refused at once, back when it is back', async () => {
      const own = await startRedis()
      const told: unknown[] = []
      const store = await redisStore({ host: own.socket, port: 0, tls: false }, key, (error) => told.push(error))
      const decide = createDecisions(store)
      try {
        await works(store)
        const all = Array.from({ length: 200 }, () => outcome(decide(crypto.randomUUID(), codes)))
        await own.kill()
        for (const one of await Promise.all(all)) expect(['passed', 503]).toContain(one)
        await expectClosed(decide)
        expect(told.length).toBeGreaterThan(0)
        await own.start()
        await works(store)
        expect(await outcome(decide(crypto.randomUUID(), codes))).toBe('passed')
      } finally {
        await store.close()
        await own.stop()
      }
    })

    test('silent: refused within a second, and the connection is given up', async () => {
      const own = await startRedis()
      const store = await redisStore({ host: own.socket, port: 0, tls: false }, key, () => {})
      try {
        await works(store)
        own.pause()
        await expectClosed(createDecisions(store))
        own.resume()
        await works(store)
      } finally {
        own.resume()
        await store.close()
        await own.stop()
      }
    })

    test('one that wants a password is no counter for whoever has none', async () => {
      const own = await startRedis([], 'a password')
      const locked = await redisStore({ host: own.socket, port: 0, tls: false }, key, () => {})
      const store = await redisStore({ host: own.socket, port: 0, tls: false, password: 'a password' }, key, () => {})
      try {
        await works(store)
        await expectClosed(createDecisions(locked))
      } finally {
        await store.close()
        await locked.close()
        await own.stop()
      }
    })

    test('over TLS: a certificate that nobody vouches for, and one of another name, are refused', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'hf-redis-tls-'))
      const file = (name: string) => path.join(folder, name)
      const days = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost']
      const names = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', file('key'), '-out', file('cert')]
      execFileSync('openssl', ['req', ...days, ...names], { stdio: 'ignore' })
      const port = await freePort()
      const files = ['--tls-cert-file', file('cert'), '--tls-key-file', file('key'), '--tls-ca-cert-file', file('cert')]
      const own = await startRedis(['--tls-port', String(port), '--tls-auth-clients', 'no', ...files])
      const ca = readFileSync(file('cert'), 'utf8')
      const place = { host: 'localhost', port, tls: true }
      const [good, unknown, misnamed] = await Promise.all(
        [{ ...place, ca }, place, { ...place, ca, host: '127.0.0.1' }].map((one) => redisStore(one, key, () => {})),
      )
      try {
        await works(good!)
        expect(await outcome(createDecisions(good!)(crypto.randomUUID(), codes))).toBe('passed')
        await expectClosed(createDecisions(unknown!))
        await expectClosed(createDecisions(misnamed!))
      } finally {
        for (const store of [good, unknown, misnamed]) await store!.close()
        await own.stop()
        rmSync(folder, { recursive: true })
      }
    })
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
