import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { Login } from '../../platform/database/login.ts'
import { loginOptions } from '../tenant-isolation/tenant-isolation.ts'
import { type Authenticator, createDevices, createFailures, type Failures } from './failures.ts'

let world: World
let logins: Login[]
let failures: Failures
let other: Failures
const key = randomBytes(32)

beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  const options = loginOptions('identity', world.database, { password: 'test-identity', most: 8 })
  logins = [new Login(options), new Login(options)]
  ;[failures, other] = logins.map((identity) => createFailures({ identity, key })) as [Failures, Failures]
}, 120_000)
afterAll(async () => {
  for (const login of logins) await login.close()
  await world?.stop()
})

const stranger = (subject: string) => ({ subject, authenticator: 'password' as Authenticator, isKnown: false })
const wrong = async () => undefined
const right = async () => 'right'

async function fail(count: number, what: Parameters<Failures['attempt']>[0]): Promise<void> {
  for (let index = 0; index < count; index++) await failures.attempt(what, wrong)
}

describe('a password', () => {
  test('is disabled for strangers after 90 failures in a row, says so once, and then not even the right one helps', async () => {
    const subject = crypto.randomUUID()
    await fail(89, stranger(subject))
    expect(await failures.isDisabled(subject, 'password', false)).toBe(false)
    expect(await failures.attempt(stranger(subject), wrong)).toEqual({
      right: undefined,
      disabledNow: true,
      disabled: false,
    })
    expect(await failures.isDisabled(subject, 'password', false)).toBe(true)
    for (const run of [wrong, right])
      expect(await failures.attempt(stranger(subject), run)).toEqual({
        right: undefined,
        disabledNow: false,
        disabled: true,
      })
  })

  test('opens all the while for a browser that its owner has used, which clears the strangers’ failures', async () => {
    const subject = crypto.randomUUID()
    await fail(95, stranger(subject))
    expect(await failures.attempt({ ...stranger(subject), isKnown: true }, right)).toMatchObject({ right: 'right' })
    expect(await failures.attempt(stranger(subject), right)).toMatchObject({ right: 'right' })
  })

  test('takes ten failures from such browsers: 100 in all, and then none anywhere', async () => {
    const subject = crypto.randomUUID()
    const known = { ...stranger(subject), isKnown: true }
    await fail(90, stranger(subject))
    await fail(9, known)
    expect(await failures.attempt(known, wrong)).toMatchObject({ disabledNow: true })
    expect(await failures.attempt(known, right)).toMatchObject({ right: undefined, disabled: true })
    expect(await failures.attempt(stranger(subject), right)).toMatchObject({ right: undefined, disabled: true })
    const [row] = await world.superuser('select strangers + known as sum from holdfast.failures where subject = $1', [
      subject,
    ])
    expect(row!.sum).toBe(100)
  })

  test('bound anew it opens at once', async () => {
    const subject = crypto.randomUUID()
    await fail(90, stranger(subject))
    await failures.clear(subject, 'password')
    expect(await failures.attempt(stranger(subject), right)).toMatchObject({ right: 'right' })
  })

  test('a success sets the count to zero, and nothing else does', async () => {
    const subject = crypto.randomUUID()
    await fail(89, stranger(subject))
    await world.superuser('select holdfast.sweep_limits()')
    expect(await failures.attempt(stranger(subject), right)).toMatchObject({ right: 'right' })
    await fail(89, stranger(subject))
    expect(await failures.isDisabled(subject, 'password', false)).toBe(false)
    await fail(1, stranger(subject))
    expect(await failures.isDisabled(subject, 'password', false)).toBe(true)
  })

  test('a person’s failures are kept for ever, those of nobody for a day', async () => {
    const { person } = await world.join()
    const nobody = failures.subjectOf(undefined, 'nobody@example.com')
    await fail(3, stranger(person))
    await fail(3, stranger(nobody))
    await world.superuser(
      `update holdfast.failures set last_at = last_at - interval '400 days' where subject in ($1, $2)`,
      [person, nobody],
    )
    await world.superuser('select holdfast.sweep_limits()')
    const rows = await world.superuser('select subject, strangers from holdfast.failures where subject in ($1, $2)', [
      person,
      nobody,
    ])
    expect(rows).toEqual([{ subject: person, strangers: 3 }])
  })
})

