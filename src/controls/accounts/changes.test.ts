import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type Visitor, type World } from '../../../test/world/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

let count = 0
const freshAddress = () => `mover${++count}@example.com`
const next = 'four green turtles sing'
const third = 'nine slow herons wait'

const send = (method: string, path: string, body: unknown, cookie?: string) =>
  world.fetch(path, { method, ...(body === undefined ? {} : { body }), ...(cookie === undefined ? {} : { cookie }) })
const post = (path: string, body: unknown, cookie?: string) => send('POST', path, body, cookie)
const signIn = (address: string, password: string) => post('/api/sign-in', { address, password })
const session = async (address: string, password: string) => {
  const answer = await signIn(address, password)
  expect(answer.status).toBe(200)
  return answer.headers.getSetCookie()[0]!.split(';')[0]!
}
const lives = async (cookie: string) => (await world.fetch('/api/me', { cookie })).status === 200
const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code?: string }).code]
const mailsTo = (address: string) => world.mails.filter(({ to }) => to === address)
const token = (address: string, page: string) => mailedToken(world.mails, address, new RegExp(`/${page}#([\\w-]+)`))
const statuses = async (answers: Promise<Response>[]) => (await Promise.all(answers)).map(({ status }) => status).sort()

async function subjects(address: string, atLeast: number): Promise<string[]> {
  for (let attempt = 0; attempt < 100 && mailsTo(address).length < atLeast; attempt++) await sleep(50)
  return mailsTo(address).map(({ subject }) => subject)
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((go) => setTimeout(go, milliseconds))
}

async function resetToken(address: string): Promise<string> {
  const before = mailsTo(address).length
  expect((await post('/api/reset', { address })).status).toBe(202)
  await subjects(address, before + 1)
  return token(address, 'new-password')
}

/** As if the person had shown who they are that long ago. */
async function shownAgo(person: string, interval: string): Promise<void> {
  await world.superuser(`update holdfast.pass set shown_at = shown_at - $2::interval where person_id = $1`, [
    person,
    interval,
  ])
}

