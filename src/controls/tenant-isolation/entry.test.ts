import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Founded,
  type Inhabitant,
  type PrivateCluster,
  servers,
  startPrivateCluster,
} from '../../../test/world/private-cluster.ts'
import { type Statement, sql } from '../../platform/database/statement.ts'

const one = sql<{ one: number }>`select 1 as one`

for (const server of servers)
  describe.skipIf(server.missing)(`entry, on ${server.name}`, () => {
    let cluster: PrivateCluster
    let world: Founded
    beforeAll(async () => {
      cluster = await startPrivateCluster(server)
      world = await cluster.found('entry')
    }, 120_000)
    afterAll(async () => {
      await world?.close()
      await cluster?.stop()
    })

    const asKeeper = async (text: string, values: readonly unknown[]) => {
      await world.superuser('set role holdfast_keeper')
      try {
        return await world.superuser(text, values)
      } finally {
        await world.superuser('reset role')
      }
    }
    const enter = async (one_: Inhabitant, query: Statement<unknown> = one) => {
      const login = world.login('app', { most: 1 })
      try {
        return (await login.entered(one_.entry, query)).stale ? 'due' : 'in'
      } catch (error) {
        return (error as { code?: string }).code ?? String(error)
      } finally {
        await login.close()
      }
    }

    test('takes a fresh session, to which nothing is due', async () => {
      expect(await enter(await world.inhabitant())).toBe('in')
    })

    test('a second factor, once enrolled, is asked of every session from the next transaction on', async () => {
      const person = await world.inhabitant()
      await asKeeper('select holdfast.want_assurance($1, 2::smallint)', [person.person])
      expect(await enter(person)).toBe('HF427')
      await world.superuser('update holdfast.pass set assurance = 2 where person_id = $1', [person.person])
      expect(await enter(person)).toBe('in')
    })

    test('what an organisation demands holds for everybody in it at once, and for those who come later', async () => {
      const person = await world.inhabitant()
      await asKeeper('select holdfast.set_floor($1, 2::smallint)', [person.organisation])
      expect(await enter(person)).toBe('HF428')
      const later = await world.inhabitant()
      await asKeeper('select holdfast.grant_seat($1, $2, $3)', [person.organisation, later.person, 'owner'])
      expect(await enter({ ...later, entry: { ...later.entry, organisation: person.organisation } })).toBe('HF428')
      // Their own organisation demands nothing.
      expect(await enter(later)).toBe('in')
      await asKeeper('select holdfast.set_floor($1, 1::smallint)', [person.organisation])
      expect(await enter(person)).toBe('in')
    })

    test('the missing factor is named before anything is said about the organisation', async () => {
      const [person, other] = [await world.inhabitant(), await world.inhabitant()]
      await asKeeper('select holdfast.want_assurance($1, 2::smallint)', [person.person])
      expect(await enter({ ...person, entry: { ...person.entry, organisation: other.organisation } })).toBe('HF427')
    })

    test('a stranger to an organisation that demands two learns only that there is nothing for him', async () => {
      const [person, other] = [await world.inhabitant(), await world.inhabitant()]
      await asKeeper('select holdfast.set_floor($1, 2::smallint)', [other.organisation])
      expect(await enter({ ...person, entry: { ...person.entry, organisation: other.organisation } })).toBe('HF404')
    })

    test('a role’s idle time and life end its sessions, though the pass lives', async () => {
      const person = await world.inhabitant()
      const age = (column: string, by: string) =>
        world.superuser(`update holdfast.pass set ${column} = clock_timestamp() - $2::interval where person_id = $1`, [
          person.person,
          by,
        ])
      await world.superuser(`update holdfast.role set idle = '30 minutes', life = '8 hours'`)
      try {
        await age('issued_at', '29 minutes')
        expect(await enter(person)).toBe('due')
        await age('issued_at', '31 minutes')
        expect(await enter(person)).toBe('HF440')
        await age('issued_at', '1 minute')
        expect(await enter(person)).toBe('in')
        await age('started_at', '8 hours')
        expect(await enter(person)).toBe('HF440')
      } finally {
        await world.superuser(`update holdfast.role set idle = '24 hours', life = '30 days'`)
      }
      expect(await enter(person)).toBe('in')
    })

    test('a secret that was never seen in use is due, and so is one of ten minutes', async () => {
      const person = await world.inhabitant()
      await world.superuser('update holdfast.pass set settled_at = null where person_id = $1', [person.person])
      expect(await enter(person)).toBe('due')
      await world.superuser(
        `update holdfast.pass set settled_at = now(), issued_at = clock_timestamp() - interval '10 minutes 1 second' where person_id = $1`,
        [person.person],
      )
      expect(await enter(person)).toBe('due')
    })

    test('whoever is disabled holds nothing any more, by whatever statement it was done', async () => {
      const person = await world.inhabitant()
      await world.superuser('update holdfast.person set disabled_at = now() where id = $1', [person.person])
      expect(await enter(person)).toBe('HF401')
      await expect(
        asKeeper(`select holdfast.mint($1, $2, 1::smallint, 'test', '1 day', '1 day', gen_random_uuid())`, [
          Buffer.alloc(32, 1),
          person.person,
        ]),
      ).rejects.toMatchObject({ code: 'HF401' })
    })

    test('sensitive acts ask when the person last showed who they are', async () => {
      const person = await world.inhabitant()
      const fresh = () =>
        asKeeper(`select holdfast.fresh_bearer($1, '15 minutes') = $2 as yes`, [
          Buffer.from(person.secret),
          person.person,
        ])
      expect(await fresh()).toEqual([{ yes: true }])
      await world.superuser(
        `update holdfast.pass set shown_at = clock_timestamp() - interval '16 minutes' where person_id = $1`,
        [person.person],
      )
      await expect(fresh()).rejects.toMatchObject({ code: 'HF440' })
      await asKeeper('select holdfast.want_assurance($1, 2::smallint)', [person.person])
      await expect(fresh()).rejects.toMatchObject({ code: 'HF427' })
      expect(
        await asKeeper('select holdfast.half_bearer($1) = $2 as yes', [Buffer.from(person.secret), person.person]),
      ).toEqual([{ yes: true }])
    })

    test('a seat cannot be written so that it says other than its role does', async () => {
      const person = await world.inhabitant()
      await world.superuser(
        `update holdfast.seat set permissions = -1, min_assurance = 1, context = 'h' || repeat('0', 66), idle = '1 year' where person_id = $1`,
        [person.person],
      )
      const [seat] = await world.superuser(
        `select s.permissions = r.permissions and s.idle = r.idle and s.context = 'h' || replace(s.organisation_id::text || s.person_id, '-', '') || r.role_id as kept
           from holdfast.seat s join holdfast.role r using (role_id) where s.person_id = $1`,
        [person.person],
      )
      expect(seat).toEqual({ kept: true })
    })

    test('entry finds one seat by its key, however many members an organisation has', async () => {
      const person = await world.inhabitant()
      await world.superuser(
        `insert into holdfast.person (id, verified_at) select gen_random_uuid(), now() from generate_series(1, 10000)`,
      )
      await world.superuser(
        `insert into holdfast.seat (person_id, organisation_id, role_id) select id, $1, (select role_id from holdfast.role where name = 'owner') from holdfast.person on conflict do nothing`,
        [person.organisation],
      )
      for (const analysed of [false, true]) {
        if (analysed) await world.superuser('analyze holdfast.seat, holdfast.pass')
        await world.superuser('set plan_cache_mode = force_generic_plan')
        await world.superuser(`prepare seat_${analysed} (bytea, uuid) as select s.context from holdfast.pass p
          join holdfast.seat s on s.person_id = p.person_id and s.organisation_id = $2 where p.hash = sha256($1)`)
        const plan = await world.superuser(
          `explain (analyze, buffers, format json) execute seat_${analysed} ('\\x${Buffer.from(person.secret).toString('hex')}', '${person.organisation}')`,
        )
        const [{ Plan }] = plan[0]!['QUERY PLAN'] as [{ Plan: Record<string, number> }]
        expect(Plan['Actual Rows']).toBe(1)
        expect(Plan['Shared Hit Blocks']! + Plan['Shared Read Blocks']!).toBeLessThan(20)
      }
    })
  })
