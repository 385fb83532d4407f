import { request } from 'node:http'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type World } from '../../../test/world/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

/**
 * Milliseconds of the processor, the least of a few, taken in turns. Not time on the wall: other programs run on this machine,
 * and this process is server and client in one. It tells a hash too few or too many (some 250 ms) for certain, and a few
 * milliseconds not at all: telling.test.ts does, over a thousand samples.
 */
async function leastWork(...runs: ((count: number) => Promise<unknown>)[]): Promise<number[]> {
  const least = runs.map(() => Number.POSITIVE_INFINITY)
  for (let count = 0; count < 4; count++)
    for (const [which, run] of runs.entries()) {
      const before = process.cpuUsage()
      await run(count)
      least[which] = Math.min(least[which]!, process.cpuUsage(before).user / 1000)
    }
  return least
}

const post = async (path: string, body: unknown, status: number) => {
  const answer = await world.fetch(path, { method: 'POST', body })
  expect(answer.status).toBe(status)
}

test('an address without an account makes as much work as a wrong password', async () => {
  const { address } = await world.join()
  const password = 'not the password of anybody'
  const [known, unknown] = await leastWork(
    () => post('/api/sign-in', { address, password }, 401),
    (count) => post('/api/sign-in', { address: `nobody${count}@example.com`, password }, 401),
  )
  expect(known! / unknown!).toBeGreaterThan(0.7)
  expect(known! / unknown!).toBeLessThan(1.4)
}, 60_000)

test('signing up with a known address makes as much work as with a new one', async () => {
  const { address } = await world.join()
  const person = { name: 'Ada', password: 'three blue whales dance' }
  const [known, fresh] = await leastWork(
    () => post('/api/sign-up', { ...person, address }, 202),
    (count) => post('/api/sign-up', { ...person, address: `fresh${count}@example.com` }, 202),
  )
  expect(known! / fresh!).toBeGreaterThan(0.7)
  expect(known! / fresh!).toBeLessThan(1.4)
}, 60_000)

test('a password that was long enough beside a second factor alone opens nothing once that is gone', async () => {
  const { address, person } = await world.join()
  const count = `select count(*)::int as count from holdfast.pass where person_id = $1 and revoked_at is null`
  const reset = async (password: string) => {
    const old = world.mails.length
    await post('/api/reset', { address }, 202)
    await expect.poll(() => world.mails.slice(old).some(({ to }) => to === address)).toBe(true)
    const token = await mailedToken(world.mails, address, /\/new-password#([\w-]+)/)
    await post('/api/reset/finish', { token, password }, 200)
  }
  await world.superuser('select holdfast.want_assurance($1, 2::smallint)', [person])
  await reset('herons wait')
  await world.superuser('select holdfast.remove_factors($1)', [person])
  const answer = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password: 'herons wait' } })
  expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []])
  expect(await answer.json()).toMatchObject({ code: 'sign-in/too-short-alone' })
  expect(await world.superuser(count, [person])).toEqual([{ count: 0 }])
  // Only whoever has the password is told.
  await post('/api/sign-in', { address, password: 'herons wade' }, 401)
  await reset('herons wait in the rain')
  await post('/api/sign-in', { address, password: 'herons wait in the rain' }, 200)
}, 60_000)

test('a crowd that signs in keeps nobody else waiting, and all get in', async () => {
  const people = await Promise.all(Array.from({ length: 4 }, () => world.join()))
  const { cookie } = people[0]!
  let done = false
  const crowd = Promise.all(
    Array.from({ length: 12 }, (_, index) => {
      const { address, password } = people[index % people.length]!
      return world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
    }),
  ).finally(() => {
    done = true
  })
  let answered = 0
  while (!done) {
    expect((await world.fetch('/api/me', { cookie })).status).toBe(200)
    answered++
    await new Promise((go) => setTimeout(go, 15))
  }
  expect(new Set((await crowd).map(({ status }) => status))).toEqual(new Set([200]))
  // Behind the crowd's hashes it would have been one, or two; whatever the machine does besides, it was many.
  expect(answered).toBeGreaterThan(20)
}, 60_000)

/** From a loopback address of its own, so that it is another client to the limits. */
function signInFrom(client: string, address: string, password: string): Promise<number> {
  const { host, port } = new URL(world.origin)
  const headers = { host, origin: world.origin, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path: '/api/sign-in', method: 'POST', localAddress: client, headers },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode!))
      },
    )
    asked.on('error', reject)
    asked.end(JSON.stringify({ address, password }))
  })
}

test.runIf(process.platform === 'linux')(
  'two clients that fill the line of hashes keep no third one out',
  async () => {
    const { address, password } = await world.join()
    let over = 0
    // Each within its quota, together more than may wait.
    const flood = ['127.99.0.1', '127.99.0.2'].flatMap((client) =>
      Array.from({ length: 58 }, (_, index) =>
        signInFrom(client, `flood${index}@example.com`, 'not the password of anybody').then(
          () => over++,
          () => 'the world has ended: half a minute of hashes is not waited for',
        ),
      ),
    )
    await new Promise((go) => setTimeout(go, 300))
    expect(await signInFrom('127.99.0.3', address, password)).toBe(200)
    expect(over).toBeLessThan(flood.length / 2)
  },
  120_000,
)
