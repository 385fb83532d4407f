import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { crm } from '../../../examples/crm/crm.ts'
import { expectTurnsRed } from '../../../test/world/turns-red.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import type { Answer, Ask, Bench, Canary, RouteSeen } from '../../kernel/bench.ts'
import { Refusal } from '../../kernel/refusal.ts'
import { open } from '../../platform/http/route.ts'
import { newNonce, refuseCrossSite, responseHeaders } from './browser-defences.ts'
import { browserDefences } from './control.ts'
import { probes } from './probes.ts'

const reason = 'because the test mailer posts here, and shows its signature in the body'

describe('in a whole foundation', () => {
  let world: World
  let bench: Awaited<ReturnType<World['bench']>>
  beforeAll(async () => {
    const hook = open({
      method: 'POST',
      path: '/api/hooks/mail',
      summary: 'What the mailer posts',
      limit: { name: 'hooks', quota: 600, windowSeconds: 60 },
      crossSite: reason,
      body: z.strictObject({}),
      response: z.strictObject({ session: z.boolean() }),
      run: async (_, caller) => ({ body: { session: caller.entry !== undefined || caller.session !== undefined } }),
    })
    const product = { ...crm, routes: { ...crm.routes, hook } }
    world = await startWorld({ product, superuser: inject('superuser') })
    bench = await world.bench()
  }, 120_000)
  afterAll(async () => {
    await bench?.close()
    await world?.stop()
  })

  test.each(browserDefences.sabotages.map((sabotage) => [sabotage.title, sabotage] as const))(
    '%s: seen, and seen to be mended',
    (_, sabotage) => expectTurnsRed(world, bench, browserDefences, sabotage),
    180_000,
  )

  test('a route that opts out stands in the document and in the finding, with its reason', async () => {
    const hook = (await bench.routes()).find((route) => route.path === '/api/hooks/mail')
    expect(hook?.crossSite).toBe(reason)
    const { saw } = await probes['browser-defences/cross-site-changes-nothing'].run(bench)
    expect(saw).toContain(`1 route opts out: POST /api/hooks/mail ${reason}`)
  })

  test('a token opens nothing for another session of the same person, and dies with its own', async () => {
    const ada = await world.join('Ada')
    const again = await world.fetch('/api/sign-in', {
      method: 'POST',
      body: { address: ada.address, password: ada.password },
    })
    const other = again.headers.getSetCookie()[0]!.split(';')[0]!
    const read = await world.fetch('/api/csrf-token', { cookie: ada.cookie })
    const { token } = (await read.json()) as { token: string }
    const signOut = async (headers: Record<string, string>) => {
      const silent = { origin: '', 'sec-fetch-site': '' }
      const asked = { method: 'POST', body: '{}', headers: { ...silent, ...headers } }
      return (await bench.http('/api/sign-out', asked)).status
    }
    expect(await signOut({ cookie: ada.cookie })).toBe(403)
    expect(await signOut({ 'x-csrf-token': token })).toBe(403)
    expect(await signOut({ cookie: other, 'x-csrf-token': token })).toBe(403)
    expect(await signOut({ cookie: `${ada.cookie}; ${other}`, 'x-csrf-token': token })).toBe(403)
    expect((await world.fetch('/api/me', { cookie: ada.cookie })).status).toBe(200)
    expect((await world.fetch('/api/me', { cookie: other })).status).toBe(200)
    expect(await signOut({ cookie: ada.cookie, 'x-csrf-token': token })).toBe(204)
    const founding = { method: 'POST', body: '{"name":"Late"}', headers: { origin: '', 'sec-fetch-site': '' } }
    const late = { ...founding, headers: { ...founding.headers, cookie: ada.cookie, 'x-csrf-token': token } }
    expect((await bench.http('/api/organisations', late)).status).toBe(401)
  })

  test('a route that opts out sees no session, whoever sends the cookie', async () => {
    const ada = await world.join('Ada')
    for (const site of ['cross-site', 'same-origin']) {
      const headers = { 'sec-fetch-site': site }
      const answer = await world.fetch('/api/hooks/mail', { method: 'POST', body: {}, cookie: ada.cookie, headers })
      expect([answer.status, await answer.json()]).toEqual([200, { session: false }])
    }
  })
})

/** A real server with nothing but the mechanism and odd pages. */
async function startServer(weaknesses: Set<string>) {
  const server = createAdaptorServer({ fetch: (request: Request) => answer(request, origin(), weaknesses) })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin: origin(), stop: () => new Promise((resolve) => server.close(resolve)) }
}

