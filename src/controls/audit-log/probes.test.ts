import { afterAll, beforeAll, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { expectTurnsRed } from '../../../test/world/turns-red.ts'
import { startWorld, type World } from '../../../test/world/world.ts'
import { auditLog } from './control.ts'

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

test.each(auditLog.sabotages.map((sabotage) => [sabotage.title, sabotage] as const))(
  '%s: seen, and seen to be mended',
  (_, sabotage) => expectTurnsRed(world, bench, auditLog, sabotage),
  180_000,
)
