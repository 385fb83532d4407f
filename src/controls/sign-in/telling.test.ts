import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { compareTimes, expectAlike, isTelling } from '../../../test/world/telling.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { addressKey, findCredential, type Passwords } from '../accounts/accounts.ts'
import { createDecisions } from '../rate-limits/decisions.ts'
import { createDevices, createFailures } from '../rate-limits/failures.ts'
import { postgresqlStore } from '../rate-limits/store.ts'
import { oneAccount, type SignInParts, signIn } from './sign-in.ts'

/*
 * Whether the time of a failed sign-in tells that an address has an account: the whole of it, with the real counters and devices, in
 * each state an account can be in. The hash costs nothing here, so that nothing hides behind it. Both addresses fail equally often:
 * in each hundred the ninetieth disables, and the last ten find the password disabled.
 */

let world: World
let parts: SignInParts
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  const { identity, worker } = world.foundation.logins
  const decide = createDecisions(postgresqlStore(worker))
  parts = {
    identity,
    passwords: { compare: async () => ({ matches: false }) } as unknown as Passwords,
    // One quota for all samples; each is still taken in the counter.
    decide: (key, limit) => decide(key, { ...limit, quota: 1_000_000 }),
    failures: createFailures({ identity, key: randomBytes(32) }),
    devices,
    site: { title: 'Tideline', origin: 'https://crm.example' },
    // A failed sign-in reaches neither.
    sessions: undefined as never,
    twoFactor: undefined as never,
  }
}, 120_000)
afterAll(() => world?.stop())

const devices = createDevices({ product: 'crm', https: false, key: randomBytes(32) })
const proof = (address: string) => devices.remember(null, addressKey(address)).split(';')[0]!
const forged = `${'0'.repeat(32)}.${'A'.repeat(43)}`

const fail = async (address: string, cookies: string | null) => {
  const from = { userAgent: 'x', address: '192.0.2.1', cookies }
  await expect(signIn(parts, { address, password: 'wrong', client: 'c', from })).rejects.toThrow()
}

async function pair(): Promise<{ known: string; unknown: string; person: string }> {
  const { address: known, person } = await world.join()
  return { known, unknown: `q${known.slice(1)}`, person }
}

const clear = () => world.superuser(`delete from holdfast.failures`)

describe('the time of a failed sign-in does not tell whether the address has an account', () => {
  test.each([
    ['from a browser that has never been here', () => null],
    [
      'from one with a proof that somebody made up, and one for another account',
      () => `${proof('somebody@example.com')}~${forged}`,
    ],
  ])(
    '%s',
    async (_, cookies) => {
      await expectAlike(async () => {
        const { known, unknown } = await pair()
        return compareTimes({
          one: () => fail(known, cookies()),
          other: () => fail(unknown, cookies()),
          between: clear,
        })
      })
    },
    120_000,
  )

  test('nor that its password is void, or the account closed', async () => {
    await expectAlike(async () => {
      const { known, unknown, person } = await pair()
      await world.superuser(`update holdfast.account set void_at = now() where person_id = $1`, [person])
      await world.superuser(`update holdfast.person set disabled_at = now() where id = $1`, [person])
      return compareTimes({ one: () => fail(known, null), other: () => fail(unknown, null), between: clear })
    })
  }, 120_000)

  test('and this measurement would see it: where nobody’s address is not counted, that is told', async () => {
    const { known, unknown } = await pair()
    const early = async (address: string) => {
      if ((await findCredential(parts.identity, address)) !== undefined) return fail(address, null)
      await parts.decide(`sign-in ${addressKey(address)}`, oneAccount)
    }
    const found = await compareTimes({ one: () => early(known), other: () => early(unknown), between: clear })
    expect(isTelling(found), JSON.stringify(found)).toBe(true)
  }, 60_000)
})
