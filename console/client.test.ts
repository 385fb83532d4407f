import { describe, expect, expectTypeOf, it } from 'vitest'
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
