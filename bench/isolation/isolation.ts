import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Bar } from '../../src/server/terminal.ts'
import { type Child, startChild } from '../child.ts'
import type { DelayMessage } from '../delay-process.ts'
import { askAsBrowser, type Measured, measure, median, medians, rotate, warmUp } from '../measure.ts'
import { installPeers } from '../peers.ts'
import { freePort, openPlace, type Place } from '../place.ts'
import { usageOf } from '../processes.ts'
import { type ContestantName, type DatabaseAddress, type Running, startContestant } from './contestant.ts'
import { type Dataset, makeDataset } from './dataset.ts'
import { refuseDifferentAnswers } from './same-answers.ts'
import { type Shape, shapes } from './traffic.ts'

export interface Options {
  readonly quick: boolean
  /** The folder of another `postgres` than the embedded one, such as /usr/lib/postgresql/15/bin. */
  readonly binFolder?: string
  readonly bar: Bar
}

/** b/a: the protected route's throughput as a share of the bare one's, round by round; the median of the rounds. */
export interface Growth {
  readonly tenants: number
  readonly rows: number
  readonly vsBare: Readonly<Record<Shape, number>>
}

export interface Results {
  readonly postgres: string
  readonly plan: Plan
  readonly skipped: Readonly<Record<string, string>>
  readonly contestants: Readonly<Partial<Record<ContestantName, Readonly<Record<Shape, Measured>>>>>
  readonly ratios: Readonly<
    Record<
      Shape,
      Readonly<
        Record<'vsBare' | 'vsUsual' | 'vsUsualPrepared' | 'vsBetterAuth' | 'vsBetterAuthShortcut', number | null>
      >
    >
  >
  readonly growth: readonly Growth[]
  /** Milliseconds, medians, one request at a time, the database half a millisecond away in each direction. */
  readonly latencyAt1ms: Readonly<Partial<Record<ContestantName, number>>> & { readonly ratio: number }
  readonly rssMegabytes: number | null
}

export interface Plan {
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  readonly growthRounds: number
  readonly latencyRounds: number
  /** The first is the main one, and has all contestants. */
  readonly sizes: readonly { readonly tenants: number; readonly rows: number }[]
}

const fullPlan: Plan = {
  connections: 16,
  rounds: 11,
  seconds: 1,
  growthRounds: 5,
  latencyRounds: 5,
  sizes: [
    { tenants: 1_000, rows: 1_000_000 },
    { tenants: 100, rows: 10_000 },
    { tenants: 100, rows: 100_000 },
    { tenants: 100, rows: 1_000_000 },
    { tenants: 10_000, rows: 1_000_000 },
  ],
}

const quickPlan: Plan = {
  connections: 16,
  rounds: 3,
  seconds: 1,
  growthRounds: 2,
  latencyRounds: 2,
  sizes: [
    { tenants: 100, rows: 100_000 },
    { tenants: 100, rows: 10_000 },
    { tenants: 1_000, rows: 100_000 },
  ],
}

interface Bench extends Place {
  readonly options: Options
  readonly plan: Plan
  readonly ports: Readonly<Record<ContestantName, number>>
  readonly contestants: readonly ContestantName[]
  readonly progress: (what: string) => void
}

/** Runs the whole comparison in a temporary folder, which is gone afterwards. */
export async function measureIsolation(options: Options): Promise<Results> {
  const { bar } = options
  const plan = options.quick ? quickPlan : fullPlan
  const why = await installPeers(bar.say)
  const skipped: Record<string, string> = why === undefined ? {} : { 'better-auth': why }
  if (why !== undefined) bar.say(`peers: better-auth could not be installed, and is left out: ${why}`)
  const place = await openPlace({ ...options, say: bar.say })
  try {
    const contestants: ContestantName[] = ['bare', 'protected', 'usual', 'usual-prepared']
    if (why === undefined) contestants.push('better-auth', 'better-auth-shortcut')
    const bench: Bench = {
      ...place,
      options,
      plan,
      ports: {
        bare: await freePort(),
        protected: await freePort(),
        usual: await freePort(),
        'usual-prepared': await freePort(),
        'better-auth': await freePort(),
        'better-auth-shortcut': await freePort(),
      },
      contestants,
      progress: countSteps(bar, stepsOf(plan, contestants.length)),
    }
    return { postgres: place.cluster.version, plan, skipped, ...(await measureAll(bench)) }
  } finally {
    bar.clear()
    await place.close()
  }
}

