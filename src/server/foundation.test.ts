import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { startWorld, type Visitor, type World } from '../../test/world/world.ts'
import { Refusal } from '../kernel/refusal.ts'
import { sql } from '../platform/database/statement.ts'

interface Tables {
  'app.company': { id: string; name: string; sort_name: string; website: string; note: string; organisation_id: string }
}
const typed = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

let world: World
let ada: Visitor & { organisation: string }
let ben: Visitor & { organisation: string }
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  ada = await world.joinWithOrganisation('Ada')
  ben = await world.joinWithOrganisation('Ben')
  for (const [person, name] of [
    [ada, 'Ada’s Company'],
    [ben, 'Ben’s Company'],
  ] as const)
    await world.fetch(`/api/o/${person.organisation}/companies`, {
      method: 'POST',
      body: { name, website: '', note: '' },
      cookie: person.cookie,
    })
}, 60_000)
afterAll(() => world?.stop())

const visit = (cookie: string, headers: Record<string, string> = {}) =>
  new Request(`${world.origin}/elsewhere`, { headers: { cookie, ...headers } })

describe('organisation(request, …), for routes of another framework', () => {
  it('runs raw SQL and typed queries inside the organisation of the session', async () => {
    const at = { organisation: ada.organisation, needs: 'companies.read' }
    const names = await world.foundation.organisation(visit(ada.cookie), at, async (run) => {
      const raw = await run(sql<{ name: string }>`select name from app.company`)
      const built = await run(typed.selectFrom('app.company').select('name').where('name', 'like', 'Ada%'))
      expect([run.organisation, run.person]).toEqual([ada.organisation, ada.person])
      return [...raw, ...built].map((row) => row.name)
    })
    expect(names).toEqual(['Ada’s Company', 'Ada’s Company'])
  })

  it.each([
    ['another organisation', () => ({ cookie: ada.cookie, organisation: ben.organisation }), 404],
    ['an organisation that is not there', () => ({ cookie: ada.cookie, organisation: crypto.randomUUID() }), 404],
    ['a name that cannot be one', () => ({ cookie: ada.cookie, organisation: "' or true --" }), 404],
    ['no session', () => ({ cookie: '', organisation: ada.organisation }), 401],
    ['a forged session', () => ({ cookie: `${ada.cookie.slice(0, -2)}xx`, organisation: ada.organisation }), 401],
  ] as const)('refuses %s, and never runs the handler', async (_, who, status) => {
    const { cookie, organisation } = who()
    let ran = false
    const answer = world.foundation.organisation(visit(cookie), { organisation, needs: 'companies.read' }, async () => {
      ran = true
    })
    await expect(answer).rejects.toSatisfy((error) => error instanceof Refusal && error.kind.status === status)
    expect(ran).toBe(false)
  })

  it('refuses what another site sent, and rolls back what throws', async () => {
    const at = { organisation: ada.organisation, needs: 'companies.write' }
    const forged = new Request(`${world.origin}/elsewhere`, {
      method: 'POST',
      headers: { cookie: ada.cookie, 'sec-fetch-site': 'cross-site' },
    })
    await expect(world.foundation.organisation(forged, at, async () => {})).rejects.toBeInstanceOf(Refusal)
    await expect(
      world.foundation.organisation(visit(ada.cookie), at, async (run) => {
        await run(sql`delete from app.company`)
        throw new Refusal({ code: 'test/stop', status: 409, title: 'Stop' })
      }),
    ).rejects.toThrow('Stop')
    const left = await world.foundation.organisation(visit(ada.cookie), at, (run) => run(sql`select from app.company`))
    expect(left).toHaveLength(1)
  })
})