describe('a forgotten password', () => {
  test('is reset by the link of a mail: all sessions end, the owner is told, the old password is nothing', async () => {
    const { address, password, cookie } = await world.join()
    const link = await resetToken(address)
    expect((await post('/api/reset/finish', { token: link, password: next })).status).toBe(200)
    expect(await lives(cookie)).toBe(false)
    expect((await signIn(address, password)).status).toBe(401)
    await session(address, next)
    expect(await subjects(address, 3)).toEqual([
      expect.stringMatching(/^Confirm/),
      expect.stringMatching(/^Choose a new password/),
      expect.stringMatching(/was reset$/),
    ])
  })

  test('is asked for alike with an address that has no account, and no mail goes there', async () => {
    const { address } = await world.join()
    const nobody = freshAddress()
    const [known, unknown] = [await post('/api/reset', { address }), await post('/api/reset', { address: nobody })]
    expect([unknown.status, await unknown.text()]).toEqual([known.status, await known.text()])
    expect([...unknown.headers.keys()].sort()).toEqual([...known.headers.keys()].sort())
    await token(address, 'new-password')
    await sleep(600)
    expect(mailsTo(nobody)).toEqual([])
  })

  test('is refused where the new one is weak, and the link goes on working', async () => {
    const { address } = await world.join('Ada Lovelace')
    const link = await resetToken(address)
    for (const weak of ['short', 'passwordpassword1', 'ada lovelace 1815', address])
      expect(await codeOf(await post('/api/reset/finish', { token: link, password: weak }))).toEqual([
        422,
        'accounts/password-refused',
      ])
    expect((await post('/api/reset/finish', { token: link, password: next })).status).toBe(200)
  })

  test('is reset once: of eight at once exactly one wins, with its own password', async () => {
    const { address } = await world.join()
    const link = await resetToken(address)
    const all = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => ({
        index,
        status: (await post('/api/reset/finish', { token: link, password: `${next} ${index}` })).status,
      })),
    )
    expect(all.map(({ status }) => status).sort()).toEqual([200, 410, 410, 410, 410, 410, 410, 410])
    await session(address, `${next} ${all.find(({ status }) => status === 200)!.index}`)
  }, 30_000)

  test('is reset by one of two links, and the other is dead, also when both are used at once', async () => {
    const { address } = await world.join()
    const one = await resetToken(address)
    const two = await resetToken(address)
    expect(two).not.toBe(one)
    const all = await statuses(
      [one, two].map((link) => post('/api/reset/finish', { token: link, password: `${next} x` })),
    )
    expect(all).toEqual([200, 410])
  })

  test('leaves no link alive after a change of password, after half an hour, or of a closed account', async () => {
    const changed = await world.join()
    const dead = await resetToken(changed.address)
    const body = { current: changed.password, password: next }
    expect((await post('/api/account/password', body, changed.cookie)).status).toBe(200)
    expect((await post('/api/reset/finish', { token: dead, password: third })).status).toBe(410)

    const late = await world.join()
    const old = await resetToken(late.address)
    await world.superuser(
      `update holdfast.address_token set expires_at = expires_at - interval '31 minutes' where person_id = $1`,
      [late.person],
    )
    expect((await post('/api/reset/finish', { token: old, password: third })).status).toBe(410)

    const closed = await world.join()
    const shut = await resetToken(closed.address)
    expect((await post('/api/account/close', {}, closed.cookie)).status).toBe(200)
    expect((await post('/api/reset/finish', { token: shut, password: third })).status).toBe(410)
    const before = mailsTo(closed.address).length
    expect((await post('/api/reset', { address: closed.address })).status).toBe(202)
    await sleep(600)
    expect(mailsTo(closed.address).filter(({ subject }) => /^Choose/.test(subject))).toHaveLength(1)
    expect(before).toBeGreaterThan(0)
  })

  test('does not take the second factor away', async () => {
    const { address, person } = await world.join()
    await world.superuser('select holdfast.want_assurance($1, 2::smallint)', [person])
    await world.superuser(
      `insert into holdfast.totp (person_id, sealed, last_step)
       values ($1, 'hf1.' || repeat('k', 8) || '.' || repeat('n', 16) || '.' || repeat('c', 48), 1)`,
      [person],
    )
    const link = await resetToken(address)
    // Beside a second factor eight characters will do.
    expect((await post('/api/reset/finish', { token: link, password: 'herons wait' })).status).toBe(200)
    const answer = await signIn(address, 'herons wait')
    const cookie = answer.headers.getSetCookie()[0]!.split(';')[0]!
    const refused = await post('/api/organisations', { name: 'Half a stranger' }, cookie)
    expect(await codeOf(refused)).toEqual([428, 'tenant-isolation/second-factor-not-shown'])
    expect(await codeOf(await post('/api/account/close', {}, cookie))).toEqual([
      428,
      'tenant-isolation/second-factor-not-shown',
    ])
  })

  test('binds anew what a hundred failures had disabled', async () => {
    const { address, person } = await world.join()
    await world.superuser(
      `insert into holdfast.failures (subject, authenticator, strangers, known) values ($1, 'password', 90, 10)
       on conflict (subject, authenticator) do update set strangers = 90, known = 10`,
      [person],
    )
    const link = await resetToken(address)
    expect((await post('/api/reset/finish', { token: link, password: next })).status).toBe(200)
    await session(address, next)
  })

  test('takes no session’s or sign-up’s link for its own, and the other way round', async () => {
    const { address } = await world.join()
    const link = await resetToken(address)
    for (const path of ['/api/verify', '/api/address/confirm', '/api/address/cancel', '/api/account/keep'])
      expect((await post(path, { token: link })).status, path).toBe(410)
    await post('/api/sign-up', { name: 'Ada', address: freshAddress(), password: next })
    const signUpLink = await token(`mover${count}@example.com`, 'verify')
    expect((await post('/api/reset/finish', { token: signUpLink, password: next })).status).toBe(410)
  })
})

