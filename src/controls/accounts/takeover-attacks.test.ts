import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type Visitor, type World } from '../../../test/world/world.ts'

/*
 * Who has somebody's mailbox, or session, for a minute, or nothing but the address: what of an account they get, keep, or take
 * from its owner.
 */

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

let count = 0
const freshAddress = () => `taker${++count}@example.com`
const next = 'four green turtles sing'
const third = 'nine slow herons wait'

const post = (path: string, body: unknown, cookie?: string) =>
  world.fetch(path, { method: 'POST', body, ...(cookie === undefined ? {} : { cookie }) })
const signIn = (address: string, password: string) => post('/api/sign-in', { address, password })
const came = async (answer: Response) => ((await answer.json()) as { came?: string; code?: string }).came
const codeOf = async (answer: Response) => ((await answer.json()) as { code?: string }).code
const mailsTo = (address: string) => world.mails.filter(({ to }) => to === address)
const token = (address: string, page: string) => mailedToken(world.mails, address, new RegExp(`/${page}#([\\w-]+)`))

/** The link of the newest of at least so many mails whose subject says this. */
async function linkOf(address: string, subject: RegExp, page: string, atLeast = 1): Promise<string> {
  const those = () => mailsTo(address).filter((mail) => subject.test(mail.subject))
  await expect.poll(() => those().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(atLeast)
  return token(address, page)
}

const undoLink = (address: string) => linkOf(address, / was changed$/, 'stop-address')

async function resetByMail(address: string, password: string): Promise<void> {
  const before = mailsTo(address).filter(({ subject }) => /^Choose/.test(subject)).length
  expect((await post('/api/reset', { address })).status).toBe(202)
  const link = await linkOf(address, /^Choose/, 'new-password', before + 1)
  expect((await post('/api/reset/finish', { token: link, password })).status).toBe(200)
}

/** As if an authenticator app had been set up that long ago. */
async function hasApp(person: string, ago = '0'): Promise<void> {
  await world.superuser(
    `insert into holdfast.totp (person_id, sealed, last_step, enrolled_at)
       values ($1, 'hf1.' || repeat('a', 8) || '.' || repeat('b', 16) || '.' || repeat('c', 48), 1, now() - $2::interval)`,
    [person, ago],
  )
  await world.superuser(`select holdfast.want_assurance($1, 2::smallint)`, [person])
  await world.superuser(`update holdfast.person set wanted_since = now() - $2::interval where id = $1`, [person, ago])
  await world.superuser(`update holdfast.pass set assurance = 2 where person_id = $1`, [person])
}

const factors = async (person: string) => {
  const [row] = await world.superuser(
    `select holdfast.factor_count($1) as factors, wanted_assurance as wanted from holdfast.person where id = $1`,
    [person],
  )
  return row
}

const moveTo = async (visitor: Visitor, address: string) => {
  const answer = await post('/api/account/address', { address }, visitor.cookie)
  return ((await answer.json()) as { waitsFor?: string }).waitsFor
}

/** Moved with the yes of the new address alone: for whoever has had a second factor for long. */
async function moved(visitor: Visitor, wanted: string): Promise<void> {
  expect(await moveTo(visitor, wanted)).toBe('new')
  const link = await token(wanted, 'confirm-address')
  expect(await came(await post('/api/address/confirm', { token: link }, visitor.cookie))).toBe('changed')
}

describe('with a session for a minute', () => {
  test('a second factor of one’s own does not stand for the old mailbox', async () => {
    const visitor = await world.join()
    await hasApp(visitor.person, '6 days 23 hours')
    expect(await moveTo(visitor, freshAddress())).toBe('both')
  })

  test('a factor that was there for long does not lend its age to one that came after it went', async () => {
    const visitor = await world.join()
    await hasApp(visitor.person, '30 days')
    await world.superuser(`select holdfast.want_assurance($1, 1::smallint)`, [visitor.person])
    await world.superuser(`select holdfast.want_assurance($1, 2::smallint)`, [visitor.person])
    expect(await moveTo(visitor, freshAddress())).toBe('both')
  })

  test('whoever moved an account and set up a factor loses both when the change is undone', async () => {
    const visitor = await world.join()
    await hasApp(visitor.person, '30 days')
    await world.superuser(
      `insert into holdfast.passkey (id, person_id, public_key, sign_count, transports, backed_up, name)
         values ($1, $2, $3, 0, '', false, 'thief')`,
      [randomBytes(32), visitor.person, randomBytes(64)],
    )
    const wanted = freshAddress()
    await moved(visitor, wanted)
    const undo = await undoLink(visitor.address)
    expect(await came(await post('/api/address/cancel', { token: undo }))).toBe('undone')
    // The app that was there before stays.
    expect(await factors(visitor.person)).toEqual({ factors: 1, wanted: 2 })
    expect(
      await world.superuser(`select name from holdfast.passkey where person_id = $1`, [visitor.person]),
    ).toHaveLength(0)
  })

  test('an account that was closed from another address cannot be opened by that address’s link once it was taken back', async () => {
    const visitor = await world.join()
    await hasApp(visitor.person, '30 days')
    const wanted = freshAddress()
    await moved(visitor, wanted)
    expect((await post('/api/account/close', {}, visitor.cookie)).status).toBe(200)
    const thiefs = await token(wanted, 'keep-account')
    const undo = await undoLink(visitor.address)
    expect(await came(await post('/api/address/cancel', { token: undo }))).toBe('undone')
    await world.superuser(`update holdfast.account set closes_at = now() + interval '14 days' where person_id = $1`, [
      visitor.person,
    ])
    expect((await post('/api/account/keep', { token: thiefs })).status).toBe(410)
  })

  test('a flood of notices does not drown the link that keeps an account which is being closed', async () => {
    const visitor = await world.join()
    await world.superuser(`update holdfast.account set notices = 30, notices_since = now() where person_id = $1`, [
      visitor.person,
    ])
    expect((await post('/api/account/close', {}, visitor.cookie)).status).toBe(200)
    const keep = await token(visitor.address, 'keep-account')
    expect((await post('/api/account/keep', { token: keep })).status).toBe(200)
  })
})

describe('with the mailbox for a minute', () => {
  test('a factor that was set up on the day of a reset goes with the owner’s own reset', async () => {
    const visitor = await world.join()
    await resetByMail(visitor.address, next)
    await hasApp(visitor.person)
    expect(await factors(visitor.person)).toEqual({ factors: 1, wanted: 2 })
    await resetByMail(visitor.address, third)
    expect(await factors(visitor.person)).toEqual({ factors: 0, wanted: 1 })
    expect(await (await signIn(visitor.address, third)).json()).toEqual({ verified: true, secondStep: null })
  })

  test('no reset takes a factor that was there before, nor one of a quiet time', async () => {
    const visitor = await world.join()
    await hasApp(visitor.person, '10 days')
    await resetByMail(visitor.address, next)
    await resetByMail(visitor.address, third)
    expect(await factors(visitor.person)).toEqual({ factors: 1, wanted: 2 })
    // Set up on the day of a reset that is more than a week ago by now: nobody has objected.
    await world.superuser(`update holdfast.account set reset_at = now() - interval '10 days' where person_id = $1`, [
      visitor.person,
    ])
    await resetByMail(visitor.address, next)
    expect(await factors(visitor.person)).toEqual({ factors: 1, wanted: 2 })
  })

  test('the old one, after a change that was meant, is told of at the new one when it takes the account back', async () => {
    const visitor = await world.join()
    await hasApp(visitor.person, '30 days')
    const wanted = freshAddress()
    await moved(visitor, wanted)
    const undo = await undoLink(visitor.address)
    expect(await came(await post('/api/address/cancel', { token: undo }))).toBe('undone')
    await expect
      .poll(() => mailsTo(wanted).map(({ subject }) => subject))
      .toContainEqual(expect.stringMatching(/taken back to its old email address$/))
    // And what was there before the change is there still: the second factor is asked for.
    expect(await factors(visitor.person)).toEqual({ factors: 1, wanted: 2 })
  })
})

describe('with the address alone', () => {
  test('nobody has a stranger’s account put at his address by opening what the stranger caused', async () => {
    const [thief, victim] = [await world.join(), await world.join()]
    await hasApp(thief.person, '30 days')
    const wanted = freshAddress()
    expect(await moveTo(thief, wanted)).toBe('new')
    const link = await token(wanted, 'confirm-address')
    for (const cookie of [undefined, victim.cookie, 'crm-session=nonsense'])
      expect(await codeOf(await post('/api/address/confirm', { token: link }, cookie))).toBe('accounts/sign-in-first')
    expect((await signIn(wanted, thief.password)).status).toBe(401)
    expect(await came(await post('/api/address/confirm', { token: link }, thief.cookie))).toBe('changed')
  })

  test('nobody keeps an owner from resetting by signing up with the owner’s address', async () => {
    const { address } = await world.join()
    const [hash] = await world.superuser(`select '0123abcd$2b$12$' || repeat('a', 53) as it`)
    for (let at = 0; at < 25; at++)
      await world.foundation.logins.identity.query({
        text: 'select holdfast.ask_sign_up($1, $1, $2, $3, $4, $5, $6, $6, $6, $6)',
        values: [address, 'Ada', hash!.it, randomBytes(32), randomBytes(32), 'mail'],
      })
    await resetByMail(address, next)
    expect((await signIn(address, next)).status).toBe(200)
  })

  test('a sign-up’s mail that is sent again counts like a sign-up: five an hour from one client, by whatever browser', async () => {
    const address = freshAddress()
    const person = { name: 'Ada', address, password: third }
    const browsers: string[] = []
    for (let at = 0; at < 2; at++) {
      const answer = await post('/api/sign-up', person)
      expect(answer.status).toBe(202)
      browsers.push(answer.headers.getSetCookie()[0]!.split(';')[0]!)
    }
    const all: number[] = []
    for (let at = 0; at < 6; at++) all.push((await post('/api/verify/again', {}, browsers[at % 2])).status)
    expect(all).toEqual([202, 202, 202, 429, 429, 429])
  })
})

describe('limits', () => {
  test('of an address are not spent by passwords that were too weak', async () => {
    const person = { name: 'Ada', address: freshAddress() }
    for (let at = 0; at < 6; at++)
      expect((await post('/api/sign-up', { ...person, password: 'password1234567' })).status).toBe(422)
    expect((await post('/api/sign-up', { ...person, password: third })).status).toBe(202)
  })

  test('of a change of address are not spent by whoever has the password alone', async () => {
    const visitor = await world.join()
    await hasApp(visitor.person)
    const half = (await signIn(visitor.address, visitor.password)).headers.getSetCookie()[0]!.split(';')[0]!
    for (let at = 0; at < 6; at++)
      expect((await post('/api/account/address', { address: freshAddress() }, half)).status).toBe(428)
    expect(await moveTo(visitor, freshAddress())).toBe('both')
  })
})

test('a mail that is given up keeps no link', async () => {
  const [queued] = await world.superuser(
    `insert into holdfast.outbox (to_address, subject, body, attempts, run_at)
       values ('gone@example.com', 's', 'https://crm.example/x#link', 11, now() + interval '1 day') returning id`,
  )
  const fail = () =>
    world.foundation.logins.worker.query({ text: `select holdfast.mail_failed($1, '550')`, values: [queued!.id] })
  const body = async () =>
    (await world.superuser(`select body from holdfast.outbox where id = $1`, [queued!.id]))[0]!.body
  await fail()
  expect(await body()).toContain('#link')
  await world.superuser(`update holdfast.outbox set attempts = 12 where id = $1`, [queued!.id])
  await fail()
  expect(await body()).toBe('')
})
