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

describe('the link of a sign-up', () => {
  test('opens by itself in the browser that signed up, once: of eight at once exactly one gets in', async () => {
    const address = freshAddress()
    const cookie = cookieOf(await signUp(address))
    const token = await tokenFor(address)
    const all = await statuses(Array.from({ length: 8 }, () => post('/api/verify', { token }, cookie)))
    expect(all.sort()).toEqual([200, 410, 410, 410, 410, 410, 410, 410])
    expect((await post('/api/verify', { token }, cookie)).status).toBe(410)
    expect((await signIn(address)).status).toBe(200)
  })

  test('asks for the password in any other: whoever opens what somebody else caused gets no account', async () => {
    const address = freshAddress()
    const attacker = cookieOf(await signUp(address, { password: other, name: 'Eve' }))
    const token = await tokenFor(address)
    const victim = cookieOf(await signUp(freshAddress()))
    for (const cookie of [
      undefined,
      victim,
      `${attacker.split('=')[0]}=${'A'.repeat(43)}`,
      `${attacker}; ${attacker}`,
    ]) {
      const answer = await post('/api/verify', { token }, cookie)
      expect([answer.status, (await answer.json()).code]).toEqual([409, 'accounts/other-browser'])
    }
    const wrong = await post('/api/verify', { token, password }, victim)
    expect(await wrong.json()).toMatchObject({
      code: 'accounts/not-that-password',
      fields: [{ pointer: '/body/password' }],
    })
    expect((await signIn(address, other)).status).toBe(401)
    // The attacker, who has the cookie, has no mailbox: without the token it opens nothing.
    expect((await post('/api/verify', { token: newToken().token }, attacker)).status).toBe(410)
  })

  test('takes ten tries at its password, and is dead', async () => {
    const address = freshAddress()
    await signUp(address)
    const token = await tokenFor(address)
    const tries = await statuses(Array.from({ length: 14 }, () => post('/api/verify', { token })))
    expect(tries.filter((status) => status === 409)).toHaveLength(10)
    expect((await post('/api/verify', { token, password })).status).toBe(410)
  })

  test('works for a day', async () => {
    const address = freshAddress()
    const cookie = cookieOf(await signUp(address))
    const token = await tokenFor(address)
    await world.superuser(`update holdfast.pending_sign_up set expires_at = clock_timestamp() where address_key = $1`, [
      address,
    ])
    expect((await post('/api/verify', { token }, cookie)).status).toBe(410)
    expect((await post('/api/verify/again', {}, cookie)).status).toBe(410)
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

  test('is stored as a hash, and so is the cookie', async () => {
    const address = freshAddress()
    const secret = cookieOf(await signUp(address)).split('=')[1]!
    const token = await tokenFor(address)
    const rows = await world.superuser(
      `select p::text as whole from holdfast.pending_sign_up p where address_key = $1
       union all select r::text from holdfast.mail_request r where address_key = $1`,
      [address],
    )
    expect(rows).toHaveLength(2)
    for (const one of [token, secret])
      for (const { whole } of rows) {
        expect(whole).not.toContain(one)
        expect(whole).not.toContain(Buffer.from(one, 'base64url').toString('hex'))
      }
  })

  test('is sent again without a session, with the first five times an hour, and each goes on working', async () => {
    const address = freshAddress()
    const cookie = cookieOf(await signUp(address))
    const first = await tokenFor(address)
    const all: number[] = []
    for (let at = 0; at < 7; at++) all.push((await post('/api/verify/again', {}, cookie)).status)
    expect(all).toEqual([202, 202, 202, 202, 429, 429, 429])
    await mailed(address, 5)
    expect(await tokenFor(address)).not.toBe(first)
    expect((await post('/api/verify', { token: first }, cookie)).status).toBe(200)
  })

  test('is sent again alike for an address that has an account; its owner is told instead', async () => {
    const { address } = await world.join()
    const known = cookieOf(await signUp(address, { password: other }))
    const unknown = cookieOf(await signUp(freshAddress()))
    const answers = [await post('/api/verify/again', {}, known), await post('/api/verify/again', {}, unknown)]
    expect(answers.map(({ status }) => status)).toEqual([202, 202])
    const mails = await mailed(address, 3)
    expect(mails.slice(1).map(({ subject }) => subject)).toEqual(Array(2).fill(expect.stringMatching(/^You already/)))
    expect((await post('/api/verify/again', {})).status).toBe(410)
  })
})
