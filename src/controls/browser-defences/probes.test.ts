import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { afterEach, describe, expect, test } from 'vitest'
import type { Answer, Ask, Bench, Canary, RouteSeen } from '../../kernel/bench.ts'
import { Refusal } from '../../kernel/refusal.ts'
import { newNonce, refuseCrossSite, responseHeaders } from './browser-defences.ts'
import { browserDefences } from './control.ts'
import { probes } from './probes.ts'

/** A real server with nothing but the mechanism, and the weaknesses that the control's sabotages name. */
async function startServer(weaknesses: Set<string>) {
  const did: string[] = []
  const server = createAdaptorServer({ fetch: (request: Request) => answer(request, origin(), weaknesses, did) })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin: origin(), did, stop: () => new Promise((resolve) => server.close(resolve)) }
}

function answer(request: Request, origin: string, weaknesses: Set<string>, did: string[]): Response {
  const kind = new URL(request.url).pathname.startsWith('/api/')
    ? 'api'
    : request.url.endsWith('.js')
      ? 'asset'
      : 'page'
  const nonce = weaknesses.has('nonce for all') ? 'a'.repeat(24) : newNonce()
  const headers: Record<string, string> = { ...responseHeaders({ kind, https: false, nonce }) }
  if (weaknesses.has('browser-defences/header-dropped')) delete headers['x-frame-options']
  if (weaknesses.has('browser-defences/unsafe-inline'))
    headers['content-security-policy'] = headers['content-security-policy']!.replace(
      "style-src 'self'",
      "style-src 'self' 'unsafe-inline'",
    )
  const send = (status: number, type: string, body: string) =>
    new Response(body, { status, headers: { ...headers, 'content-type': type } })
  try {
    gate(request, origin, weaknesses)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return send(error.kind.status, 'application/problem+json', JSON.stringify(error.kind))
  }
  const path = new URL(request.url).pathname
  if (kind === 'asset') return send(200, 'text/javascript', '1')
  if (kind === 'page')
    return send(path === '/' || path === '/security' ? 200 : 404, 'text/html', page(nonce, weaknesses))
  if (request.method !== 'GET') did.push(`${request.method} ${path}`)
  return send(request.method === 'GET' ? 200 : 400, 'application/json', '{}')
}

function gate(request: Request, origin: string, weaknesses: Set<string>): void {
  if (weaknesses.has('browser-defences/gate-off')) return
  if (weaknesses.has('browser-defences/same-site-passes') && request.headers.get('sec-fetch-site') === 'same-site')
    return
  refuseCrossSite(request, origin)
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

describe('every sabotage turns its probe red, and mending turns it back', () => {
  test.each(browserDefences.sabotages.map((sabotage) => [sabotage.weakness!, sabotage] as const))(
    '%s',
    async (_, sabotage) => {
      const weaknesses = new Set<string>()
      const server = await startServer(weaknesses)
      running.push(server)
      const bench = benchFor(server.origin)
      const run = async () =>
        (await Promise.all(sabotage.turnsRed.map((id) => probes[id as keyof typeof probes].run(bench))))[0]!
      expect(await run()).toMatchObject({ status: 'holds' })
      expect(server.did.filter((act) => act !== 'POST /api/sign-in')).toEqual([])
      weaknesses.add(sabotage.weakness!)
      expect(await run()).toMatchObject({ status: 'broken' })
      weaknesses.clear()
      expect(await run()).toMatchObject({ status: 'holds' })
    },
  )
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

  test('is inconclusive where the gate refuses our own pages too', async () => {
    const server = await startServer(new Set())
    running.push(server)
    const bench = benchFor(server.origin)
    const http: Bench['http'] = (path, ask) =>
      bench.http(path, { ...ask, headers: { ...ask?.headers, origin: 'null', 'sec-fetch-site': 'none' } })
    expect(await probes['browser-defences/cross-site-changes-nothing'].run({ ...bench, http })).toMatchObject({
      status: 'inconclusive',
    })
  })
})
