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

  test('sets one cookie that scripts cannot read', async () => {
    const { address, password } = await world.join()
    expect((await attempt(address, password)).headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^crm-session=[\w-]+\.[\w-]+\.[\w-]{86}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
      ),
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
