import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { addressKey, findCredential, type Passwords } from './accounts.ts'
import { askReset } from './password-changes.ts'
import { signUp } from './sign-up.ts'

/*
 * Whether the time of an answer tells that an address has an account, as a question of effect size: a difference is significant
 * with enough samples whatever its cause, and useful to nobody where it is this small. Samples are taken in turns, in random order, so
 * that what else this machine does falls on both alike. The hash itself, which is computed once for every address, is measured
 * beside it (passwords.test.ts): here it costs nothing, so that nothing hides behind it.
 */

/** Of each kind. */
const samples = 1000
/** Cliff's delta below which Romano and others (2006) call an effect negligible. */
const negligible = 0.147
/** And what no network lets through, should the distributions differ in shape. */
const plainMicroseconds = 150

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

let hashes = 0
const free: Passwords = {
  hash: async () => {
    hashes++
    return `0123abcd$2b$12$${'a'.repeat(53)}`
  },
  compare: async () => {
    hashes++
    return { matches: false }
  },
  matches: async () => {
    hashes++
    return false
  },
  refuseWeak: () => {},
}
const site = { title: 'Tideline', origin: 'https://crm.example' }

describe('the time of an answer does not tell whether the address has an account', () => {
  test('at sign-up', async () => {
    const identity = world.foundation.logins.identity
    const found = await measure((address) =>
      signUp({ identity, passwords: free, site }, { name: 'Ada', address, password: 'three blue whales dance' }),
    )
    expectAlike(found)
    expect(hashes).toBe(2 * samples + 2 * warmUp)
  }, 60_000)

  test('at a reset', async () => {
    const identity = world.foundation.logins.identity
    expectAlike(await measure((address) => askReset({ identity, site }, address)))
  }, 60_000)

  test('at sign-in, around the one hash that every attempt costs', async () => {
    const identity = world.foundation.logins.identity
    hashes = 0
    const found = await measure(async (address) => {
      const credential = await findCredential(identity, address)
      await free.compare('not the password of anybody', credential?.hashed)
    })
    expectAlike(found)
    expect(hashes).toBe(2 * samples + 2 * warmUp)
  }, 60_000)

  test('and this measurement would see it: an early return where there is no account is told', async () => {
    const identity = world.foundation.logins.identity
    const early = async (address: string) => {
      if ((await findCredential(identity, address)) === undefined) return
      await askReset({ identity, site }, address)
    }
    const found = await measure(early)
    expect(Math.abs(found.delta)).toBeGreaterThan(negligible)
    expect(() => expectAlike(found)).toThrow(/delta/)
  }, 60_000)

  test('and so would the statistic: the same twice is alike, and one step apart is not', () => {
    const steps = Array.from({ length: 200 }, (_, at) => at)
    expect(cliff(steps, steps)).toBe(0)
    expect(
      cliff(
        steps.map((step) => step + 200),
        steps,
      ),
    ).toBe(1)
    expect(() => expectAlike({ delta: 0.9, apart: 400 })).toThrow(/delta/)
  })
})

/** Either the effect is negligible, or it is too small to be seen from outside. */
function expectAlike({ delta, apart }: { delta: number; apart: number }): void {
  const isAlike = Math.abs(delta) < negligible || apart < plainMicroseconds
  expect(isAlike, `Cliff's delta ${delta.toFixed(3)}, medians ${apart.toFixed(0)} µs apart`).toBe(true)
}

const warmUp = 50

/** Both kinds in turns; `apart`: the medians' distance in microseconds. */
async function measure(run: (address: string) => Promise<unknown>): Promise<{ delta: number; apart: number }> {
  const { address: known } = await world.join()
  const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] }
  for (let at = -warmUp; at < samples; at++) {
    const kinds = Math.random() < 0.5 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    for (const kind of kinds) {
      // As long as the known one, so that no length tells them apart.
      const address = kind === 'known' ? known : strangeAs(known)
      const started = process.hrtime.bigint()
      await run(address)
      if (at >= 0) times[kind].push(Number(process.hrtime.bigint() - started) / 1000)
    }
    if (at % 100 === 0) await clear(known)
  }
  await clear(known)
  return { delta: cliff(times.known, times.unknown), apart: Math.abs(median(times.known) - median(times.unknown)) }
}

/** What was asked for does not pile up for one address: no owner has hundreds of requests in an hour, which the limits see to. */
async function clear(known: string): Promise<void> {
  await world.superuser(`delete from holdfast.mail_request`)
  await world.superuser(`delete from holdfast.pending_sign_up where address_key = $1`, [addressKey(known)])
}

function strangeAs(known: string): string {
  const [local = '', domain = ''] = known.split('@')
  const letters = Array.from({ length: local.length - 1 }, () => Math.floor(Math.random() * 16).toString(16))
  return `q${letters.join('')}@${domain}`
}

/** Cliff's delta: how much more often a value of `ones` lies above one of `others` than below it. */
function cliff(ones: readonly number[], others: readonly number[]): number {
  const sorted = others.toSorted((one, other) => one - other)
  let sum = 0
  for (const one of ones) sum += below(sorted, one, false) - (sorted.length - below(sorted, one, true))
  return sum / (ones.length * others.length)
}

/** How many of `sorted` are below `value`, or below and equal. */
function below(sorted: readonly number[], value: number, equal: boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value || (equal && sorted[middle] === value)) low = middle + 1
    else high = middle
  }
  return low
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1]!
}
