import { expect } from 'vitest'
import type { Bench } from '../../src/kernel/bench.ts'
import type { Control } from '../../src/kernel/control.ts'
import type { Sabotage } from '../../src/kernel/probe.ts'
import type { World } from './world.ts'

/** Holds, breaks, mends: the probes of all claims that `sabotage` names hold, turn broken, and hold again. */
export async function expectTurnsRed(world: World, bench: Bench, control: Control, sabotage: Sabotage): Promise<void> {
  const prove = () => Promise.all(sabotage.turnsRed.map((id) => control.probes[id]!.run(bench)))
  const all = (status: string) => sabotage.turnsRed.map(() => expect.objectContaining({ status }))
  expect(await prove()).toEqual(all('holds'))
  const mend = await breakIt(world, sabotage)
  try {
    expect(await prove()).toEqual(all('broken'))
  } finally {
    await mend()
  }
  expect(await prove()).toEqual(all('holds'))
}

async function breakIt(world: World, { breakSql, mendSql, weakness }: Sabotage): Promise<() => Promise<unknown>> {
  if (weakness !== undefined) {
    const mend = world.weaken(weakness)
    return async () => mend()
  }
  await world.superuser(`begin; ${breakSql}; commit`)
  // Twice: mending what is whole must harm nothing.
  return () => world.superuser(`begin; ${mendSql}; ${mendSql}; commit`)
}