describe('one’s own password', () => {
  test('changes by the current one: every other session ends, this one stays, the owner is told', async () => {
    const { address, password, cookie } = await world.join()
    const elsewhere = await session(address, password)
    const wrong = await post('/api/account/password', { current: next, password: third }, cookie)
    expect(await wrong.json()).toMatchObject({
      code: 'accounts/not-your-password',
      fields: [{ pointer: '/body/current' }],
    })
    expect((await post('/api/account/password', { current: password, password: next }, cookie)).status).toBe(200)
    expect([await lives(cookie), await lives(elsewhere)]).toEqual([true, false])
    await session(address, next)
    expect((await subjects(address, 2)).filter((subject) => /was changed$/.test(subject))).toHaveLength(1)
  })

  test('is asked for again after a quarter of an hour', async () => {
    const { password, cookie, person } = await world.join()
    await shownAgo(person, '16 minutes')
    for (const [path, body] of [
      ['/api/account/password', { current: password, password: next }],
      ['/api/account/address', { address: freshAddress() }],
      ['/api/account/close', {}],
    ] as const)
      expect(await codeOf(await post(path, body, cookie)), path).toEqual([428, 'tenant-isolation/show-again'])
  })

  test('changes once: of two at once one is told that it came too late', async () => {
    const { address, password, cookie } = await world.join()
    const all = await statuses(
      [next, third].map((wanted) => post('/api/account/password', { current: password, password: wanted }, cookie)),
    )
    // The second finds the first's password in its way, early or late.
    expect(all[0]).toBe(200)
    expect([409, 422]).toContain(all[1])
    expect([(await signIn(address, next)).status, (await signIn(address, third)).status].sort()).toEqual([200, 401])
  })

  test('is guessed ten times by a stolen session, and no more', async () => {
    const { cookie, address, password } = await world.join()
    const all: number[] = []
    for (let at = 0; at < 12; at++)
      all.push((await post('/api/account/password', { current: 'nope', password: next }, cookie)).status)
    expect(all).toEqual([...Array(10).fill(422), 429, 429])
    expect((await signIn(address, password)).status).toBe(200)
  })

  test('is not the same as weak', async () => {
    const { cookie, password } = await world.join()
    const weak = await post('/api/account/password', { current: password, password: 'passwordpassword1' }, cookie)
    expect(await weak.json()).toMatchObject({
      code: 'accounts/password-refused',
      fields: [{ pointer: '/body/password', reason: expect.stringContaining('tried first') }],
    })
  })
})

describe('one’s own name', () => {
  test('changes in every organisation, and the record of changes says who did it', async () => {
    const { cookie, person, organisation } = await world.joinWithOrganisation('Ada')
    expect((await send('PUT', '/api/account/name', { name: 'Ada Byron' }, cookie)).status).toBe(200)
    const answer = await world.fetch(`/api/o/${organisation}/members`, { cookie })
    expect(((await answer.json()) as { members: unknown[] }).members).toMatchObject([{ person, name: 'Ada Byron' }])
    const events = await world.superuser(
      `select person_id from holdfast.event where organisation_id = $1 and table_name = 'holdfast.member' and action = 'update'`,
      [organisation],
    )
    expect(events).toEqual([{ person_id: person }])
  })

  test.each(['', ' ', 'a\u0000b', 'a\nb', 'x'.repeat(201), ['Ada'], 7])('is not %j', async (name) => {
    const { cookie } = await anybody()
    expect((await send('PUT', '/api/account/name', { name }, cookie)).status).toBe(400)
  })
})

let known: Visitor | undefined
async function anybody(): Promise<Visitor> {
  known ??= await world.join()
  return known
}

