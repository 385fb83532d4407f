import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { study } from '../../../examples/study/study.ts'
import { expectTurnsRed } from '../../../test/world/turns-red.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { apiKeys } from './control.ts'
import { probes } from './probes.ts'

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

test.each(apiKeys.sabotages.map((sabotage) => [sabotage.title, sabotage] as const))(
  '%s: seen, and seen to be mended',
  (_, sabotage) => expectTurnsRed(world, bench, apiKeys, sabotage),
  180_000,
)

test('the probe reaches routes of every kind, and leaves nothing behind', async () => {
  const outcome = await probes['api-keys/opens-its-scopes-alone'].run(bench)
  expect(outcome).toMatchObject({ status: 'holds' })
  expect(outcome.examined).toBeGreaterThan(60)
  expect(await world.superuser('select name from holdfast.api_key')).toEqual([])
  const left = await world.superuser(
    `select m.person_id from holdfast.member m join holdfast.organisation o on o.id = m.organisation_id where o.name = 'probe: keys'`,
  )
  expect(left).toEqual([{ person_id: bench.canaries.a.person }])
}, 120_000)

test('a product without keys says so', async () => {
  const alone = await startWorld({ product: study, superuser: inject('superuser') })
  const at = await alone.bench()
  try {
    for (const { run } of Object.values(probes)) expect(await run(at)).toMatchObject({ status: 'not-applicable' })
  } finally {
    await at.close()
    await alone.stop()
  }
}, 120_000)
