import { hash as bcryptHash } from '@node-rs/bcrypt'
import { leastCost } from './passwords.ts'

/** A sign-in should take the server this long, about, and no longer. */
const targetMilliseconds = 250
/** The most that a measurement chooses: who wants more, sets it. */
const mostMeasured = 14
const measuredAt = 10

/**
 * The highest cost of bcrypt that this machine computes in a quarter of a second, from 12 to 14. Takes the time of three hashes of
 * cost 10 (0.2 s), in libuv's pool, and believes the quickest: other programs only ever make it longer.
 */
export async function measureCost(): Promise<{ readonly cost: number; readonly milliseconds: number }> {
  const times: number[] = []
  for (let count = 0; count < 3; count++) {
    const began = performance.now()
    await bcryptHash('measured', measuredAt)
    times.push(performance.now() - began)
  }
  return costFor(Math.min(...times))
}

/** `milliseconds`: what one hash of cost 10 takes; each more doubles it. */
export function costFor(milliseconds: number): { readonly cost: number; readonly milliseconds: number } {
  const at = (cost: number) => milliseconds * 2 ** (cost - measuredAt)
  let cost = leastCost
  while (cost < mostMeasured && at(cost + 1) <= targetMilliseconds) cost++
  return { cost, milliseconds: Math.round(at(cost)) }
}
