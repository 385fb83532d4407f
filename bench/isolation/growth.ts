import type { Growth } from './isolation.ts'
import type { Shape } from './traffic.ts'

/** What was measured along one axis, from the fewest to the most, the other axis standing still. */
export function axisOf(growth: readonly Growth[], axis: 'tenants' | 'rows'): Growth[] {
  const other = axis === 'tenants' ? 'rows' : 'tenants'
  const groups = new Map<number, Growth[]>()
  for (const one of growth) groups.set(one[other], [...(groups.get(one[other]) ?? []), one])
  const longest = [...groups.values()].sort(
    (one, next) => next.length - one.length || next[0]![other] - one[0]![other],
  )[0]!
  return longest.sort((one, next) => one[axis] - next[axis])
}

/** b/a at the most over b/a at the fewest: 1 where growth changes nothing. */
export function changeAlong(growth: readonly Growth[], axis: 'tenants' | 'rows', shape: Shape): number {
  const along = axisOf(growth, axis)
  return along.at(-1)!.vsBare[shape] / along[0]!.vsBare[shape]
}
