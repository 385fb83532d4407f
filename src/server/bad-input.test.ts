import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { study } from '../../examples/study/study.ts'
import { startWorld, type World } from '../../test/world/world.ts'
import type { Answer, Bench } from '../kernel/bench.ts'

/** The part of a JSON schema that is read here. */
interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}

interface Endpoint {
  readonly method: string
  readonly path: string
  /** The fields of its JSON body. */
  readonly fields: Readonly<Record<string, Schema>>
}

/** Of another type than the schema's: none may be taken for one of the right type. */
const otherTypes: Readonly<Record<string, readonly unknown[]>> = {
  string: [['a'], [], {}, { toString: 'a' }, 1, 0, true, false, null],
  integer: ['1', [1], {}, 1.5, 1e300, true, null],
  number: ['1', [1], {}, true, null],
  boolean: ['true', 'on', 1, 0, [true], {}, null],
  array: ['a', {}, { length: 1, 0: 'a' }, 1, true, null],
  object: ['a', [], [{}], 1, true, null],
}

describe.each([
  ['organisations', crm],
  ['individuals', study],
] as const)('every endpoint of a product for %s', (_, product) => {
  let world: World
  let bench: Bench & { close(): Promise<void> }
  let endpoints: Endpoint[]
  beforeAll(async () => {
    world = await startWorld({ product, superuser: inject('superuser') })
    bench = await world.bench()
    const document = JSON.parse((await bench.http('/api/openapi.json')).text) as {
      paths: Record<string, Record<string, Operation>>
    }
    endpoints = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { requestBody }]) => {
        const schema = requestBody?.content['application/json']?.schema
        return schema === undefined ? [] : [{ method: method.toUpperCase(), path, fields: schema.properties ?? {} }]
      }),
    )
    expect(endpoints.length).toBeGreaterThanOrEqual(10)
  }, 120_000)
  afterAll(async () => {
    await bench?.close()
    await world?.stop()
  })

  // Whoever sends too much is limited by address: each request has an address of its own.
  let sent = 0
  const from = () => `127.67.${(++sent >> 8) & 255}.${sent & 255}`

  /** Without a session: what passed the schema would show as 401, or as another code. */
  function send({ method, path }: Endpoint, body: string, type = 'application/json'): Promise<Answer> {
    const filled = path.replaceAll(/\{[^}]+\}/g, () => crypto.randomUUID())
    return bench.http(filled, { method, body, from: from(), headers: { 'content-type': type } })
  }

  /** The target is not parsed on the way: a URL parser would take the odd ones apart. */
  function asItStands(target: string): Promise<IncomingMessage> {
    const { port, host } = new URL(bench.origin)
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path: target, headers: { host } }, (answer) => {
        answer.resume()
        resolve(answer)
      })
      asked.on('error', reject).end()
    })
  }

  const problemOf = (answer: Answer) =>
    JSON.parse(answer.text) as { code: string; fields?: { pointer: string; reason: string }[] }

  test('takes no other content type, and no form', async () => {
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/json',
      'application/jsonp',
      'application/json-seq',
      'application/ld+json',
      'application/json, text/plain',
      'application/json; charset=utf-16',
      'application/jso\u00f1',
      ' ',
    ]
    for (const endpoint of endpoints)
      for (const type of types) {
        const answer = await send(endpoint, '{}', type)
        const told = `${endpoint.method} ${endpoint.path} as ${type}`
        expect([answer.status, problemOf(answer).code], told).toEqual([415, 'input-validation/wrong-content-type'])
      }
  }, 60_000)

  test('takes no array for a text, no text for a number, no object for either', async () => {
    let examined = 0
    for (const endpoint of endpoints)
      for (const [name, { type = '' }] of Object.entries(endpoint.fields))
        for (const value of otherTypes[type] ?? []) {
          const answer = await send(endpoint, JSON.stringify({ [name]: value }))
          const told = `${endpoint.method} ${endpoint.path}: ${name} = ${JSON.stringify(value)}`
          expect([answer.status, problemOf(answer).code], told).toEqual([400, 'input-validation/invalid-fields'])
          expect(
            problemOf(answer).fields?.filter(({ pointer }) => pointer.startsWith(`/body/${name}`)),
            told,
          ).not.toEqual([])
          examined += 1
        }
    expect(examined).toBeGreaterThan(100)
  }, 120_000)

  test('takes no field twice, whichever of the two a reader would have believed', async () => {
    for (const endpoint of endpoints)
      for (const name of Object.keys(endpoint.fields)) {
        const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
        for (const body of [`{"${name}":"a","${name}":"b"}`, `{"${name}":"a","${escaped}":"b"}`]) {
          const answer = await send(endpoint, body)
          expect(answer.status, `${endpoint.method} ${endpoint.path}: ${body}`).toBe(400)
          expect(problemOf(answer).code).toBe('input-validation/malformed-json')
        }
      }
  }, 60_000)

  test('takes no text of a million characters, and says so in less than a second', async () => {
    for (const endpoint of endpoints)
      for (const [name, { type }] of Object.entries(endpoint.fields)) {
        if (type !== 'string') continue
        for (const [body, statuses] of [
          [JSON.stringify({ [name]: 'a'.repeat(1_000_000) }), [413]],
          [JSON.stringify({ [name]: 'a@'.repeat(30_000) }), [400]],
          [JSON.stringify({ [name]: '\u0301'.repeat(30_000) }), [400]],
        ] as const) {
          const answer = await send(endpoint, body)
          expect(statuses, `${endpoint.method} ${endpoint.path}: ${name}, ${body.length}`).toContain(answer.status)
          expect(answer.milliseconds).toBeLessThan(1000)
        }
      }
  }, 120_000)

  test('never lets a line break into a header, from the body, the path or the query', async () => {
    const injected = 'x\r\nSet-Cookie: injected=1\r\nX-Injected: 1'
    const judge = (answer: Answer, told: string) => {
      expect(answer.status, told).toBeGreaterThanOrEqual(400)
      expect(answer.status, told).toBeLessThan(500)
      for (const [name, value] of answer.headers) expect(`${name}: ${value}`, told).not.toMatch(/injected/i)
    }
    for (const endpoint of endpoints) {
      for (const [name, { type }] of Object.entries(endpoint.fields))
        if (type === 'string')
          judge(await send(endpoint, JSON.stringify({ [name]: injected })), `${endpoint.path}: ${name}`)
      const encoded = encodeURIComponent(injected)
      const path = endpoint.path.replaceAll(/\{[^}]+\}/g, encoded)
      judge(await bench.http(path, { method: endpoint.method, body: '[]', from: from() }), `the path ${path}`)
      judge(await bench.http(`${path}?${encoded}=${encoded}`, { from: from() }), `the query of ${path}`)
    }
    for (const { method, path } of (await bench.routes()).filter((route) => route.method === 'GET')) {
      const encoded = encodeURIComponent(injected)
      const asked = `${path.replaceAll(/\{[^}]+\}/g, encoded)}?next=${encoded}`
      judge(await bench.http(asked, { method, from: from() }), asked)
    }
  }, 120_000)

  test('sends nobody anywhere else: no answer has a Location that leads away', async () => {
    const away = ['//evil.example', '/\\evil.example', 'https://evil.example', '/%09/evil.example', '/%5cevil.example']
    for (const next of away)
      for (const path of [next, `/sign-in?next=${next}`, `/?next=${next}`, `/verify?return_to=${next}`]) {
        const answer = await asItStands(path)
        expect(answer.headers.location, path).toBeUndefined()
        expect([200, 400, 404, 421], path).toContain(answer.statusCode)
      }
  })
})
