import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type World } from '../../../test/world/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

let count = 0
const freshAddress = () => `attack${++count}@example.com`
const password = 'three blue whales dance'
const other = 'four green turtles sing'

const post = (path: string, body: unknown, cookie?: string) =>
  world.fetch(path, { method: 'POST', body, ...(cookie === undefined ? {} : { cookie }) })
const signUp = (address: string, more: { password?: string; name?: string } = {}) =>
  post('/api/sign-up', { name: 'Ada', address, password, ...more })
const signIn = (address: string, using = password) => post('/api/sign-in', { address, password: using })
const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0]!.split(';')[0]!
const tokenFor = (address: string) => mailedToken(world.mails, address, /\/verify#([\w-]+)/)
const mailsTo = (address: string) => world.mails.filter(({ to }) => to === address)
const statuses = async (answers: Promise<Response>[]) => (await Promise.all(answers)).map(({ status }) => status)

async function mailed(address: string, atLeast: number): Promise<typeof world.mails> {
  for (let attempt = 0; attempt < 100 && mailsTo(address).length < atLeast; attempt++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  return mailsTo(address)
}

describe('signing up', () => {
  test('with a known address changes nothing, says the same, and tells its owner', async () => {
    const address = freshAddress()
    const first = await signUp(address)
    const second = await signUp(address.toUpperCase().replace('EXAMPLE.COM', 'example.com'), {
      password: other,
      name: 'Eve',
    })
    expect([second.status, await second.text()]).toEqual([first.status, await first.text()])
    const names = (answer: Response) => [...answer.headers.keys()].sort()
    expect(names(second)).toEqual(names(first))
    // To the spelling on record, not to the one that was typed just now.
    const mails = await mailed(address, 2)
    expect(mails.map(({ subject }) => subject).sort()).toEqual([
      expect.stringMatching(/^Confirm/),
      expect.stringMatching(/^You already/),
    ])
    expect((await signIn(address, other)).status).toBe(401)
    expect((await signIn(address)).status).toBe(200)
  })

  test('eight times at once makes one account', async () => {
    const address = freshAddress()
    // Five an hour for one address is the limit: the others are told so.
    const all = await statuses(
      Array.from({ length: 8 }, (_, index) => signUp(address, { password: `${password} ${index}` })),
    )
    expect(all.filter((status) => status === 202)).toHaveLength(5)
    expect(all.filter((status) => status === 429)).toHaveLength(3)
    const rows = await world.superuser(`select person_id from holdfast.account where address_key = $1`, [address])
    expect(rows).toHaveLength(1)
    expect((await mailed(address, 5)).filter(({ subject }) => subject.startsWith('Confirm'))).toHaveLength(1)
    const strays = await world.superuser(
      `select id from holdfast.person p where not exists (select from holdfast.account a where a.person_id = p.id)`,
    )
    expect(strays).toEqual([])
  })

  test('keeps nobody’s address for longer than a day without its owner', async () => {
    const address = freshAddress()
    await signUp(address, { password: other, name: 'Squatter' })
    const squatter = cookieOf(await signIn(address, other))
    await world.superuser(
      `update holdfast.account set created_at = created_at - interval '25 hours' where address_key = $1`,
      [address],
    )
    expect((await signUp(address)).status).toBe(202)
    expect((await world.fetch('/api/me', { cookie: squatter })).status).toBe(401)
    expect((await signIn(address, other)).status).toBe(401)
    expect((await signIn(address)).status).toBe(200)
  })

  test('never takes a verified address away, however old', async () => {
    const { address, password: theirs } = await world.join()
    await world.superuser(
      `update holdfast.account set created_at = created_at - interval '1 year' where address_key = $1`,
      [address],
    )
    await signUp(address, { password: other })
    expect((await signIn(address, theirs)).status).toBe(200)
  })

  test.each([
    'eve@example.com\r\nBcc: all@example.com',
    'eve@example.com\nSubject: x',
    'eve@example.com, all@example.com',
    '"eve"@example.com',
    'eve＠example.com',
    'ｅve@example.com',
    'eve@localhost',
    'eve@[127.0.0.1]',
    'eve@127.0.0.1',
    'eve',
    '@example.com',
    'x'.repeat(70_000),
  ])('with %j is refused, and no mail goes out', async (address) => {
    const before = world.mails.length
    const answer = await signUp(address)
    expect([400, 413]).toContain(answer.status)
    expect(world.mails.length).toBe(before)
  })

  test('with a weak password says why, at the field', async () => {
    const answer = await signUp(freshAddress(), { password: 'passwordpassword1' })
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      code: 'accounts/password-refused',
      fields: [{ pointer: '/body/password', reason: expect.stringContaining('tried first') }],
    })
  })
})

