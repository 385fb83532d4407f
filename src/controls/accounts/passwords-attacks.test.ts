import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { sql } from '../../platform/database/statement.ts'
import { createPasswords, openPasswords, renewHash } from './passwords.ts'
import { PeppersMissing, pepperId } from './passwords-peppers.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

/** The pepper of the world itself. */
const first = Buffer.alloc(32, 7)
const second = createHash('sha256').update('another pepper').digest()
const under = (pepper: Uint8Array) => createPasswords({ pepper, cost: 12, service: [] })
const identity = () => world.foundation.logins.identity

const storedOf = async ({ person }: Visitor) =>
  (await world.superuser('select password_hash from holdfast.account where person_id = $1', [person]))[0]!
    .password_hash as string
const store = ({ person }: Visitor, hash: string) =>
  world.superuser('update holdfast.account set password_hash = $2 where person_id = $1', [person, hash])
const signIn = (
  { handle }: { handle: World['foundation']['handle'] },
  { address, password }: { address: string; password: string },
) =>
  handle(
    new Request(`${world.origin}/api/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: world.origin, 'sec-fetch-site': 'same-origin' },
      body: JSON.stringify({ address, password }),
    }),
    '127.0.0.1',
  )

describe('a pepper that is rotated', () => {
  test('is renewed by signing in, and by nothing else, and two at once leave one hash that fits', async () => {
    const [comes, stays] = [await world.join(), await world.join()]
    const twin = await world.twin({ pepper: second, olderPeppers: [first] })
    try {
      expect((await signIn(twin, { ...comes, password: 'not the password of anybody' })).status).toBe(401)
      expect(await storedOf(comes)).toMatch(`${pepperId(first)}$`)
      const answers = await Promise.all([signIn(twin, comes), signIn(twin, comes)])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const renewed = await storedOf(comes)
      expect(renewed.slice(0, 8)).toBe(pepperId(second))
      expect(await under(second).compare(comes.password, renewed)).toEqual({ matches: true })
      expect((await signIn(twin, comes)).status).toBe(200)
      expect(await storedOf(comes)).toBe(renewed)
      expect(await storedOf(stays)).toMatch(`${pepperId(first)}$`)
      // The session of before goes on: it is the same password.
      expect((await world.fetch('/api/me', { cookie: comes.cookie })).status).toBe(200)

      const counted = await twin.logins.auditor.query(
        sql<{ pepper: string; accounts: string }>`select pepper, accounts from holdfast.password_peppers()`,
      )
      expect(Object.fromEntries(counted.map(({ pepper, accounts }) => [pepper, Number(accounts)]))).toMatchObject({
        [pepperId(second)]: 1,
      })
      await store(comes, await under(first).hash(comes.password))
    } finally {
      await twin.stop()
    }
  }, 120_000)

  test('starts nothing without the pepper that passwords are under, and names it and the remedy, not the pepper', async () => {
    const { person } = await world.join()
    const start = world.twin({ pepper: second })
    await expect(start).rejects.toThrow(pepperId(first))
    await expect(start).rejects.toThrow('HOLDFAST_RETIRED_PEPPERS')
    const { message } = (await start.catch((error) => error)) as Error
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(message).not.toContain(first.toString(encoding).slice(0, 8))
    expect(person).toBeDefined()
  }, 60_000)

  test('that is retired lets nobody in who still has it, and answers them like nobody', async () => {
    const visitor = await world.join()
    const twin = await world.twin({ pepper: second, retiredPeppers: [pepperId(first)] })
    try {
      const [theirs, nobodys] = [
        await signIn(twin, visitor),
        await signIn(twin, { address: 'nobody-here@example.com', password: visitor.password }),
      ]
      expect([theirs.status, nobodys.status]).toEqual([401, 401])
      const bodyOf = async (answer: Response) => ({ ...((await answer.json()) as object), requestId: '' })
      expect(await bodyOf(theirs)).toEqual(await bodyOf(nobodys))
      expect(await storedOf(visitor)).toMatch(`${pepperId(first)}$`)
    } finally {
      await twin.stop()
    }
    expect((await signIn(world.foundation, visitor)).status).toBe(200)
  }, 60_000)

  test('never overwrites a password that was changed while the old one was compared', async () => {
    const visitor = await world.join()
    const old = await storedOf(visitor)
    const changed = await under(first).hash('five red herons wade')
    await store(visitor, changed)
    await renewHash(identity(), visitor.person, old, await under(second).hash(visitor.password))
    expect(await storedOf(visitor)).toBe(changed)
  }, 60_000)
})

test('hashes from before peppers had ids get the oldest, once', async () => {
  const visitor = await world.join()
  const hash = await storedOf(visitor)
  await store(visitor, `00000000${hash.slice(8)}`)
  await openPasswords(identity(), { pepper: second, olderPeppers: [first], cost: 12, service: [] })
  expect(await storedOf(visitor)).toBe(hash)
  expect((await signIn(world.foundation, visitor)).status).toBe(200)
}, 60_000)

test('a start asks for no less than the cost that is stored already', async () => {
  const visitor = await world.join()
  const hash = await storedOf(visitor)
  await store(visitor, await createPasswords({ pepper: first, cost: 13, service: [] }).hash(visitor.password))
  const opened = await openPasswords(identity(), { pepper: first, cost: 12, service: [] })
  expect((await opened.hash('three blue whales dance')).slice(8, 15)).toMatch(/^\$2[aby]\$13\$$/)
  await store(visitor, hash)
}, 60_000)

describe('the database', () => {
  let visitor: Visitor
  beforeAll(async () => {
    visitor = await world.join()
  }, 60_000)
  const good = '$2b$12$abcdefghijklmnopqrstuuOFY6LXUzkm3nBYcLEpJ7XRqcKWXlMFa'

  test.each([
    'three blue whales dance',
    good,
    `0123abcd${good.replace('$12$', '$11$')}`,
    `0123abcd${good.replace('$12$', '$04$')}`,
    `0123abcd${good.slice(0, -1)}`,
    `0123abcd${good}x`,
    `0123abcd${good}\nthree blue whales dance`,
    `0123ABCD${good}`,
    `x0123abcd${good}`,
    `0123abcd$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA`,
    createHash('sha384').update('three blue whales dance').digest('hex'),
    '',
  ])('takes no password that is no such hash, whatever the identity role sends: %j', async (hash) => {
    const stored = await storedOf(visitor)
    await expect(renewHash(identity(), visitor.person, stored, hash)).rejects.toMatchObject({ code: '23514' })
    expect(await storedOf(visitor)).toBe(stored)
  })

  test('renews for the identity role alone, and shows the peppers to the auditor alone', async () => {
    const { app, worker, auditor, jobs } = world.foundation.logins
    const renew = sql`select holdfast.renew_password_hash(${randomUUID()}, 'x', 'y')`
    const settle = sql`select holdfast.settle_peppers('0123abcd')`
    for (const login of [app, worker, auditor, jobs])
      for (const statement of [renew, settle])
        await expect(login.query(statement)).rejects.toMatchObject({ code: '42501' })
    for (const login of [app, worker, jobs, identity()])
      await expect(login.query(sql`select * from holdfast.password_peppers()`)).rejects.toMatchObject({ code: '42501' })
  })

  test('shows nothing of a password that stands in it as it was typed', async () => {
    const stored = await storedOf(visitor)
    await world.superuser('alter table holdfast.account drop constraint account_password_is_hashed')
    try {
      await store(visitor, 'hunter2hunter2hunter2')
      const seen = JSON.stringify(
        await world.superuser('select * from holdfast.password_peppers(), holdfast.password_shapes()'),
      )
      expect(seen).toContain('something else')
      expect(seen).not.toContain('hunter')
      const open = openPasswords(identity(), { pepper: first, cost: 12, service: [] })
      await expect(open).rejects.toThrow('no hash')
      await expect(open).rejects.not.toThrow(PeppersMissing)
      expect(String(await open.catch((error) => error))).not.toContain('hunter')
    } finally {
      await store(visitor, stored)
      await world.superuser(
        `alter table holdfast.account add constraint account_password_is_hashed
           check (password_hash ~ '^[0-9a-f]{8}\\$2[aby]\\$(1[2-9]|2[0-9]|3[01])\\$[./A-Za-z0-9]{53}$')`,
      )
    }
  })
})
