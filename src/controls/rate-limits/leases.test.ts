import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { Refusal } from '../../kernel/refusal.ts'
import type { Limit } from '../../platform/http/route.ts'
import { createLeases, type Leases } from './leases.ts'
import type { Asked, Store, Taken } from './store.ts'

const reading: Limit = { name: 'reading', quota: 200, windowSeconds: 60 }

/** The algorithm of the real stores over a Map, with faults to order. The real ones are tested in store.test.ts. */
function memoryStore() {
  const restored = new Map<string, number>()
  const state = { calls: 0, rows: 0, fault: undefined as Error | undefined, delay: 0, now: 0 }
  const takeOne = ({ bucket, limit, spend }: Asked): Taken => {
    const step = (limit.windowSeconds * 1000) / limit.quota
    const span = step * limit.quota
    const next = Math.min(Math.max(restored.get(bucket) ?? 0, state.now) + spend * step, state.now + 2 * span)
    if (spend > 0) restored.set(bucket, next)
    const remaining = Math.max(0, Math.floor((state.now + span - next) / step + 1e-9))
    return { granted: true, remaining, waitMillis: Math.max(0, next + step - span - state.now) }
  }
  const store: Store = {
    async take(asked) {
      state.calls++
      if (state.delay > 0) await new Promise((resolve) => setTimeout(resolve, state.delay))
      if (state.fault !== undefined) throw state.fault
      state.rows += asked.length
      return asked.map(takeOne)
    },
    close: async () => {},
  }
  return { store, state, restored }
}

const running: Leases[] = []
afterEach(async () => {
  for (const leases of running.splice(0)) await leases.stop()
})

function processOn(
  memory: ReturnType<typeof memoryStore>,
  more: { persons?: Record<string, string>; most?: number; log?: (error: unknown) => void } = {},
) {
  const leases = createLeases({
    store: memory.store,
    personsOf: async (sessions) =>
      sessions.flatMap((family) => (more.persons?.[family] ? [{ family, person: more.persons[family] }] : [])),
    log: more.log ?? (() => {}),
    now: () => memory.state.now,
    ...(more.most === undefined ? {} : { most: more.most }),
  })
  running.push(leases)
  return leases
}

async function outcome(spend: () => unknown): Promise<'passed' | number> {
  try {
    await spend()
    return 'passed'
  } catch (error) {
    if (error instanceof Refusal) return error.kind.status
    throw error
  }
}

async function spendMany(count: number, spend: () => unknown): Promise<number> {
  let passed = 0
  for (let index = 0; index < count; index++) if ((await outcome(spend)) === 'passed') passed++
  return passed
}