test.each<Authenticator>(['totp', 'recovery-code'])(
  '%s: 100 in a row, and then it is not even tried',
  async (authenticator) => {
    const what = { subject: crypto.randomUUID(), authenticator, isKnown: false }
    await fail(50, what)
    await fail(49, { ...what, isKnown: true })
    expect(await failures.attempt(what, wrong)).toMatchObject({ disabledNow: true })
    let tried = false
    const run = async () => {
      tried = true
      return 'right'
    }
    for (const isKnown of [false, true])
      expect(await failures.attempt({ ...what, isKnown }, run)).toEqual({
        right: undefined,
        disabledNow: false,
        disabled: true,
      })
    expect(tried).toBe(false)
    expect(await failures.attempt({ ...what, authenticator: 'password' }, right)).toMatchObject({ right: 'right' })
  },
)

test('200 guesses at once in two processes: 90 are tried, and exactly one is the one that disables', async () => {
  const subject = crypto.randomUUID()
  const all = await Promise.all(
    Array.from({ length: 200 }, (_, index) => (index % 2 ? failures : other).attempt(stranger(subject), wrong)),
  )
  expect(all.filter(({ disabled }) => !disabled).length).toBe(90)
  expect(all.filter(({ disabledNow }) => disabledNow).length).toBe(1)
})

test('an attempt that could not be made was none', async () => {
  const subject = crypto.randomUUID()
  await fail(5, stranger(subject))
  for (let index = 0; index < 200; index++)
    await expect(failures.attempt(stranger(subject), () => Promise.reject(new Error('busy')))).rejects.toThrow('busy')
  const [row] = await world.superuser('select strangers from holdfast.failures where subject = $1', [subject])
  expect(row!.strangers).toBe(5)
})

test('an address without an account is counted just so, under an id that is no person’s', () => {
  const nobody = failures.subjectOf(undefined, 'nobody@example.com')
  expect(nobody).toBe(other.subjectOf(undefined, 'nobody@example.com'))
  expect(nobody).not.toBe(failures.subjectOf(undefined, 'nobody2@example.com'))
  expect(nobody).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(nobody).not.toBe(
    createFailures({ identity: logins[0]!, key: randomBytes(32) }).subjectOf(undefined, 'nobody@example.com'),
  )
  expect(failures.subjectOf('a-person', 'nobody@example.com')).toBe('a-person')
})

describe('device cookies', () => {
  const devices = createDevices({ product: 'crm', https: true, key })
  const [ada, ben] = [crypto.randomUUID(), crypto.randomUUID()]
  const carried = (...set: string[]) => set.map((one) => one.split(';')[0]).join('; ')

  test('a browser that signed in is known for that account, and for no other', () => {
    const set = devices.remember(null, ada)
    expect(set).toMatch(/^__Host-crm-device=[\w.~-]+; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    const id = devices.known(carried(set), ada)
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(devices.known(`a=b; ${carried(set)}; c=d`, ada)).toBe(id)
    expect(devices.known(carried(set), ben)).toBeUndefined()
    expect(devices.known(null, ada)).toBeUndefined()
    // The next sign-in keeps its id: signing in again opens no new bucket.
    expect(devices.known(carried(devices.remember(carried(set), ada)), ada)).toBe(id)
  })

  test('it keeps four accounts, the newest first', () => {
    const people = Array.from({ length: 6 }, () => crypto.randomUUID())
    let header: string | null = null
    for (const person of people) header = carried(devices.remember(header, person))
    expect(people.map((person) => devices.known(header, person) !== undefined)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ])
  })

  test('nobody makes one up: cut, changed, from another product, key or name, twice, or plainly hostile', () => {
    const set = carried(devices.remember(null, ada))
    const [name, value] = set.split('=') as [string, string]
    const elsewhere = createDevices({ product: 'study', https: true, key })
      .remember(null, ada)
      .split(';')[0]!
      .split('=')[1]
    const otherKey = carried(createDevices({ product: 'crm', https: true, key: randomBytes(32) }).remember(null, ada))
    const flipped = `${name}=${value.slice(0, -2)}${value.at(-2) === 'A' ? 'B' : 'A'}${value.at(-1)}`
    const hostile = [
      '',
      '.',
      '~~~~',
      '~'.repeat(100_000),
      value.toUpperCase(),
      `${value}.`,
      'a'.repeat(1_000_000),
      '{}',
      '%00',
    ]
    const all = [
      set.slice(0, -1),
      flipped,
      `${name}=${elsewhere}`,
      otherKey,
      `x${set}`,
      `${set}; ${set}`,
      `crm-device=${value}`,
    ]
    for (const header of [...all, ...hostile.map((one) => `${name}=${one}`)])
      expect(devices.known(header, ada), header.slice(0, 60)).toBeUndefined()
    const swapped = carried(devices.remember(null, ben)).split('=')[1]!.split('.')
    expect(devices.known(`${name}=${value.split('.')[0]}.${swapped[1]}`, ben)).toBeUndefined()
  })
})
