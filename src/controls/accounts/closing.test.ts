import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type Visitor, type World } from '../../../test/world/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

let count = 0
const freshAddress = () => `leaver${++count}@example.com`
const next = 'four green turtles sing'

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

let known: Visitor | undefined
async function anybody(): Promise<Visitor> {
  known ??= await world.join()
  return known
}

describe('an account that is given up', () => {
  test('is closed at once, opens again by the link, and is told of both', async () => {
    const visitor = await world.join()
    expect((await post('/api/account/close', {}, visitor.cookie)).status).toBe(200)
    expect(await lives(visitor.cookie)).toBe(false)
    expect((await signIn(visitor.address, visitor.password)).status).toBe(401)
    const keep = await token(visitor.address, 'keep-account')
    expect(await statuses(Array.from({ length: 4 }, () => post('/api/account/keep', { token: keep })))).toEqual([
      200, 410, 410, 410,
    ])
    await session(visitor.address, visitor.password)
    expect(await subjects(visitor.address, 3)).toEqual([
      expect.stringMatching(/^Confirm/),
      expect.stringMatching(/will be deleted$/),
      expect.stringMatching(/is open again$/),
    ])
  })

  test('is deleted after fourteen days, and not before: no name and no address stays, and the address is free', async () => {
    const visitor = await world.joinWithOrganisation('Grace')
    await post('/api/account/close', {}, visitor.cookie)
    const sweep = () => world.foundation.logins.worker.query({ text: 'select holdfast.sweep_accounts()', values: [] })
    await sweep()
    expect(await world.superuser('select from holdfast.account where person_id = $1', [visitor.person])).toHaveLength(1)
    await world.superuser(
      `update holdfast.account set closes_at = closes_at - interval '14 days' where person_id = $1`,
      [visitor.person],
    )
    await sweep()
    for (const table of ['account', 'person', 'pass', 'seat', 'member'])
      expect(
        await world.superuser(`select from holdfast.${table} where ${table === 'person' ? 'id' : 'person_id'} = $1`, [
          visitor.person,
        ]),
        table,
      ).toEqual([])
    expect((await post('/api/sign-up', { name: 'Grace', address: visitor.address, password: next })).status).toBe(202)
    expect((await subjects(visitor.address, 3)).at(-1)).toMatch(/^Confirm/)
    const link = await token(visitor.address, 'verify')
    expect((await post('/api/verify', { token: link, password: next })).status).toBe(200)
    await session(visitor.address, next)
  })

  test('is kept as long as an organisation with others would have no owner', async () => {
    const owner = await world.joinWithOrganisation()
    const colleague = await world.join()
    await world.superuser(
      `insert into holdfast.seat (person_id, organisation_id, role_id)
         select $1, $2, role_id from holdfast.role where name = 'member'`,
      [colleague.person, owner.organisation],
    )
    const refused = await post('/api/account/close', {}, owner.cookie)
    expect([refused.status, await refused.json()]).toEqual([
      409,
      expect.objectContaining({ code: 'accounts/owner-needed', organisations: [owner.organisation] }),
    ])
    expect(await lives(owner.cookie)).toBe(true)
    expect((await post('/api/account/close', {}, colleague.cookie)).status).toBe(200)
  })

  test('of a probe’s visitor goes after a day; one that only looks like it does not', async () => {
    const sweep = () => world.foundation.logins.worker.query({ text: 'select holdfast.sweep_accounts()', values: [] })
    const people = await Promise.all([world.join(), world.join(), world.join()])
    const [old, young, other] = people.map(({ person }) => person)
    const rename = (person: string | undefined, address: string, hours: number) =>
      world.superuser(
        `update holdfast.account set address = $2, verified_at = clock_timestamp() - make_interval(hours => $3) where person_id = $1`,
        [person, address, hours],
      )
    await rename(old, `visitor-${old}@canary.invalid`, 25)
    await rename(young, `visitor-${young}@canary.invalid`, 23)
    await rename(other, `visitor-${other}@canary.invalid.example.com`, 25)
    await sweep()
    const left = await world.superuser('select person_id from holdfast.account where person_id = any ($1)', [
      [old, young, other],
    ])
    expect(left.map((row) => row.person_id).sort()).toEqual([young, other].sort())
  })

  test('that somebody else had disabled stays so', async () => {
    const visitor = await world.join()
    await post('/api/account/close', {}, visitor.cookie)
    const keep = await token(visitor.address, 'keep-account')
    await world.superuser('update holdfast.account set closes_at = null where person_id = $1', [visitor.person])
    expect((await post('/api/account/keep', { token: keep })).status).toBe(410)
    expect((await signIn(visitor.address, visitor.password)).status).toBe(401)
  })
})

describe('every route of the account', () => {
  test('refuses what is not its kind of body', async () => {
    const { cookie } = await anybody()
    const routes = Object.values(world.foundation.routes).filter(
      ({ path, method }) =>
        /^\/api\/(account\/(name|address|password|close|keep)|address|reset|verify|sign-up)/.test(path) &&
        method !== 'GET',
    )
    expect(routes.length).toBeGreaterThanOrEqual(11)
    for (const { method, path, body } of routes) {
      if (body === undefined) continue
      const bad = [
        '[]',
        '"x"',
        'null',
        '{',
        '{"token":"a","token":"b"}',
        '{"token":["a"],"address":["a"],"name":{},"password":[],"current":1}',
        '{"__proto__":{"token":"x"}}',
        `{"token":"${'x'.repeat(1_000_000)}"}`,
        '{"token":"x","address":"a@example.com","name":"x","password":"x","current":"x","role":"owner"}',
      ]
      for (const text of bad) {
        const { status } = await send(method, path, text, cookie)
        expect([400, 413], `${path} ${text.slice(0, 60)}`).toContain(status)
      }
      const form = await world.fetch(path, {
        method,
        body: 'token=x',
        cookie,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      expect([400, 415], path).toContain(form.status)
    }
  })

  test('tells a mail nothing that a stranger typed', async () => {
    const address = freshAddress()
    await post('/api/sign-up', { name: 'Buy at evil.example', address, password: next })
    await token(address, 'verify')
    for (const { subject, text } of world.mails) {
      expect(`${subject} ${text}`).not.toContain('evil.example')
      expect(`${subject} ${text}`).not.toContain('leaver')
      // Tokens behind the # alone, and every link leads to us.
      for (const link of text.match(/https?:\S+/g) ?? [])
        expect(link).toMatch(new RegExp(`^${world.origin}/[a-z-]+(#[\\w-]{43})?$`))
    }
  })
})