function answer(request: Request, origin: string, weaknesses: Set<string>): Response {
  const path = new URL(request.url).pathname
  const kind = path.startsWith('/api/') ? 'api' : path.endsWith('.js') ? 'asset' : 'page'
  const nonce = weaknesses.has('nonce for all') ? 'a'.repeat(24) : newNonce()
  const headers = responseHeaders({ kind, https: false, nonce })
  const send = (status: number, type: string, body: string) =>
    new Response(body, { status, headers: { ...headers, 'content-type': type } })
  try {
    refuseCrossSite(request, origin)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return send(error.kind.status, 'application/problem+json', JSON.stringify(error.kind))
  }
  if (kind === 'asset') return send(200, 'text/javascript', '1')
  if (kind === 'page')
    return send(path === '/' || path === '/security' ? 200 : 404, 'text/html', page(nonce, weaknesses))
  if (path === '/api/csrf-token') return send(200, 'application/json', JSON.stringify({ token: 'x'.repeat(76) }))
  return send(request.method === 'GET' ? 200 : 400, 'application/json', '{}')
}

function page(nonce: string, weaknesses: Set<string>): string {
  const handler = weaknesses.has('inline handler') ? ' onclick="go()"' : ''
  const script = weaknesses.has('script without nonce') ? '<script>1</script>' : ''
  return `<!doctype html><script nonce="${nonce}" src="/built/app-1.js"></script>${script}<p${handler} title="once on=off">x</p>`
}

const routes: RouteSeen[] = [
  route('POST', '/api/sign-in', 'nobody'),
  route('POST', '/api/o/{organisation}/contacts', 'contacts.write'),
  route('DELETE', '/api/o/{organisation}/contacts/{contact}', 'contacts.write'),
  route('GET', '/api/o/{organisation}/contacts', 'contacts.read'),
]

function route(method: string, path: string, needs: string): RouteSeen {
  return { method, path, needs, limit: 'api', changes: method !== 'GET', hasSchemas: true, sampleQuery: '' }
}

function benchFor(origin: string): Bench {
  const never = () => Promise.reject(new Error('this bench has no such thing'))
  const canary: Canary = {
    name: 'Ada',
    address: 'ada@canary.invalid',
    person: crypto.randomUUID(),
    organisation: crypto.randomUUID(),
    cookie: 'cookie-of-a',
    entry: new Uint8Array(32),
    marks: [],
  }
  return {
    product: 'crm',
    origin,
    mayDisturb: true,
    now: () => new Date(),
    canaries: { a: canary, b: canary, unverified: canary },
    http: (path, ask) => send(origin, path, ask),
    routes: () => Promise.resolve(routes),
    mail: never,
    sql: never,
    transaction: never,
    stacked: never,
    catalogue: never,
  }
}

// Not `fetch`: it writes Sec-Fetch headers of its own.
function send(origin: string, path: string, ask: Ask = {}): Promise<Answer> {
  const started = performance.now()
  const cookie = ask.as ? { cookie: `crm-session=${ask.as.cookie}` } : {}
  const ours = { 'sec-fetch-site': 'same-origin', origin, ...cookie, ...ask.headers }
  const headers = Object.fromEntries(Object.entries(ours).filter(([, value]) => value !== ''))
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${origin}${path}`, { method: ask.method ?? 'GET', headers })
    sent.on('error', reject)
    sent.on('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      const headers = new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)]))
      resolve({ status: response.statusCode!, headers, text, milliseconds: performance.now() - started })
    })
    sent.end(ask.body)
  })
}

const running: { stop(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

describe('strict-headers', () => {
  test.each(['inline handler', 'script without nonce', 'nonce for all'])('sees a page with: %s', async (weakness) => {
    const server = await startServer(new Set([weakness]))
    running.push(server)
    expect(await probes['browser-defences/strict-headers'].run(benchFor(server.origin))).toMatchObject({
      status: 'broken',
    })
  })
})

describe('cross-site-changes-nothing', () => {
  test('is inconclusive where no route changes anything', async () => {
    const bench = { ...benchFor('http://127.0.0.1:1'), routes: () => Promise.resolve([]) }
    expect(await probes['browser-defences/cross-site-changes-nothing'].run(bench)).toMatchObject({
      status: 'inconclusive',
    })
  })

  test('is inconclusive where the gate takes no token, or refuses our own pages', async () => {
    const server = await startServer(new Set())
    running.push(server)
    const bench = benchFor(server.origin)
    const run = (http: Bench['http']) =>
      probes['browser-defences/cross-site-changes-nothing'].run({ ...bench, http }).then(({ saw }) => saw)
    expect(await run(bench.http)).toContain('the gate refused the right token')
    const forged = { origin: 'null', 'sec-fetch-site': 'none' }
    const refusing: Bench['http'] = (path, ask) =>
      bench.http(path, ask?.as ? ask : { ...ask, headers: { ...ask?.headers, ...forged } })
    expect(await run(refusing)).toContain('the gate refused a same-origin request')
  })
})
