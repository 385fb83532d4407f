import { afterAll, beforeAll, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { expectTurnsRed } from '../../../test/world/turns-red.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { twoFactor } from './control.ts'

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

test.each(twoFactor.sabotages.map((sabotage) => [sabotage.title, sabotage] as const))(
  '%s: seen, and seen to be mended',
  (_, sabotage) => expectTurnsRed(world, bench, twoFactor, sabotage),
  180_000,
)
