import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { oneAccount } from './sign-in.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

const attempt = (address: string, password = 'not the password of anybody') =>
  world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
const bodyOf = async (answer: Response) => {
  const { requestId: _, ...body } = (await answer.json()) as Record<string, unknown>
  return { body, headers: [...answer.headers.keys()].sort(), cookies: answer.headers.getSetCookie() }
}

describe('signing in', () => {
  test('answers alike for nobody, for a wrong password and for a closed account, and sets no cookie', async () => {
    const [wrong, closed] = [await world.join(), await world.join()]
    await world.superuser(`update holdfast.person set disabled_at = clock_timestamp() where id = $1`, [closed.person])
    const answers = [
      await attempt('nobody@example.com'),
      await attempt(wrong.address),
      await attempt(closed.address, closed.password),
    ]
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
    const [first, ...others] = await Promise.all(answers.map(bodyOf))
    expect(first).toMatchObject({ body: { code: 'sign-in/not-matching' }, cookies: [] })
    for (const other of others) expect(other).toEqual(first)
  })

  test('takes the address in any capitals, and the password in none but its own', async () => {
    const { address, password } = await world.join()
    expect((await attempt(address.toUpperCase(), password)).status).toBe(200)
    expect((await attempt(address, password.toUpperCase())).status).toBe(401)
    expect((await attempt(address, `${password} `)).status).toBe(401)
  })

  test('sets the session’s cookie and the browser’s proof, which scripts cannot read', async () => {
    const { address, password } = await world.join()
    expect((await attempt(address, password)).headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^crm-session=[\w-]+\.[\w-]+\.[\w-]{86}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
      ),
      expect.stringMatching(/^crm-device=[0-9a-f]{32}\.[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
  })

  test.each([
    [{}],
    [{ address: 'a@example.com' }],
    [{ address: ['a@example.com'], password: 'x' }],
    [{ address: 'a@example.com', password: { $ne: null } }],
    [{ address: 'a@example.com', password: 'x', remember: true }],
    [{ address: 'a@example.com', password: 'x'.repeat(1025) }],
    ['[]'],
    ['{"address":"a@example.com","password":"x","password":"y"}'],
  ])('with %j is refused at the fields', async (body) => {
    const answer = await world.fetch('/api/sign-in', { method: 'POST', body })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: expect.stringMatching(/^input-validation\//) })
  })
})

test.skipIf(process.platform !== 'linux')(
  'one account takes no more attempts than its quota, wherever they come from; the right password waits too',
  async () => {
    const { address, password } = await world.join()
    const bench = await world.bench()
    try {
      for (const [network, target] of [address, 'nobody-at-all@example.com'].entries()) {
        const all: number[] = []
        // Too short to be hashed, and counted like any other; joining has used one. A client address for every three.
        for (let count = 0; count <= oneAccount.quota; count++) {
          const body = JSON.stringify({ address: target, password: 'short' })
          const from = `127.77.${network}.${1 + Math.floor(count / 3)}`
          all.push((await bench.http('/api/sign-in', { method: 'POST', body, from })).status)
        }
        expect(all.filter((status) => status === 401).length).toBeGreaterThanOrEqual(oneAccount.quota - 1)
        expect(all.at(-1)).toBe(429)
      }
    } finally {
      await bench.close()
    }
    const locked = await attempt(address, password)
    expect(locked.status).toBe(429)
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0)
  },
  60_000,
)

describe('what strangers do to an account', () => {
  const fail = (person: string, count: number) =>
    world.superuser(
      `insert into holdfast.failures (subject, authenticator, strangers) values ('${person}', 'password', ${count})
       on conflict (subject, authenticator) do update set strangers = excluded.strangers`,
    )
  const signIn = (address: string, password: string, cookie?: string) =>
    world.fetch('/api/sign-in', { method: 'POST', body: { address, password }, ...(cookie && { cookie }) })

  test('keeps its owner out of new browsers after a hundred failures, and never out of their own', async () => {
    const { address, password, person } = await world.join()
    const known = (await signIn(address, password)).headers.getSetCookie().find((one) => one.startsWith('crm-device='))!
    await fail(person, 89)
    expect((await signIn(address, 'not the password of anybody')).status).toBe(401)
    // The right one, and it is answered as any wrong one is.
    expect((await signIn(address, password)).status).toBe(401)
    await expect
      .poll(() => world.mails.filter(({ to }) => to === address).map(({ subject }) => subject))
      .toContain('Too many wrong tries: Bight')
    expect((await signIn(address, password, known.split(';')[0])).status).toBe(200)
  })

  test('is told to its owner when a browser of another kind signs in', async () => {
    const { address, password } = await world.join()
    const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' }
    const answer = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password }, headers })
    expect(answer.status).toBe(200)
    await expect
      .poll(() => world.mails.filter(({ to }) => to === address).map(({ subject }) => subject))
      .toContain('A new device signed in: Bight')
  })
})

describe('a passkey alone', () => {
  test.each([
    [{}],
    [{ id: 'AAAA', clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA', more: 1 }],
    [{ id: 'A A', clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA' }],
    [{ id: ['AAAA'], clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA' }],
  ])('is refused at the fields: %j', async (body) => {
    expect((await world.fetch('/api/sign-in/passkey', { method: 'POST', body })).status).toBe(400)
  })

  test('that is none, or answers a challenge that is not ours, opens nothing and tells nothing', async () => {
    const asked = await world.fetch('/api/sign-in/passkey/options', { method: 'POST', body: {} })
    const { challenge } = (await asked.json()) as { challenge: string }
    const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const answers = [
      { type: 'webauthn.get', challenge, origin: world.origin },
      // Used up by the one before.
      { type: 'webauthn.get', challenge, origin: world.origin },
      { type: 'webauthn.get', challenge: 'AAAA', origin: world.origin },
      { type: 'webauthn.get', challenge, origin: 'https://evil.example', crossOrigin: true },
      null,
      'text',
    ]
    for (const said of answers) {
      const body = { id: 'A'.repeat(22), clientDataJSON: text(said), authenticatorData: 'AAAA', signature: 'AAAA' }
      const answer = await world.fetch('/api/sign-in/passkey', { method: 'POST', body })
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        422,
        'two-factor/passkey-not-matching',
      ])
      expect(answer.headers.getSetCookie()).toEqual([])
    }
  })
})