async function measureAll(bench: Bench): Promise<Omit<Results, 'postgres' | 'plan' | 'skipped'>> {
  const { plan } = bench
  const [main, ...others] = plan.sizes
  const growth: Growth[] = []
  let dataset = await newDataset(bench, main!)
  const compared = await compare(bench, dataset, bench.contestants, plan.rounds)
  const latencyAt1ms = await measureLatency(bench, dataset)
  await dataset.drop()
  growth.push({ ...main!, vsBare: mapShapes((shape) => ratio(compared.rounds[shape], 'bare')!) })
  for (const size of others) {
    dataset = await newDataset(bench, size)
    const { rounds } = await compare(bench, dataset, ['bare', 'protected'], plan.growthRounds)
    growth.push({ ...size, vsBare: mapShapes((shape) => ratio(rounds[shape], 'bare')!) })
    await dataset.drop()
  }
  return {
    contestants: Object.fromEntries(
      bench.contestants.map((name) => [
        name,
        mapShapes((shape) => medians(compared.rounds[shape].map((round) => round.get(name)!))),
      ]),
    ),
    ratios: mapShapes((shape) => ({
      vsBare: ratio(compared.rounds[shape], 'bare'),
      vsUsual: ratio(compared.rounds[shape], 'usual'),
      vsUsualPrepared: ratio(compared.rounds[shape], 'usual-prepared'),
      vsBetterAuth: ratio(compared.rounds[shape], 'better-auth'),
      vsBetterAuthShortcut: ratio(compared.rounds[shape], 'better-auth-shortcut'),
    })),
    growth,
    latencyAt1ms,
    rssMegabytes: compared.rssMegabytes,
  }
}

function newDataset(bench: Bench, size: { tenants: number; rows: number }): Promise<Dataset> {
  bench.progress(`filling ${size.rows.toLocaleString('en')} rows of ${size.tenants.toLocaleString('en')} tenants`)
  return makeDataset({ ...bench, ...size, origin: `http://localhost:${bench.ports.protected}` })
}

// --- throughput ----------------------------------------------------------------------------------------------------

type Round = Map<ContestantName, Measured>

/** All contestants on one dataset, in rounds: whatever drifts meets all of them. Only one at a time is asked anything. */
async function compare(
  bench: Bench,
  dataset: Dataset,
  names: readonly ContestantName[],
  count: number,
): Promise<{ rounds: Record<Shape, Round[]>; rssMegabytes: number | null }> {
  const { plan } = bench
  const running = await startAll(bench, names, (name) => dataset.databaseOf(name))
  try {
    await refuseDifferentAnswers(dataset, running)
    for (const one of running) {
      bench.progress(`warming ${one.name}`)
      await warmUp(bench.load, one.port, {
        traffic: dataset.trafficOf(one.name),
        connections: plan.connections,
        seconds: bench.options.quick ? 1.5 : 3,
      })
    }
    const rounds = mapShapes((): Round[] => [])
    let rss: number | undefined
    for (let number = 0; number < count; number++)
      for (const shape of shapes) {
        const round: Round = new Map()
        for (const one of rotate(running, number)) {
          bench.progress(`${shape} ${one.name}, round ${number + 1} of ${count}`)
          round.set(one.name, await measureOne(bench, dataset, one, shape))
          const used = usageOf(one.processId)?.rssMegabytes
          if (one.name === 'protected' && used !== undefined) rss = Math.max(rss ?? 0, used)
        }
        rounds[shape].push(round)
      }
    return { rounds, rssMegabytes: rss ?? null }
  } finally {
    for (const one of running) await one.stop()
  }
}