describe('the link that confirms an address', () => {
  test('works once, and of eight at once exactly one gets in', async () => {
    const address = freshAddress()
    await signUp(address)
    const token = await tokenFor(address)
    const all = await statuses(Array.from({ length: 8 }, () => post('/api/verify', { token })))
    expect(all.sort()).toEqual([200, 410, 410, 410, 410, 410, 410, 410])
    expect((await post('/api/verify', { token })).status).toBe(410)
  })

  test('dies with every other one of that person as soon as one was used, also when two come at once', async () => {
    const address = freshAddress()
    await signUp(address)
    const first = await tokenFor(address)
    const cookie = cookieOf(await signIn(address))
    expect((await post('/api/verify/again', {}, cookie)).status).toBe(202)
    await mailed(address, 2)
    const second = await tokenFor(address)
    expect(second).not.toBe(first)
    const all = await statuses([first, second, first, second].map((token) => post('/api/verify', { token })))
    expect(all.sort()).toEqual([200, 410, 410, 410])
  })

  test('is dead after a day', async () => {
    const address = freshAddress()
    await signUp(address)
    const token = await tokenFor(address)
    await world.superuser(`update holdfast.address_token set expires_at = clock_timestamp()`)
    expect((await post('/api/verify', { token })).status).toBe(410)
    expect(await (await signIn(address)).json()).toEqual({ verified: false })
  })

  test.each([
    'x',
    '',
    '0'.repeat(43),
    `${'A'.repeat(42)}=`,
    "' or true --",
    'x'.repeat(200),
    'x'.repeat(201),
    '\u0000',
  ])('is not %j', async (token) => {
    expect([400, 410]).toContain((await post('/api/verify', { token })).status)
  })

  test('is stored as a hash, and can be asked for five times an hour', async () => {
    const address = freshAddress()
    await signUp(address)
    const token = await tokenFor(address)
    const [row] = await world.superuser(
      `select t::text as whole from holdfast.address_token t join holdfast.account a using (person_id) where a.address_key = $1`,
      [address],
    )
    expect(row!.whole).not.toContain(token)
    expect(row!.whole).not.toContain(Buffer.from(token, 'base64url').toString('hex'))
    const cookie = cookieOf(await signIn(address))
    const all = await statuses(Array.from({ length: 8 }, () => post('/api/verify/again', {}, cookie)))
    expect(all.filter((status) => status === 202)).toHaveLength(4)
    expect(all.filter((status) => status === 429)).toHaveLength(4)
  })

  test('is not sent again to whoever is verified', async () => {
    const { cookie, address } = await world.join()
    const before = mailsTo(address).length
    expect((await post('/api/verify/again', {}, cookie)).status).toBe(202)
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(mailsTo(address)).toHaveLength(before)
  })
})

test('an unverified person sees the account and nothing else, until the link is opened: then the same session opens', async () => {
  const address = freshAddress()
  await signUp(address)
  const answer = await signIn(address)
  expect(await answer.json()).toEqual({ verified: false })
  const cookie = cookieOf(answer)
  const me = await (await world.fetch('/api/me', { cookie })).json()
  expect(me).toMatchObject({ person: { address, verified: false }, organisations: [] })
  const refused = await post('/api/organisations', { name: 'Too early' }, cookie)
  expect(refused.status).toBe(428)
  expect(await refused.json()).toMatchObject({ code: 'accounts/address-unverified' })
  expect((await post('/api/verify', { token: await tokenFor(address) })).status).toBe(200)
  expect((await post('/api/organisations', { name: 'In time' }, cookie)).status).toBe(201)
})

describe('the database', () => {
  const refusedBy = (login: 'app' | 'identity' | 'worker', text: string, values: unknown[] = []) =>
    world.foundation.logins[login].query({ text, values }).then(
      () => 'done',
      (error) => (error as { code: string }).code,
    )

  test('shows accounts and tokens to no login role', async () => {
    for (const login of ['app', 'identity', 'worker'] as const)
      for (const table of ['account', 'address_token', 'person', 'pass'])
        expect(await refusedBy(login, `select * from holdfast.${table}`), `${login} ${table}`).toBe('42501')
  })

  test('gives the verbs of sign-in to the identity role alone', async () => {
    for (const [verb, values] of [
      ['credential($1)', ['a@example.com']],
      ['verify_address($1)', [Buffer.alloc(32)]],
      [
        'sign_up($1, $2, $3, $4, $5, $6, $7, $8, $9)',
        ['a@b.de', 'a@b.de', 'A', 'x', Buffer.alloc(32), 's', 'b', 's', 'b'],
      ],
      ['mint($1, $2, 1::smallint, $3, $4, $5, $6)', [Buffer.alloc(32), null, 'x', '1 day', '1 day', null]],
    ] as const)
      for (const login of ['app', 'worker'] as const)
        expect(await refusedBy(login, `select holdfast.${verb}`, [...values]), `${login} ${verb}`).toBe('42501')
  })

  test.each([
    'plain text',
    '',
    '$2b$11$abcdefghijklmnopqrstuuOFY6LXUzkm3nBYcLEpJ7XRqcKWXlMFa',
    '$argon2id$v=19$m=1,t=1,p=1$YQ$YQ',
    `$2b$12$${'a'.repeat(52)}`,
    `$2b$12$${'a'.repeat(53)}\n`,
  ])('takes no password hash such as %j', async (hash) => {
    const address = freshAddress()
    const values = [address, address, 'Ada', hash, Buffer.alloc(32, ++count), 's', 'b', 's', 'b']
    expect(await refusedBy('identity', 'select holdfast.sign_up($1, $2, $3, $4, $5, $6, $7, $8, $9)', values)).toBe(
      '23514',
    )
  })
})
