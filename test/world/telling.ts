/*
 * Whether two kinds of requests can be told apart by their time, as a question of effect size: a difference is significant with
 * enough samples whatever its cause, and useful to nobody where it is this small. Samples are taken in turns, in random order, so
 * that what else this machine does falls on both alike.
 */

/** Of each kind. */
export const samples = 1000
export const warmUp = 50
/** Cliff's delta below which Romano and others (2006) call an effect negligible. */
export const negligible = 0.147
/** And what no network lets through, should the distributions differ in shape. */
const plainMicroseconds = 100

export interface Difference {
  /** Cliff's delta, from -1 to 1: how much more often `one` takes longer than `other` than the other way round. */
  readonly delta: number
  /** The median of `one` less that of `other`, in microseconds. */
  readonly apart: number
}

/** `between` runs each hundred pairs, unmeasured. */
export async function compareTimes(kinds: {
  readonly one: () => Promise<unknown>
  readonly other: () => Promise<unknown>
  readonly between: () => Promise<unknown>
}): Promise<Difference> {
  const times: Record<'one' | 'other', number[]> = { one: [], other: [] }
  for (let at = -warmUp; at < samples; at++) {
    if (at % 100 === 0) await kinds.between()
    for (const kind of Math.random() < 0.5 ? (['one', 'other'] as const) : (['other', 'one'] as const)) {
      const started = process.hrtime.bigint()
      await kinds[kind]()
      if (at >= 0) times[kind].push(Number(process.hrtime.bigint() - started) / 1000)
    }
  }
  await kinds.between()
  return { delta: cliff(times.one, times.other), apart: median(times.one) - median(times.other) }
}

/** Whether somebody outside could tell the two apart: the effect is not negligible, and large enough to be seen. */
export function isTelling({ delta, apart }: Difference): boolean {
  return Math.abs(delta) >= negligible && Math.abs(apart) >= plainMicroseconds
}

/**
 * Measures up to three times, and throws where each of them tells, in the same direction: a cause in the code is there every
 * time, what else the machine does is not.
 */
export async function expectAlike(measure: () => Promise<Difference>): Promise<void> {
  const found: Difference[] = []
  while (found.length < 3) {
    found.push(await measure())
    const last = found.at(-1)!
    if (!isTelling(last) || Math.sign(last.delta) !== Math.sign(found[0]!.delta)) return
  }
  const shown = found.map(({ delta, apart }) => `${delta.toFixed(3)} (medians ${apart.toFixed(0)} µs apart)`)
  throw new Error(`the time tells: Cliff's delta ${shown.join(', ')}`)
}

export function cliff(ones: readonly number[], others: readonly number[]): number {
  const sorted = others.toSorted((one, other) => one - other)
  let sum = 0
  for (const one of ones) sum += below(sorted, one, false) - (sorted.length - below(sorted, one, true))
  return sum / (ones.length * others.length)
}

/** How many of `sorted` are below `value`, or below and equal. */
function below(sorted: readonly number[], value: number, equal: boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value || (equal && sorted[middle] === value)) low = middle + 1
    else high = middle
  }
  return low
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1]!
}