async function startAll(
  bench: Bench,
  names: readonly ContestantName[],
  databaseOf: (name: ContestantName) => DatabaseAddress,
): Promise<Running[]> {
  const running: Running[] = []
  try {
    for (const name of names)
      running.push(
        await startContestant({
          name,
          port: bench.ports[name],
          database: databaseOf(name),
          passwords: bench.passwords,
          sessionKey: bench.sessionKey,
          folder: bench.folder,
        }),
      )
    return running
  } catch (error) {
    for (const one of running) await one.stop()
    throw error
  }
}

function measureOne(bench: Bench, dataset: Dataset, one: Running, shape: Shape): Promise<Measured> {
  return measure(
    { ...bench, server: one.processId },
    {
      port: one.port,
      connections: bench.plan.connections,
      traffic: dataset.trafficOf(one.name),
      shape,
      seconds: bench.plan.seconds,
      leadIn: 300,
    },
  )
}

// --- latency at a distance -----------------------------------------------------------------------------------------

/** One request at a time, with the database behind a process that delays each direction by half a millisecond. */
async function measureLatency(bench: Bench, dataset: Dataset): Promise<Results['latencyAt1ms']> {
  const far = path.join(bench.folder, 'far')
  mkdirSync(far)
  const { host, port } = bench.cluster.superuser
  const proxy: Child<DelayMessage, string> = startChild('delay-process.ts')
  const names = bench.contestants
  try {
    await proxy.ask({ to: host, at: far, port, oneWay: 0.5 })
    const running = await startAll(bench, names, (name) => ({ ...dataset.databaseOf(name), host: far }))
    try {
      const medianOf = new Map(names.map((name) => [name, [] as number[]]))
      for (let number = 0; number < bench.plan.latencyRounds + 1; number++)
        for (const one of rotate(running, number)) {
          bench.progress(`latency at 1 ms, ${one.name}`)
          const { p50 } = await askAsBrowser(bench.load, {
            port: one.port,
            connections: 1,
            traffic: dataset.trafficOf(one.name),
            shape: 'pointRead',
            seconds: bench.plan.seconds,
            leadIn: 300,
          })
          // The first round warms up.
          if (number > 0) medianOf.get(one.name)!.push(p50)
        }
      const latency = Object.fromEntries(names.map((name) => [name, median(medianOf.get(name)!)]))
      const rounds = medianOf.get('bare')!.map((bare, at) => medianOf.get('protected')![at]! / bare)
      return { ...latency, ratio: median(rounds) }
    } finally {
      for (const one of running) await one.stop()
    }
  } finally {
    proxy.stop()
    rmSync(far, { recursive: true })
  }
}

// --- sums ----------------------------------------------------------------------------------------------------------

/** The protected route's throughput over another's, in each round; the median of the rounds. */
function ratio(rounds: readonly Round[], over: ContestantName): number | null {
  if (!rounds[0]?.has(over)) return null
  return median(rounds.map((round) => round.get('protected')!.perSecond / round.get(over)!.perSecond))
}

function mapShapes<T>(make: (shape: Shape) => T): Record<Shape, T> {
  return { pointRead: make('pointRead'), list50: make('list50') }
}

function countSteps(bar: Bar, of: number): (what: string) => void {
  let done = 0
  return (what) => bar.progress(what, Math.min(done++, of), of)
}

function stepsOf(plan: Plan, contestants: number): number {
  const main = 1 + contestants + plan.rounds * contestants * 2 + (plan.latencyRounds + 1) * contestants
  return main + (plan.sizes.length - 1) * (1 + 2 + plan.growthRounds * 4)
}
