// What the limiter costs: microseconds for a decision by address, for a spending from a lease, and for an exact decision in a real
// PostgreSQL and, where one is installed, a real Redis. `node bin/node24.mjs tools/measure-limits.ts`
import { createDecisions } from '../src/controls/rate-limits/decisions.ts'
import { createLeases } from '../src/controls/rate-limits/leases.ts'
import { createLimits } from '../src/controls/rate-limits/rate-limits.ts'
import { postgresqlStore, type Store } from '../src/controls/rate-limits/store.ts'
import { redisStore } from '../src/controls/rate-limits/store-redis.ts'
import { loginOptions } from '../src/controls/tenant-isolation/tenant-isolation.ts'
import { Login } from '../src/platform/database/login.ts'
import { demoProducts } from '../src/server/demo-products.ts'
import { prepareDatabase } from '../src/server/migrations.ts'
import { startThrowAwayCluster } from '../test/world/cluster.ts'
import { redisServer, startRedis } from '../test/world/redis.ts'

const wide = { name: 'wide', quota: 50_000_000, windowSeconds: 60 }
const endless: Store = {
  take: async (asked) => asked.map(() => ({ granted: true, remaining: 1_000_000, waitMillis: 0 })),
  close: async () => {},
}

/** Microseconds for one, the median of nine rounds. */
function perCall(count: number, run: (index: number) => void): number {
  const rounds = Array.from({ length: 9 }, () => {
    const began = performance.now()
    for (let index = 0; index < count; index++) run(index)
    return ((performance.now() - began) * 1000) / count
  })
  return rounds.sort((one, other) => one - other)[4]!
}

function say(what: string, microseconds: number, more = ''): void {
  console.log(`${what.padEnd(56)} ${microseconds.toFixed(microseconds < 10 ? 2 : 0).padStart(8)} µs${more}`)
}

async function measureDecisions(what: string, store: Store): Promise<void> {
  const decide = createDecisions(store)
  for (let index = 0; index < 500; index++) await decide(`warm ${index}`, wide)
  const times: number[] = []
  for (let index = 0; index < 2000; index++) {
    const began = performance.now()
    await decide(`person ${index % 500}`, wide)
    times.push((performance.now() - began) * 1000)
  }
  times.sort((one, other) => one - other)
  const began = performance.now()
  const line = async (first: number) => {
    for (let index = first; index < 4096; index += 64) await decide(`person ${index % 500}`, wide)
  }
  await Promise.all(Array.from({ length: 64 }, (_, index) => line(index)))
  const rate = 4096 / ((performance.now() - began) / 1000)
  say(
    `exact, ${what}, one after another`,
    times[1000]!,
    `, p99 ${times[1980]!.toFixed(0)} µs; 64 at a time ${rate.toFixed(0)}/s`,
  )
}

const limits = createLimits({ limits: [wide] })
const addresses = Array.from({ length: 4096 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
say(
  'by address, one gate',
  perCall(200_000, (index) => limits.spendByAddress(addresses[index & 4095]!, wide)),
)
const leases = createLeases({
  store: endless,
  personsOf: async (sessions) => sessions.map((family) => ({ family, person: `person of ${family}` })),
  log: console.error,
})
const sessions = Array.from({ length: 4096 }, () => crypto.randomUUID())
for (const session of sessions) leases.spendBySession(session, wide)
await new Promise((resolve) => setTimeout(resolve, 200))
say(
  'leased, by person, 4,096 sessions in turn',
  perCall(200_000, (index) => void leases.spendBySession(sessions[index & 4095]!, wide)),
)
const answered = Promise.resolve()
const asked = async (count: number, run: (index: number) => Promise<unknown>) => {
  const began = performance.now()
  for (let index = 0; index < count; index++) await run(index)
  return ((performance.now() - began) * 1000) / count
}
const bare = await asked(200_000, () => answered)
const member = (index: number) => ({ session: sessions[index & 4095]!, organisation: sessions[index & 255]! })
await asked(8192, (index) => leases.spendByOrganisation(member(index), wide, () => answered))
say(
  'leased, by organisation, 256 of them in turn',
  (await asked(200_000, (index) => leases.spendByOrganisation(member(index), wide, () => answered))) - bare,
)
await leases.stop()

const { cluster, discard } = await startThrowAwayCluster()
try {
  const [product] = await demoProducts()
  const database = { host: cluster.superuser.host, port: cluster.superuser.port, database: 'limits' }
  const roles = ['migrator', 'app', 'identity', 'worker', 'auditor', 'prover'] as const
  const passwords = Object.fromEntries(roles.map((role) => [role, 'limits'])) as Record<(typeof roles)[number], string>
  await prepareDatabase({ superuser: cluster.superuser, database, passwords, product: product! })
  const store = postgresqlStore(new Login(loginOptions('worker', database, { password: 'limits', most: 3 })))
  await measureDecisions('PostgreSQL', store)
  const many = Array.from({ length: 500 }, (_, index) => ({ bucket: `lease ${index}`, limit: wide, spend: 3 }))
  await store.take(many, false)
  const began = performance.now()
  for (let round = 0; round < 20; round++) await store.take(many, false)
  say('settling a lease, PostgreSQL, 500 in one call', ((performance.now() - began) * 1000) / 20 / 500, ' each')
  await store.close()
} finally {
  await discard()
}
if (redisServer === undefined) console.log('no redis-server is installed: Redis was not measured')
else {
  const redis = await startRedis()
  const store = await redisStore({ host: redis.socket, port: 0, tls: false }, new Uint8Array(32), console.error)
  try {
    const ready = () => store.take([{ bucket: 'x', limit: wide, spend: 0 }], false)
    while (!(await ready().then(Boolean, () => false))) await new Promise((resolve) => setTimeout(resolve, 20))
    await measureDecisions('Redis', store)
  } finally {
    await store.close()
    await redis.stop()
  }
}
