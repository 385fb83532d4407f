import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { cliff, compareTimes, expectAlike, isTelling, samples, warmUp } from '../../../test/world/telling.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { addressKey, findCredential, type Passwords } from './accounts.ts'
import { askReset } from './password-changes.ts'
import { signUp } from './sign-up.ts'

/*
 * Whether the time of an answer tells that an address has an account. The hash itself, which is computed once for every address, is
 * measured beside it (passwords.test.ts): here it costs nothing, so that nothing hides behind it. Signing in is measured where it
 * is put together (sign-in/telling.test.ts).
 */

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
  compare: async () => ({ matches: false }),
  matches: async () => false,
  refuseWeak: () => {},
}
const site = { title: 'Tideline', origin: 'https://crm.example' }

describe('the time of an answer does not tell whether the address has an account', () => {
  test('at sign-up', async () => {
    const identity = world.foundation.logins.identity
    await expectAlike(() => {
      hashes = 0
      return measure((address) =>
        signUp({ identity, passwords: free, site }, { name: 'Ada', address, password: 'three blue whales dance' }),
      )
    })
    expect(hashes).toBe(2 * samples + 2 * warmUp)
  }, 120_000)

  test('at a reset', async () => {
    const identity = world.foundation.logins.identity
    await expectAlike(() => measure((address) => askReset({ identity, site }, address)))
  }, 120_000)

  test('and this measurement would see it: an early return where there is no account is told', async () => {
    const identity = world.foundation.logins.identity
    const early = async (address: string) => {
      if ((await findCredential(identity, address)) === undefined) return
      await askReset({ identity, site }, address)
    }
    const found = await measure(early)
    expect(isTelling(found), JSON.stringify(found)).toBe(true)
    await expect(expectAlike(async () => found)).rejects.toThrow(/time tells/)
  }, 60_000)

  test('and so would the statistic: the same twice is alike, and one step apart is not', async () => {
    const steps = Array.from({ length: 200 }, (_, at) => at)
    const later = steps.map((step) => step + 200)
    expect([cliff(steps, steps), cliff(later, steps), cliff(steps, later)]).toEqual([0, 1, -1])
    const rounds = (...deltas: number[]) => expectAlike(async () => ({ delta: deltas.shift()!, apart: 400 }))
    await expect(rounds(0.2, 0.3, 0.2)).rejects.toThrow(/time tells/)
    await rounds(0.2, 0.1)
    await rounds(0.2, -0.2)
  })
})

/** A known address and unknown ones, as long as that, so that no length tells them apart. */
async function measure(run: (address: string) => Promise<unknown>) {
  const { address: known } = await world.join()
  return compareTimes({
    one: () => run(known),
    other: () => run(strangeAs(known)),
    between: () => clear(known),
  })
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
