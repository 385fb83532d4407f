import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Answer, Ask, Bench, Canary, RouteSeen } from '../../kernel/bench.ts'
import { Refusal, type RefusalKind } from '../../kernel/refusal.ts'
import { inputValidation } from './control.ts'
import { address, id, text } from './fields.ts'
import { nothing, readJson, readQuery, validate } from './input-validation.ts'
import { probes } from './probes.ts'

interface Made {
  readonly method: string
  readonly path: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodObject
}

const contact = z.strictObject({ contact: id() })
const made: readonly Made[] = [
  { method: 'POST', path: '/api/sign-up', body: z.strictObject({ mail: address(), name: text({ max: 40 }) }) },
  { method: 'POST', path: '/api/sign-out', body: nothing },
  {
    method: 'GET',
    path: '/api/o/:organisation/contacts',
    query: z.strictObject({ search: text({ max: 40 }).optional() }),
  },
  { method: 'GET', path: '/api/o/:organisation/contacts/:contact', params: contact },
  {
    method: 'PATCH',
    path: '/api/o/:organisation/contacts/:contact',
    params: contact,
    body: z.strictObject({ name: text({ max: 40 }).optional() }),
  },
  { method: 'DELETE', path: '/api/o/:organisation/contacts/:contact', params: contact },
]

const notFound: RefusalKind = { code: 'test/not-found', status: 404, title: 'Not found.' }

/** A real server with nothing but the mechanism, and the weaknesses that the control's sabotages name. */
async function startServer(weaknesses: Set<string>) {
  const did: string[] = []
  const app = new Hono()
  for (const route of made)
    app.on(route.method, route.path, async (context) => {
      await readAll(context.req.raw, context.req.param(), route, weaknesses)
      did.push(`${route.method} ${route.path}`)
      if (weaknesses.has('error of the server')) throw new Error('unexpected')
      if (route.params) throw new Refusal(notFound)
      return context.json({})
    })
  app.notFound(() => problem(new Refusal(notFound), weaknesses))
  app.onError((error) => {
    if (error instanceof Refusal) return problem(error, weaknesses)
    return new Response('oh', { status: 500 })
  })
  const server = createAdaptorServer({ fetch: app.fetch })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, did, stop: () => new Promise((resolve) => server.close(resolve)) }
}

async function readAll(request: Request, params: Record<string, string>, route: Made, weaknesses: Set<string>) {
  const { organisation: _, ...own } = params
  const loosen = (schema: z.ZodObject) =>
    weaknesses.has('input-validation/unknown-fields-pass') ? schema.loose() : schema
  validate(loosen(route.params ?? nothing), own, 'params')
  validate(loosen(route.query ?? nothing), readQuery(request.url), 'query')
  if (!route.body) return
  const body = await readJson(request, 1_000_000)
  if (weaknesses.has('input-validation/schema-ignored')) return
  validate(loosen(route.body), body, 'body')
}

function problem(refusal: Refusal, weaknesses: Set<string>): Response {
  const { code, status, title } = refusal.kind
  const body = { type: `/errors#${code}`, code, title, fields: refusal.fields, ...refusal.extra }
  const type = weaknesses.has('no problem document') ? 'application/json' : 'application/problem+json'
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': type } })
}

const routes: RouteSeen[] = made.map(({ method, path }) => ({
  method,
  path: path.replace(/:(\w+)/g, '{$1}'),
  needs: 'session',
  limit: 'api',
  changes: method !== 'GET',
  hasSchemas: true,
  sampleQuery: '',
}))

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

function send(origin: string, path: string, ask: Ask = {}): Promise<Answer> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${origin}${path}`, {
      method: ask.method ?? 'GET',
      headers: Object.fromEntries(Object.entries(ask.headers ?? {}).filter(([, value]) => value !== '')),
      ...(ask.from === undefined ? {} : { localAddress: ask.from }),
    })
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

const probe = probes['input-validation/every-input-has-a-schema']
const running: { stop(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

async function start(weaknesses: Set<string>) {
  const server = await startServer(weaknesses)
  running.push(server)
  return server
}

/** Only Linux routes all of 127.0.0.0/8 to itself. */
describe.runIf(process.platform === 'linux')('against a real server', () => {
  test.each(inputValidation.sabotages.map(({ weakness }) => weakness!))(
    '%s turns the probe red, and mending turns it back',
    async (weakness) => {
      const weaknesses = new Set<string>()
      const server = await start(weaknesses)
      const bench = benchFor(server.origin)
      const before = await probe.run(bench)
      expect(before).toMatchObject({ status: 'holds' })
      expect(before.examined).toBeGreaterThan(100)
      // Nothing that the probe sends may ever be carried out by a server that is well.
      expect(server.did).toEqual([])
      weaknesses.add(weakness)
      expect(await probe.run(bench)).toMatchObject({ status: 'broken' })
      weaknesses.clear()
      expect(await probe.run(bench)).toMatchObject({ status: 'holds' })
    },
    30_000,
  )

  test('an error of the server is red, and so is a refusal that is no problem document', async () => {
    for (const weakness of ['error of the server', 'no problem document']) {
      const weaknesses = new Set([weakness, 'input-validation/schema-ignored'])
      if (weakness === 'no problem document') weaknesses.delete('input-validation/schema-ignored')
      expect(await probe.run(benchFor((await start(weaknesses)).origin))).toMatchObject({ status: 'broken' })
    }
  })

  test('a route that says itself that it has no schemas is red', async () => {
    const bench = benchFor((await start(new Set())).origin)
    const bare = { ...routes[0]!, hasSchemas: false }
    const outcome = await probe.run({ ...bench, routes: () => Promise.resolve([...routes, bare]) })
    expect(outcome).toMatchObject({ status: 'broken', saw: 'POST /api/sign-up states no schemas' })
  })

  test('answers that are all from the limiter show nothing', async () => {
    const bench = benchFor('http://127.0.0.1:1')
    const limited = { status: 429, headers: new Headers(), text: '', milliseconds: 1 }
    expect(await probe.run({ ...bench, http: () => Promise.resolve(limited) })).toMatchObject({
      status: 'inconclusive',
    })
  })

  test('a route whose every answer comes from before its schemas is not counted as well', async () => {
    const bench = benchFor('http://127.0.0.1:1')
    const headers = new Headers({ 'content-type': 'application/problem+json' })
    const signedOut = { status: 401, headers, text: '{"code":"sessions/none"}', milliseconds: 1 }
    const outcome = await probe.run({ ...bench, http: () => Promise.resolve(signedOut) })
    expect(outcome).toMatchObject({ status: 'inconclusive', saw: expect.stringContaining('no request reached') })
  })
})

test('without an address to call from it is inconclusive, and any other failure is thrown', async () => {
  const bench = benchFor('http://127.0.0.1:1')
  const fails = (code: string) => ({ ...bench, http: () => Promise.reject(Object.assign(new Error(code), { code })) })
  expect(await probe.run(fails('EADDRNOTAVAIL'))).toMatchObject({ status: 'inconclusive' })
  await expect(probe.run(fails('ECONNREFUSED'))).rejects.toThrow('ECONNREFUSED')
  await expect(probe.run(fails('ECONNRESET'))).rejects.toThrow('ECONNRESET')
})