describe('one’s own address', () => {
  const ask = async (visitor: Visitor, address: string) => {
    const answer = await post('/api/account/address', { address }, visitor.cookie)
    return { status: answer.status, body: (await answer.json()) as { waitsFor?: string; code?: string } }
  }

  test('changes when both addresses have said yes; until then nothing does', async () => {
    const visitor = await world.joinWithOrganisation()
    const elsewhere = await session(visitor.address, visitor.password)
    const wanted = freshAddress()
    expect(await ask(visitor, wanted)).toEqual({ status: 202, body: { waitsFor: 'both' } })
    const [fromNew, fromOld] = [await token(wanted, 'confirm-address'), await token(visitor.address, 'confirm-address')]
    expect(await (await post('/api/address/confirm', { token: fromNew }, visitor.cookie)).json()).toEqual({
      came: 'waiting',
    })
    expect((await post('/api/address/confirm', { token: fromNew })).status).toBe(410)
    expect((await signIn(wanted, visitor.password)).status).toBe(401)
    expect(await (await world.fetch('/api/account', { cookie: visitor.cookie })).json()).toEqual({
      addressChange: { address: wanted, waitsFor: 'old', expiresAt: expect.any(String) },
    })
    expect(await (await post('/api/address/confirm', { token: fromOld })).json()).toEqual({ came: 'changed' })
    expect((await signIn(visitor.address, visitor.password)).status).toBe(401)
    await session(wanted, visitor.password)
    expect([await lives(visitor.cookie), await lives(elsewhere)]).toEqual([true, false])
    const members = await world.fetch(`/api/o/${visitor.organisation}/members`, { cookie: visitor.cookie })
    expect(await members.json()).toMatchObject({ members: [{ address: wanted }] })
    expect((await subjects(visitor.address, 3)).at(-1)).toMatch(/^The email address .* was changed$/)
    expect(await (await world.fetch('/api/account', { cookie: visitor.cookie })).json()).toEqual({
      addressChange: null,
    })
  })

  test('changes with the new one’s yes where a second factor was shown; the old one is told, and can stop it', async () => {
    const visitor = await world.join()
    await world.superuser('select holdfast.want_assurance($1, 2::smallint)', [visitor.person])
    await world.superuser(`update holdfast.person set wanted_since = now() - interval '8 days' where id = $1`, [
      visitor.person,
    ])
    await world.superuser('update holdfast.pass set assurance = 2 where person_id = $1', [visitor.person])
    const stoppedAddress = freshAddress()
    expect(await ask(visitor, stoppedAddress)).toEqual({ status: 202, body: { waitsFor: 'new' } })
    const fromNew = await token(stoppedAddress, 'confirm-address')
    const stop = await token(visitor.address, 'stop-address')
    expect(mailsTo(visitor.address).some(({ text }) => text.includes('confirm-address'))).toBe(false)
    expect(await (await post('/api/address/cancel', { token: stop })).json()).toEqual({ came: 'stopped' })
    expect((await post('/api/address/confirm', { token: fromNew })).status).toBe(410)

    const wanted = freshAddress()
    expect((await ask(visitor, wanted)).status).toBe(202)
    expect(
      await (
        await post('/api/address/confirm', { token: await token(wanted, 'confirm-address') }, visitor.cookie)
      ).json(),
    ).toEqual({ came: 'changed' })
    expect((await signIn(wanted, visitor.password)).status).toBe(200)
  })

  test('comes back by the link to the old one: sessions end, the password is void until it is reset there', async () => {
    const visitor = await world.join()
    const wanted = freshAddress()
    await ask(visitor, wanted)
    await post('/api/address/confirm', { token: await token(wanted, 'confirm-address') }, visitor.cookie)
    await post('/api/address/confirm', { token: await token(visitor.address, 'confirm-address') })
    await subjects(visitor.address, 3)
    // Who moved it may also have given it up.
    expect((await post('/api/account/close', {}, visitor.cookie)).status).toBe(200)
    const undo = await token(visitor.address, 'stop-address')
    const all = await Promise.all(Array.from({ length: 4 }, () => post('/api/address/cancel', { token: undo })))
    expect(all.map(({ status }) => status).sort()).toEqual([200, 410, 410, 410])
    expect(await all.find(({ status }) => status === 200)!.json()).toEqual({ came: 'undone' })
    expect(await lives(visitor.cookie)).toBe(false)
    expect((await signIn(wanted, visitor.password)).status).toBe(401)
    expect((await signIn(visitor.address, visitor.password)).status).toBe(401)
    const link = await token(visitor.address, 'new-password')
    expect((await post('/api/reset/finish', { token: link, password: next })).status).toBe(200)
    await session(visitor.address, next)
  })

  test('is not told from the answer to be somebody else’s; its owner is told, and nothing changes', async () => {
    const [visitor, owner] = [await world.join(), await world.join()]
    const before = mailsTo(owner.address).length
    expect(await ask(visitor, owner.address)).toEqual({ status: 202, body: { waitsFor: 'both' } })
    expect((await subjects(owner.address, before + 1)).at(-1)).toMatch(/was named for another account/)
    expect(mailsTo(owner.address).some(({ text }) => text.includes('confirm-address'))).toBe(false)
    expect((await signIn(owner.address, owner.password)).status).toBe(200)
  })

  test('goes to one of two who want the same at the same time', async () => {
    const wanted = freshAddress()
    const both = [await world.join(), await world.join()]
    const links: [link: string, cookie: string][] = []
    for (const visitor of both) {
      const before = mailsTo(wanted).length
      await ask(visitor, wanted)
      await subjects(wanted, before + 1)
      links.push([await token(wanted, 'confirm-address'), visitor.cookie])
      await post('/api/address/confirm', { token: await token(visitor.address, 'confirm-address') })
    }
    const answers = links.map(([link, cookie]) => post('/api/address/confirm', { token: link }, cookie))
    expect(await statuses(answers)).toEqual([200, 410])
    const rows = await world.superuser('select from holdfast.account where address_key = $1', [wanted])
    expect(rows).toHaveLength(1)
  })

  test('waits for one change at a time, which its owner can give up', async () => {
    const visitor = await world.join()
    const [one, two] = [freshAddress(), freshAddress()]
    await ask(visitor, one)
    const first = await token(one, 'confirm-address')
    await ask(visitor, two)
    const second = await token(two, 'confirm-address')
    expect((await post('/api/address/confirm', { token: first })).status).toBe(410)
    expect((await send('DELETE', '/api/account/address', undefined, visitor.cookie)).status).toBe(204)
    expect((await post('/api/address/confirm', { token: second })).status).toBe(410)
  })

  test('stays for a day after a reset, and is never one’s own again', async () => {
    const visitor = await world.join()
    expect((await ask(visitor, visitor.address)).body.code).toBe('accounts/same-address')
    await post('/api/reset/finish', { token: await resetToken(visitor.address), password: next })
    const again = { ...visitor, cookie: await session(visitor.address, next) }
    expect(await ask(again, freshAddress())).toMatchObject({ status: 409, body: { code: 'accounts/reset-lately' } })
  })

  test('is mailed five times a day and person, in whatever session, and no link works after a day', async () => {
    const visitor = await world.join()
    const wanted = freshAddress()
    await ask(visitor, wanted)
    const link = await token(wanted, 'confirm-address')
    await world.superuser(
      `update holdfast.address_token set expires_at = expires_at - interval '25 hours' where person_id = $1`,
      [visitor.person],
    )
    expect((await post('/api/address/confirm', { token: link }, visitor.cookie)).status).toBe(410)
    const another = { ...visitor, cookie: await session(visitor.address, visitor.password) }
    const all: number[] = []
    for (let at = 0; at < 6; at++) all.push((await ask(at % 2 ? visitor : another, freshAddress())).status)
    expect(all).toEqual([202, 202, 202, 202, 429, 429])
  })

  test.each([
    'eve@example.com\r\nBcc: all@example.com',
    'eve@example.com, all@example.com',
    '"eve"@example.com',
    'eve＠example.com',
    'eve@localhost',
    'аdа@example.com',
    '',
    null,
    ['a@example.com'],
  ])('is not %j', async (address) => {
    const { cookie } = await anybody()
    expect((await post('/api/account/address', { address }, cookie)).status).toBe(400)
  })
})