/** What is still reachable: without collecting first, the heap says how long ago somebody collected. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

describe('by person', () => {
  test('one process lets through the quota and a lease more, once', async () => {
    const memory = memoryStore()
    const leases = processOn(memory)
    const passed = await spendMany(500, () => leases.spendBySession('s', reading))
    expect(passed).toBeGreaterThanOrEqual(200)
    expect(passed).toBeLessThanOrEqual(210)
    const refused = await Promise.resolve()
      .then(() => leases.spendBySession('s', reading))
      .catch((error: Refusal) => error)
    expect((refused as Refusal).kind.status).toBe(429)
    expect((refused as Refusal).headers).toMatchObject({
      'retry-after': expect.stringMatching(/^[1-9]\d*$/),
      'ratelimit-policy': '"reading-person";q=200;w=60',
      ratelimit: expect.stringMatching(/^"reading-person";r=0;t=[1-9]\d*$/),
    })
  })

  test('far fewer calls than requests, and none on the way of a request that has a lease', async () => {
    const memory = memoryStore()
    const leases = processOn(memory)
    const wide = { ...reading, quota: 100_000 }
    expect(leases.spendBySession('s', wide)).toBeUndefined()
    for (let index = 0; index < 10_000; index++) {
      expect(leases.spendBySession('s', wide)).toBeUndefined()
      if (index % 1000 === 0) await settled()
    }
    await settled()
    expect(memory.state.calls).toBeLessThan(20)
  })

  test('of a whole crowd with one request each, one call tells all', async () => {
    const memory = memoryStore()
    const leases = processOn(memory)
    for (let index = 0; index < 400; index++) leases.spendBySession(`s${index}`, reading)
    await leases.stop()
    expect(memory.state.calls).toBe(1)
    expect(memory.state.rows).toBe(400)
  })

  test('many sessions of one person are one person, and what was spent before that was known is not lost', async () => {
    const memory = memoryStore()
    const persons = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`s${index}`, 'ada']))
    const leases = processOn(memory, { persons })
    for (let index = 0; index < 20; index++) leases.spendBySession(`s${index}`, reading)
    await settled()
    const passed = await spendMany(500, () => leases.spendBySession(`s${Math.floor(Math.random() * 20)}`, reading))
    expect(20 + passed).toBeLessThanOrEqual(210)
    expect([...memory.restored.keys()]).toEqual(['reading-person person ada'])
    expect(await outcome(() => leases.spendBySession('another', reading))).toBe('passed')
  })

  test('a session of nobody is counted by itself', async () => {
    const leases = processOn(memoryStore())
    expect(await spendMany(400, () => leases.spendBySession('forged', reading))).toBeLessThanOrEqual(210)
  })

  test('policies do not spend from each other', async () => {
    const leases = processOn(memoryStore())
    await spendMany(300, () => leases.spendBySession('s', reading))
    expect(await outcome(() => leases.spendBySession('s', { ...reading, name: 'writing' }))).toBe('passed')
  })

  test.each([2, 5, 10])('%i processes at once: the quota, and a twentieth for each', async (count) => {
    const memory = memoryStore()
    memory.state.delay = 2
    const all = Array.from({ length: count }, () => processOn(memory))
    const passed = await Promise.all(
      all.map(async (leases) => {
        const outcomes = await Promise.all(
          Array.from({ length: 300 }, () => outcome(() => leases.spendBySession('s', reading))),
        )
        return outcomes.filter((one) => one === 'passed').length
      }),
    )
    const sum = passed.reduce((total, one) => total + one, 0)
    expect(sum).toBeGreaterThanOrEqual(200)
    expect(sum).toBeLessThanOrEqual(200 + count * 10)
  })

  test('what was let through too much has to come back first: over ten windows it is the quota', async () => {
    const memory = memoryStore()
    const all = Array.from({ length: 4 }, () => processOn(memory))
    let passed = 0
    for (let second = 0; second < 600; second++) {
      memory.state.now += 1000
      for (const leases of all) passed += await spendMany(5, () => leases.spendBySession('s', reading))
    }
    expect(passed).toBeGreaterThan(1990)
    expect(passed).toBeLessThanOrEqual(200 + 2000 + 4 * 10)
  }, 60_000)

  test('a flood of 400,000 sessions takes bounded memory', async () => {
    const memory = memoryStore()
    const leases = processOn(memory, { most: 1000 })
    for (let index = 0; index < 2000; index++) leases.spendBySession(`s${index}`, reading)
    await settled()
    const before = heldBytes()
    for (let index = 2000; index < 400_000; index++) {
      leases.spendBySession(`s${index}`, reading)
      if (index % 500 === 0) await new Promise(setImmediate)
    }
    await new Promise((resolve) => setTimeout(resolve, 2500))
    // The counter's, not ours.
    memory.restored.clear()
    expect(heldBytes() - before).toBeLessThan(50_000_000)
  }, 60_000)
})

describe('by organisation', () => {
  const member = { session: 'm', organisation: 'kelpworks' }
  const entered = async () => 'rows'
  const refusedEntry = () => Promise.reject(Object.assign(new Error('no seat'), { code: 'HF404' }))

  test('ten times the quota of one person, whoever of its members asks', async () => {
    const leases = processOn(memoryStore())
    const sessions = Array.from({ length: 30 }, (_, index) => `m${index}`)
    let passed = 0
    for (let round = 0; round < 100; round++)
      for (const session of sessions)
        if ((await outcome(() => leases.spendByOrganisation({ ...member, session }, reading, entered))) === 'passed')
          passed++
    expect(passed).toBeGreaterThanOrEqual(2000)
    expect(passed).toBeLessThanOrEqual(2000 + 100 + 30)
  })

  test('a stranger spends nothing of it, however often he names it, and is told nothing of it', async () => {
    const memory = memoryStore()
    const leases = processOn(memory)
    const stranger = { ...member, session: 'stranger' }
    for (let index = 0; index < 5000; index++)
      await expect(leases.spendByOrganisation(stranger, reading, refusedEntry)).rejects.toThrow('no seat')
    await settled()
    expect([...memory.restored.keys()]).toEqual([])
    expect(await leases.spendByOrganisation(member, reading, entered)).toBe('rows')
    expect(await spendMany(3000, () => leases.spendByOrganisation(member, reading, entered))).toBeLessThan(2200)
    await expect(leases.spendByOrganisation(stranger, reading, refusedEntry)).rejects.toThrow('no seat')
  })

  test('whoever was a member is a stranger from the first refusal on', async () => {
    const memory = memoryStore()
    const leases = processOn(memory)
    await leases.spendByOrganisation(member, reading, entered)
    for (let index = 0; index < 500; index++)
      await expect(leases.spendByOrganisation(member, reading, refusedEntry)).rejects.toThrow('no seat')
    await leases.stop()
    // The one that entered, and the one that found out.
    expect(memory.restored.get('reading-organisation organisation kelpworks')).toBe(2 * (60_000 / 2000))
  })

  test('one organisation that is spent leaves others alone', async () => {
    const leases = processOn(memoryStore())
    await spendMany(3000, () => leases.spendByOrganisation(member, reading, entered))
    expect(await outcome(() => leases.spendByOrganisation(member, reading, entered))).toBe(429)
    const other = { session: 'o', organisation: 'slate' }
    for (let index = 0; index < 50; index++)
      expect(await outcome(() => leases.spendByOrganisation(other, reading, entered))).toBe('passed')
  })
})

describe('the counter is lost', () => {
  test('the lease that is held is spent, then 503 that says when, and the log hears of it once', async () => {
    const memory = memoryStore()
    const told: unknown[] = []
    const leases = processOn(memory, { log: (error) => told.push(error) })
    memory.state.fault = new Error('lost')
    const outcomes: unknown[] = []
    for (let index = 0; index < 40; index++) outcomes.push(await outcome(() => leases.spendBySession('s', reading)))
    expect(outcomes.filter((one) => one === 'passed').length).toBe(10)
    expect(outcomes.filter((one) => one === 503).length).toBe(30)
    const refused = (await leases.spendBySession('s', reading)?.catch((error) => error)) as Refusal
    expect(refused.headers['retry-after']).toBe('2')
    expect(told.length).toBe(1)
    // It comes back, and what was spent meanwhile counts.
    memory.state.fault = undefined
    const passed = await spendMany(500, () => leases.spendBySession('s', reading))
    expect(10 + passed).toBeLessThanOrEqual(210)
    expect(passed).toBeGreaterThan(180)
  })

  test('killed in the middle of a burst: nobody waits for ever, nobody is let through for nothing', async () => {
    const memory = memoryStore()
    memory.state.delay = 5
    const leases = processOn(memory)
    setTimeout(() => {
      memory.state.fault = new Error('killed')
    }, 12)
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, () => outcome(() => leases.spendBySession('s', { ...reading, quota: 2000 }))),
    )
    expect(outcomes.every((one) => one === 'passed' || one === 503)).toBe(true)
    expect(outcomes).toContain(503)
  })

  test('persons cannot be told: sessions are counted, and the person as soon as it is known', async () => {
    const memory = memoryStore()
    let isDown = true
    const leases = createLeases({
      store: memory.store,
      personsOf: async (sessions) => {
        if (isDown) throw new Error('the database is away')
        return sessions.map((family) => ({ family, person: 'ada' }))
      },
      log: () => {},
    })
    running.push(leases)
    expect(await spendMany(400, () => leases.spendBySession('s', reading))).toBeLessThanOrEqual(215)
    isDown = false
    await new Promise((resolve) => setTimeout(resolve, 1200))
    await outcome(() => leases.spendBySession('s', reading))
    await leases.stop()
    expect([...memory.restored.keys()]).toContain('reading-person person ada')
  })
})
