import { request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Refusal } from '../../kernel/refusal.ts'
import { address, text } from './fields.ts'
import { readFile, readJson, validate } from './input-validation.ts'

const mebibyte = 1_048_576
const person = z.strictObject({ name: text({ max: 40 }), mail: address(), role: z.enum(['member']).optional() })

let server: Server
let port: number
let mostHeld = 0

beforeAll(async () => {
  server = createAdaptorServer({ fetch: answer }) as Server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function answer(request: Request): Promise<Response> {
  try {
    if (request.url.endsWith('/file')) {
      const bytes = await readFile(request, { types: ['text/csv'], maxBytes: 4 * mebibyte })
      return Response.json({ length: bytes.byteLength })
    }
    return Response.json(validate(person, await readJson(request, mebibyte), 'body'))
  } catch (error) {
    mostHeld = Math.max(mostHeld, process.memoryUsage().arrayBuffers)
    if (error instanceof Refusal) return Response.json(error.kind, { status: error.kind.status })
    return new Response('an error of the server', { status: 500 })
  }
}

interface Sent {
  readonly type?: string
  readonly declared?: number
  /** Called for more until it gives undefined. */
  readonly chunks: () => Buffer | undefined
}

/** Sends over a real connection, as slowly as the server reads, and stops as soon as an answer is there. */
function send(
  path: string,
  { type = 'application/json', declared, chunks }: Sent,
): Promise<{ status: number; sent: number }> {
  return new Promise((resolve, reject) => {
    let sent = 0
    let status = 0
    const headers = { 'content-type': type, ...(declared === undefined ? {} : { 'content-length': String(declared) }) }
    const asked = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: false }, (response) => {
      status = response.statusCode!
      response.resume()
      resolve({ status, sent })
    })
    asked.on('error', (error) => (status === 0 ? reject(error) : undefined))
    const more = () => {
      for (let chunk = chunks(); status === 0 && chunk !== undefined; chunk = chunks()) {
        sent += chunk.length
        if (!asked.write(chunk)) return void asked.once('drain', more)
      }
      if (status === 0) asked.end()
      else asked.destroy()
    }
    more()
  })
}

function once(body: string | Buffer): Sent['chunks'] {
  const rest = [Buffer.from(body)]
  return () => rest.shift()
}

describe('bodies without end', () => {
  test('a gigabyte in chunks is refused after the limit, and never held', async () => {
    const chunk = Buffer.alloc(65_536, 0x20)
    let left = 16_384
    const before = process.memoryUsage().arrayBuffers
    const seen = await send('/', { chunks: () => (left-- > 0 ? chunk : undefined) })
    expect(seen.status).toBe(413)
    expect(seen.sent).toBeLessThan(64 * mebibyte)
    expect(mostHeld - before).toBeLessThan(32 * mebibyte)
  })

  test('a declared gigabyte is refused before any of it is sent', async () => {
    let asked = false
    const chunks = () => {
      if (asked) return undefined
      asked = true
      return Buffer.from('{')
    }
    expect(
      await Promise.race([send('/file', { type: 'text/csv', declared: 2 ** 30, chunks }), later(5000)]),
    ).toMatchObject({ status: 413 })
  })

  test('a file of exactly the limit is taken, one byte more is not', async () => {
    for (const [bytes, status] of [
      [4 * mebibyte, 200],
      [4 * mebibyte + 1, 413],
    ] as const)
      expect((await send('/file', { type: 'text/csv', chunks: once(Buffer.alloc(bytes)) })).status).toBe(status)
  })

  test('a client that leaves in the middle does not stop the server', async () => {
    await new Promise<void>((resolve) => {
      const asked = httpRequest({
        host: '127.0.0.1',
        port,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': '100' },
      })
      asked.on('error', () => resolve())
      asked.write('{"name":')
      setTimeout(() => asked.destroy(), 50)
    })
    expect((await send('/', { chunks: once('{"name":"Ada","mail":"ada@example.org"}') })).status).toBe(200)
  })
})

function later(milliseconds: number): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, 'no answer').unref())
}

describe('fields that were not asked for', () => {
  test.each([
    '{"name":"Ada","mail":"ada@example.org","role":"owner"}',
    '{"name":"Ada","mail":"ada@example.org","isAdmin":true}',
    '{"name":"Ada","mail":"ada@example.org","organisation_id":"x"}',
    '{"name":"Ada","mail":"ada@example.org","__proto__":{"role":"owner"}}',
    '{"name":"Ada","mail":"ada@example.org","constructor":{"prototype":{"role":"owner"}}}',
    '{"name":"Ada","mail":"ada@example.org","mail":"eve@evil.example"}',
    '{"name":"Ada","mail":"ada@example.org","m\\u0061il":"eve@evil.example"}',
    '{"name":"Ada","mail":["ada@example.org","eve@evil.example"]}',
    '{"name":{"$ne":null},"mail":"ada@example.org"}',
    '{"name":"Ada","mail":"ada@example.org","Name":"Eve"}',
  ])('%s', async (body) => {
    expect((await send('/', { chunks: once(body) })).status).toBe(400)
    expect(({} as { role?: string }).role).toBeUndefined()
  })
})

describe('hostile values never become an error of the server', () => {
  test.each([
    0,
    1,
    -1,
    1e308,
    true,
    null,
    [],
    {},
    '',
    'x'.repeat(100_000),
    '\u0000',
    '\ud800',
    '\u202e',
    "'; drop table",
    '=cmd()',
  ])('%j', async (value) => {
    for (const body of [
      value,
      { name: value, mail: value },
      { name: 'Ada', mail: value },
      [value],
      { [String(value)]: value },
    ]) {
      const { status } = await send('/', { chunks: once(JSON.stringify(body)) })
      expect([400, 413]).toContain(status)
    }
  })
})
