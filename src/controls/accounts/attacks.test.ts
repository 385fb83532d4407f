import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type World } from '../../../test/world/world.ts'
import { newToken } from './accounts.ts'

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
    const { address, password: theirs } = await world.join()
    const unknown = await signUp(freshAddress())
    const known = await signUp(address.toUpperCase().replace('EXAMPLE.COM', 'example.com'), {
      password: other,
      name: 'Eve',
    })
    expect([known.status, await known.text()]).toEqual([unknown.status, await unknown.text()])
    const names = (answer: Response) => [...answer.headers.keys()].sort()
    expect(names(known)).toEqual(names(unknown))
    const shape = (answer: Response) => cookieOf(answer).replace(/[\w-]{43}/, '…')
    expect(shape(known)).toBe(shape(unknown))
    // To the spelling on record, not to the one that was typed just now.
    const mails = await mailed(address, 2)
    expect(mails.map(({ subject }) => subject).sort()).toEqual([
      expect.stringMatching(/^Confirm/),
      expect.stringMatching(/^You already/),
    ])
    expect((await signIn(address, other)).status).toBe(401)
    expect((await signIn(address, theirs)).status).toBe(200)
  })

  test('opens nothing before its link is opened: its password is as wrong as any', async () => {
    const address = freshAddress()
    await signUp(address)
    const bodyOf = async (answer: Response) => {
      const { requestId: _, ...body } = (await answer.json()) as Record<string, unknown>
      return [answer.status, body, [...answer.headers.keys()].sort()]
    }
    expect(await bodyOf(await signIn(address))).toEqual(await bodyOf(await signIn(freshAddress())))
    expect((await post('/api/verify', { token: await tokenFor(address), password })).status).toBe(200)
    expect((await signIn(address)).status).toBe(200)
  })

  test('eight times at once is more than one client may for one address', async () => {
    const address = freshAddress()
    const all = await statuses(Array.from({ length: 8 }, () => signUp(address)))
    expect(all.filter((status) => status === 202)).toHaveLength(5)
    expect(all.filter((status) => status === 429)).toHaveLength(3)
  })

  test('three times at once, in three browsers, makes one account: that of the link that is opened first', async () => {
    const address = freshAddress()
    await Promise.all([0, 1, 2].map((index) => signUp(address, { password: `${password} ${index}` })))
    const mails = await mailed(address, 3)
    const tokens = mails.map(({ text }) => /\/verify#([\w-]+)/.exec(text)![1]!)
    expect(new Set(tokens).size).toBe(3)
    expect(await world.superuser('select from holdfast.account where address_key = $1', [address])).toHaveLength(0)
    // Which token has which password shows when they are tried: each opens by its own alone.
    const tries = await Promise.all(
      tokens.flatMap((token) =>
        [0, 1, 2].map(async (index) => {
          const answer = await post('/api/verify', { token, password: `${password} ${index}` })
          return { status: answer.status, index }
        }),
      ),
    )
    const opened = tries.filter(({ status }) => status === 200)
    expect(opened).toHaveLength(1)
    expect((await signIn(address, `${password} ${opened[0]!.index}`)).status).toBe(200)
    const strays = await world.superuser(
      `select id from holdfast.person p where not exists (select from holdfast.account a where a.person_id = p.id)`,
    )
    expect(strays).toEqual([])
  })

  test('with another’s address blocks nobody, and is gone with a day', async () => {
    const address = freshAddress()
    await signUp(address, { password: other, name: 'Squatter' })
    const first = await tokenFor(address)
    expect((await signUp(address)).status).toBe(202)
    await mailed(address, 2)
    const second = await tokenFor(address)
    expect((await post('/api/verify', { token: second, password })).status).toBe(200)
    expect((await post('/api/verify', { token: first, password: other })).status).toBe(410)
    expect((await signIn(address, other)).status).toBe(401)
    expect((await signIn(address)).status).toBe(200)
    await world.superuser(
      `update holdfast.pending_sign_up set expires_at = expires_at - interval '26 hours' where address_key = $1`,
      [address],
    )
    await world.foundation.logins.worker.query({ text: 'select holdfast.sweep_accounts()', values: [] })
    expect(await world.superuser('select from holdfast.pending_sign_up where address_key = $1', [address])).toEqual([])
  })

  test('never takes a verified address away, however old', async () => {
    const { address, password: theirs } = await world.join()
    await world.superuser(
      `update holdfast.account set created_at = created_at - interval '1 year' where address_key = $1`,
      [address],
    )
    await signUp(address, { password: other })
    await mailed(address, 2)
    expect((await signIn(address, theirs)).status).toBe(200)
  })

  test('fills the table for nobody: of one address the fifty newest wait, and twenty mails go out in an hour', async () => {
    const address = freshAddress()
    const [hash] = await world.superuser(`select '0123abcd$2b$12$' || repeat('a', 53) as it`)
    for (let at = 0; at < 60; at++)
      await world.foundation.logins.identity.query({
        text: 'select holdfast.ask_sign_up($1, $1, $2, $3, $4, $5, $6, $6, $6, $6)',
        values: [address, 'Ada', hash!.it, newToken().hash, newToken().hash, 'mail'],
      })
    const [counted] = await world.superuser(
      `select count(*)::int as pending, (select count(*)::int from holdfast.mail_request where address_key = $1) as asked
         from holdfast.pending_sign_up where address_key = $1`,
      [address],
    )
    expect(counted).toEqual({ pending: 50, asked: 20 })
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

test('whoever is not confirmed has no session; one that a confirmation was taken from sees the account and nothing else', async () => {
  const { address, cookie, person } = await world.join()
  await world.superuser('update holdfast.person set verified_at = null where id = $1', [person])
  await world.superuser('update holdfast.pass set verified = false where person_id = $1', [person])
  await world.superuser('update holdfast.account set verified_at = null where person_id = $1', [person])
  const me = await (await world.fetch('/api/me', { cookie })).json()
  expect(me).toMatchObject({ person: { address, verified: false }, organisations: [] })
  for (const refused of [
    await post('/api/organisations', { name: 'Too early' }, cookie),
    await world.fetch('/api/account', { cookie }),
    await post('/api/account/close', {}, cookie),
    await post('/api/account/address', { address: freshAddress() }, cookie),
  ])
    expect([refused.status, (await refused.json()).code]).toEqual([428, 'accounts/address-unverified'])
})

test('no prover takes a confirmation from a person', async () => {
  const { person, cookie } = await world.join()
  const bench = await world.bench()
  try {
    const verb = 'select holdfast.withhold_verification($1) as it'
    expect((await bench.sql('prover', verb, [person])).rows).toEqual([{ it: false }])
    for (const login of ['app', 'worker', 'auditor'] as const)
      expect((await bench.sql(login, verb, [bench.canaries.a.person])).error?.code).toBe('42501')
  } finally {
    await bench.close()
  }
  expect((await post('/api/organisations', { name: 'As before' }, cookie)).status).toBe(201)
})

describe('the database', () => {
  const refusedBy = (login: 'app' | 'identity' | 'worker', text: string, values: unknown[] = []) =>
    world.foundation.logins[login].query({ text, values }).then(
      () => 'done',
      (error) => (error as { code: string }).code,
    )

  test('shows accounts and tokens to no login role', async () => {
    for (const login of ['app', 'identity', 'worker'] as const)
      for (const table of [
        'account',
        'address_token',
        'pending_sign_up',
        'mail_request',
        'address_change',
        'person',
        'pass',
      ])
        expect(await refusedBy(login, `select * from holdfast.${table}`), `${login} ${table}`).toBe('42501')
  })

  test('gives the verbs of sign-in to the identity role alone', async () => {
    for (const [verb, values] of [
      ['credential($1)', ['a@example.com']],
      ['open_sign_up($1, $1)', [Buffer.alloc(32)]],
      ['confirm_sign_up($1)', [Buffer.alloc(32)]],
      ['reset_of($1)', [Buffer.alloc(32)]],
      ['finish_reset($1, $2, $2, $2)', [Buffer.alloc(32), 'x']],
      ['own_credential($1)', [Buffer.alloc(32)]],
      ['change_password($1, $2, $2, $2, $2)', [Buffer.alloc(32), 'x']],
      ['notify_person($1, $2, $2)', [null, 'x']],
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
    const values = [address, 'Ada', hash, Buffer.alloc(32, ++count), 'mail']
    const verb = 'select holdfast.ask_sign_up($1, $1, $2, $3, $4, $4, $5, $5, $5, $5)'
    expect(await refusedBy('identity', verb, values)).toBe('23514')
  })
})
