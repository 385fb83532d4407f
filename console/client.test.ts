import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { type Call, createClient } from './client.ts'
import type { routes } from './fixture/routes.ts'
import { readProblem } from './problem.ts'

const client = createClient<typeof routes>({
  listBoats: ['GET', '/api/o/:organisation/boats'],
  readBoat: ['GET', '/api/o/:organisation/boats/:boat'],
  createBoat: ['POST', '/api/o/:organisation/boats'],
  deleteBoat: ['DELETE', '/api/o/:organisation/boats/:boat'],
})

describe('a client', () => {
  it('makes addresses in which values stay values', () => {
    const organisation = 'a/../b?c#d'
    expect(client.readBoat.address({ organisation, params: { boat: '../x' } })).toBe(
      '/api/o/a%2F..%2Fb%3Fc%23d/boats/..%2Fx',
    )
    expect(client.listBoats.address({ organisation: 'o', query: { search: 'a&b=c', after: '' } })).toBe(
      '/api/o/o/boats?search=a%26b%3Dc',
    )
  })

  it('makes no address with a hole in it', () => {
    expect(() => client.readBoat.address({ organisation: '', params: { boat: 'x' } })).toThrow(/organisation/)
    // @ts-expect-error the parameter is wanted
    expect(() => client.readBoat.address({ organisation: 'o' })).toThrow(/boat/)
  })

  it('is typed by the records', () => {
    type Boat = { id: string; name: string; berth: string; metres: number; builtOn: string }
    expectTypeOf(client.readBoat).returns.resolves.toEqualTypeOf<Boat>()
    expectTypeOf(client.listBoats).returns.resolves.toEqualTypeOf<{ boats: Boat[]; next: string | null }>()
    expectTypeOf<Parameters<typeof client.listBoats>[0]>().toExtend<{ organisation: string; query?: object }>()
    // @ts-expect-error a body is wanted
    const wrong: Parameters<typeof client.createBoat>[0] = { organisation: 'o' }
    // @ts-expect-error the organisation is wanted
    const alsoWrong: Parameters<typeof client.listBoats>[0] = {}
    expectTypeOf<Call<{ organisation: string }, void>>().toBeCallableWith({ organisation: 'o' })
    expect([wrong, alsoWrong]).toHaveLength(2)
  })
})

describe('in a browser that sends neither Fetch Metadata nor an Origin', () => {
  afterEach(() => void vi.unstubAllGlobals())

  /** A page of its own, before a server that refuses every change without the token in force, as the gate does. */
  async function open(inForce: { token?: string }) {
    const asked: string[] = []
    vi.stubGlobal('fetch', async (path: string, { method = 'GET', headers, body }: RequestInit) => {
      const token = new Headers(headers).get('x-csrf-token')
      asked.push([method, path, token ?? 'no token', body].join(' ').trim())
      if (path === '/api/csrf-token')
        return inForce.token === undefined ? new Response(null, { status: 401 }) : Response.json(inForce)
      if (method === 'GET' || (token !== null && token === inForce.token)) return Response.json({})
      return Response.json({ code: 'browser-defences/cross-site-request' }, { status: 403 })
    })
    vi.resetModules()
    const page = await import('./client.ts')
    const change = page.createCall<{ body: object }, object>('change', 'POST', '/api/change')
    const look = page.createCall<object, object>('look', 'GET', '/api/look')
    return { asked, change: () => change({ body: { a: 1 } }), look: () => look({}) }
  }

  it('a change that is refused for the lack of a token is sent again with one, and all that follow carry it', async () => {
    const page = await open({ token: 'first' })
    await page.change()
    await page.change()
    await page.look()
    expect(page.asked).toEqual([
      'POST /api/change no token {"a":1}',
      'GET /api/csrf-token no token',
      'POST /api/change first {"a":1}',
      'POST /api/change first {"a":1}',
      'GET /api/look no token',
    ])
  })

  it('after another sign-in the token is another one', async () => {
    const inForce = { token: 'first' }
    const page = await open(inForce)
    await page.change()
    inForce.token = 'second'
    await page.change()
    expect(page.asked.slice(3)).toEqual([
      'POST /api/change first {"a":1}',
      'GET /api/csrf-token no token',
      'POST /api/change second {"a":1}',
    ])
  })

  it('without a session the refusal stands, and nothing is tried for ever', async () => {
    const page = await open({})
    await expect(page.change()).rejects.toMatchObject({ status: 403, code: 'browser-defences/cross-site-request' })
    expect(page.asked).toEqual(['POST /api/change no token {"a":1}', 'GET /api/csrf-token no token'])
  })
})

describe('a problem', () => {
  const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
    readProblem(new Response(body, { status, headers }))

  it('carries the fields, the code and what else the server says', async () => {
    const document = {
      type: '/errors#input-validation-refused',
      title: 'Refused.',
      status: 422,
      code: 'input-validation/refused',
      fields: [{ pointer: '/body/name', reason: 'Too long.' }, { pointer: 7 }, null],
      row: { name: 'as it stands' },
      requestId: 'r-1',
    }
    expect(await answer(422, JSON.stringify(document))).toMatchObject({
      status: 422,
      code: 'input-validation/refused',
      title: 'Refused.',
      fields: [{ pointer: '/body/name', reason: 'Too long.' }],
      extra: { row: { name: 'as it stands' }, requestId: 'r-1' },
    })
  })

  it.each(['', '<html>', 'null', '[]', '7', '"text"', '{"fields":"no","title":3,"code":{}}'])(
    'is made of anything at all: %j',
    async (body) => {
      expect(await answer(502, body)).toMatchObject({ status: 502, code: 'console/unexplained', fields: [] })
    },
  )

  it('says when to try again', async () => {
    expect((await answer(429, '', { 'retry-after': '17' })).retryAfterSeconds).toBe(17)
    const soon = new Date(Date.now() + 30_000).toUTCString()
    expect((await answer(429, '', { 'retry-after': soon })).retryAfterSeconds).toBeGreaterThan(25)
    expect((await answer(429, '', { 'retry-after': 'soon' })).retryAfterSeconds).toBeUndefined()
    expect((await answer(429, '')).retryAfterSeconds).toBeUndefined()
  })
})
