import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { study } from '../../../examples/study/study.ts'
import { debianBinFolder, startThrowAwayCluster } from '../../../test/world/cluster.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import type { Outcome } from '../../kernel/finding.ts'
import { weakenFunction } from '../../kernel/sabotage.ts'
import { claims } from './claims.ts'
import { tenantIsolation } from './control.ts'

type Id = keyof typeof claims
const { probes, sabotages } = tenantIsolation
const ids = Object.keys(claims) as Id[]
const patch: Id = 'tenant-isolation/server-is-patched'
const mint: Id = 'tenant-isolation/app-process-cannot-mint'

/** The roles belong to the whole cluster, and the sabotages break them: these worlds stand in clusters of their own. */
describe.each([
  { title: 'the crm on the embedded server', product: crm, binFolder: undefined, missing: false },
  { title: 'the study on the embedded server', product: study, binFolder: undefined, missing: false },
  {
    title: "the crm on Debian's server",
    product: crm,
    binFolder: debianBinFolder,
    missing: debianBinFolder === undefined,
  },
])('$title', ({ product, binFolder, missing }) => {
  let end: (() => Promise<void>) | undefined
  let world: World
  let bench: Awaited<ReturnType<World['bench']>>
  const prove = (id: Id): Promise<Outcome> => probes[id].run({ ...bench, signInApart: true })

  const countAll = () =>
    world.superuser(`select t.table_name, (xpath('//n/text()', query_to_xml('select count(*) as n from ' || t.table_name, false, true, '')))[1]::text as rows
      from holdfast.table_class t where t.table_name !~ '_token$|holdfast.(pass|outbox|finding|session|quota)$' order by 1`)

  beforeAll(async () => {
    if (missing) return
    const { cluster, discard } = await startThrowAwayCluster(binFolder)
    end = discard
    world = await startWorld({ product, superuser: cluster.superuser })
    bench = await world.bench()
  }, 120_000)
  afterAll(async () => {
    await bench?.close()
    await world?.stop()
    await end?.()
  })

  test.skipIf(missing).each(ids.filter((id) => id !== patch))(
    '%s',
    async (id) => {
      const outcome = await prove(id)
      expect(outcome, outcome.saw).toMatchObject({ status: 'holds' })
      expect(outcome.examined).toBeGreaterThan(0)
    },
    60_000,
  )

  test.skipIf(missing)(
    'the patch level is what the server says: below the floor it is broken, and nothing else is',
    async () => {
      const [{ version } = { version: 0 }] = await world.superuser(
        "select current_setting('server_version_num')::int as version",
      )
      const floor = { 15: 20, 16: 16, 17: 12, 18: 7 }[Math.floor(Number(version) / 10_000)] ?? 0
      const outcome = await prove(patch)
      expect(outcome.status).toBe(Number(version) % 10_000 >= floor ? 'holds' : 'broken')
      expect(outcome.saw).toContain('PostgreSQL')
    },
  )

  test.skipIf(missing)(
    'where sign-in runs in the same process the claim about it does not apply, and says why',
    async () => {
      const outcome = await probes[mint].run(bench)
      expect(outcome).toMatchObject({ status: 'not-applicable' })
      expect(outcome.saw).toContain('same process')
    },
  )

  describe.skipIf(missing)('each sabotage turns its claims red, and mending it turns them green', () => {
    // A server below the floor could not show that: there the floor is lowered first.
    const lowered = weakenFunction(
      'holdfast.server_patch()',
      '(15, 20), (16, 16), (17, 12), (18, 7)',
      '(15, 0), (16, 0), (17, 0), (18, 0)',
    )

    test.each(sabotages.map((sabotage) => [sabotage.title, sabotage] as const))(
      '%s',
      async (_, sabotage) => {
        const [{ definition } = {}] = await world.superuser(
          "select pg_get_functiondef('holdfast.server_patch()'::regprocedure) as definition",
        )
        // The function's comment is where weakenFunction keeps the original: it must be free for the sabotage itself.
        if (sabotage.turnsRed.includes(patch))
          await world.superuser(`${lowered.breakSql}; comment on function holdfast.server_patch() is null`)
        const of = async () =>
          Promise.all((sabotage.turnsRed as Id[]).map(async (id) => [id, (await prove(id)).status]))
        const all = (status: string) => sabotage.turnsRed.map((id) => [id, status])
        const before = await countAll()
        expect(await of()).toEqual(all('holds'))
        await world.superuser(`begin; ${sabotage.breakSql}; commit`)
        try {
          expect(await of()).toEqual(all('broken'))
        } finally {
          // Twice: mending what is whole must harm nothing.
          await world.superuser(`begin; ${sabotage.mendSql}; ${sabotage.mendSql}; commit`)
        }
        expect(await of()).toEqual(all('holds'))
        // The attacks went through, and harmed nothing.
        expect(await countAll()).toEqual(before)
        await world.superuser(String(definition))
      },
      120_000,
    )
  })
})
