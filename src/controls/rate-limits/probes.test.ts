import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { expectTurnsRed } from '../../../test/world/turns-red.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import type { Answer, Ask, Bench, Canary, RouteSeen } from '../../kernel/bench.ts'
import { Refusal } from '../../kernel/refusal.ts'
import type { Limit } from '../../platform/http/route.ts'
import { rateLimits } from './control.ts'
import { probes } from './probes.ts'
import { clientAddress, createLimits, joinHeaders, type LimitHeaders } from './rate-limits.ts'

const signIn: Limit = { name: 'sign-in', quota: 5, windowSeconds: 60 }
const signUp: Limit = { name: 'sign-up', quota: 20, windowSeconds: 60 }
const overall: Limit = { name: 'overall', quota: 1000, windowSeconds: 60 }
const byPath: Readonly<Record<string, Limit>> = { '/api/sign-in': signIn, '/api/sign-up': signUp }

/** A real server with nothing but the limiter, and the weaknesses that the control's sabotages name. */
async function startServer(weaknesses: Set<string>) {
  const limits = createLimits({ limits: [signIn, signUp], overall })
  const server = createAdaptorServer({
    fetch: (request: Request, bindings) => {
      try {
        const headers = spend(request, (bindings as HttpBindings).incoming.socket.remoteAddress)
        return Response.json({}, { status: byPath[new URL(request.url).pathname] ? 400 : 404, headers: { ...headers } })
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        const headers = weaknesses.has('no Retry-After') ? {} : error.headers
        return Response.json(error.kind, { status: error.kind.status, headers })
      }
    },
  })
  const spend = (request: Request, peer: string | undefined): Partial<LimitHeaders> => {
    if (weaknesses.has('rate-limits/off')) return {}
    const named = weaknesses.has('rate-limits/trusts-forwarded-for') ? request.headers.get('x-forwarded-for') : null
    const honest = named ?? clientAddress(peer, request.headers, undefined)
    const address = weaknesses.has('rate-limits/one-bucket-for-all') ? '192.0.2.1' : honest
    const limit = byPath[new URL(request.url).pathname]
    const all = limits.spendOverall(address)
    return limit ? joinHeaders(all, limits.spendByAddress(address, limit)) : all
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, stop: () => new Promise((resolve) => server.close(resolve)) }
}

const routes: RouteSeen[] = Object.entries(byPath).map(([path, limit]) => ({
  method: 'POST',
  path,
  needs: 'nobody',
  limit: `${limit.name};q=${limit.quota};w=${limit.windowSeconds}`,
  changes: true,
  hasSchemas: true,
  sampleQuery: '',
}))

function benchFor(origin: string, mayDisturb: boolean): Bench {
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
    mayDisturb,
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
      headers: { ...ask.headers },
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

const probe = probes['rate-limits/bursts-are-refused']
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
describe.runIf(process.platform === 'linux')('every sabotage turns the probe red, and mending turns it back', () => {
  const ofBursts = rateLimits.sabotages.filter(({ turnsRed }) => turnsRed.includes('rate-limits/bursts-are-refused'))
  test.each(ofBursts.map(({ weakness }) => weakness!))('%s', async (weakness) => {
    const weaknesses = new Set<string>()
    const bench = benchFor((await start(weaknesses)).origin, false)
    expect(await probe.run(bench)).toMatchObject({ status: 'holds' })
    weaknesses.add(weakness)
    expect(await probe.run(bench)).toMatchObject({ status: 'broken' })
    weaknesses.clear()
    expect(await probe.run(bench)).toMatchObject({ status: 'holds' })
  })

  test('a refusal that does not say when to come back is red', async () => {
    const bench = benchFor((await start(new Set(['no Retry-After']))).origin, false)
    expect(await probe.run(bench)).toMatchObject({ status: 'broken', saw: expect.stringContaining('Retry-After') })
  })

  test('where floods are allowed, unknown paths are flooded too', async () => {
    const outcome = await probe.run(benchFor((await start(new Set())).origin, true))
    expect(outcome).toMatchObject({ status: 'holds', saw: expect.stringContaining('unknown paths') })
    expect(outcome.examined).toBeGreaterThan(1000)
  })
})

describe('where it cannot look it does not say that it looked', () => {
  test('no such address on this system', async () => {
    const bench = benchFor('http://127.0.0.1:1', false)
    const fault = Object.assign(new Error('bind'), { code: 'EADDRNOTAVAIL' })
    const outcome = await probe.run({ ...bench, http: () => Promise.reject(fault) })
    expect(outcome).toMatchObject({ status: 'inconclusive' })
  })

  test('any other failure is thrown', async () => {
    const bench = benchFor('http://127.0.0.1:1', false)
    await expect(probe.run(bench)).rejects.toThrow('ECONNREFUSED')
  })

  test('no open route', async () => {
    const bench = { ...benchFor('http://127.0.0.1:1', false), routes: () => Promise.resolve([]) }
    expect(await probe.run(bench)).toMatchObject({ status: 'inconclusive' })
  })
})

describe('in a whole server', () => {
  let world: World
  let bench: Awaited<ReturnType<World['bench']>>
  beforeAll(async () => {
    world = await startWorld({ product: crm, superuser: inject('superuser') })
    bench = await world.bench()
  }, 120_000)
  afterAll(async () => {
    await bench?.close()
    await world?.stop()
  })

  const ofTheCounter = rateLimits.sabotages.filter(
    ({ turnsRed }) => !turnsRed.includes('rate-limits/bursts-are-refused'),
  )
  test.each(ofTheCounter)('$title', (sabotage) => expectTurnsRed(world, bench, rateLimits, sabotage), 60_000)

  test('where Redis counts, the probes say that they cannot look', async () => {
    const health = { status: 200, headers: new Headers(), text: '{"counter":"redis"}', milliseconds: 1 }
    const elsewhere = { ...bench, http: async () => health }
    for (const id of ['rate-limits/counted-across-processes', 'rate-limits/fails-closed'] as const)
      expect(await probes[id].run(elsewhere)).toMatchObject({ status: 'inconclusive' })
  })
})
