import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import pg from 'pg'
import { openDataFolder } from '../../src/platform/data-folder.ts'
import { discardCluster } from '../../src/platform/database/cluster-place.ts'
import { type Cluster, startCluster } from '../../src/platform/database/embedded.ts'
import type { Bar } from '../../src/server/terminal.ts'
import { type Child, startChild } from '../child.ts'
import type { DelayJob } from '../delay-process.ts'
import type { LoadJob, LoadResult } from '../load-process.ts'
import { installPeers } from '../peers.ts'
import { cpuOfChildren, cpuOfMachine, parentOf, usageOf } from '../processes.ts'
import { type ContestantName, type DatabaseAddress, type Running, startContestant } from './contestant.ts'
import { type Dataset, makeDataset } from './dataset.ts'
import { organisationId, rowId, type Shape, shapes } from './traffic.ts'

export interface Options {
  readonly quick: boolean
  /** The folder of another `postgres` than the embedded one, such as /usr/lib/postgresql/15/bin. */
  readonly binFolder?: string
  readonly bar: Bar
}

/** Medians over the rounds. CPU in microseconds for one request; null where the system does not tell. */
export interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly serverCpu: number | null
  readonly databaseCpu: number | null
  readonly clientCpu: number
  /** The share of the machine that went to whatever else was running on it. */
  readonly disturbed: number | null
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

type Load = Child<LoadJob, LoadResult>

interface Bench {
  readonly options: Options
  readonly plan: Plan
  readonly cluster: Cluster
  readonly postmaster: number | undefined
  readonly passwords: Readonly<Record<string, string>>
  readonly sessionKey: string
  readonly folder: string
  readonly ports: Readonly<Record<ContestantName, number>>
  readonly contestants: readonly ContestantName[]
  readonly load: Load
  readonly progress: (what: string) => void
}

/** Runs the whole comparison in a temporary folder, which is gone afterwards. */
export async function measureIsolation(options: Options): Promise<Results> {
  const { bar } = options
  const plan = options.quick ? quickPlan : fullPlan
  const why = await installPeers(bar.say)
  const skipped: Record<string, string> = why === undefined ? {} : { 'better-auth': why }
  if (why !== undefined) bar.say(`peers: better-auth could not be installed, and is left out: ${why}`)
  // In one folder of short name: the path of a Unix socket must not be long.
  const folder = mkdtempSync(path.join(tmpdir(), 'hf-bench-'))
  const data = await openDataFolder(path.join(folder, 'data'))
  const endings: (() => unknown)[] = [() => rmSync(folder, { recursive: true }), () => data.release()]
  try {
    bar.say('database: starting')
    endings.push(() => discardCluster(data.path, bar.say))
    const cluster = await startCluster({
      folder: data.path,
      log: bar.say,
      // All contestants hold their connections at once, also those who are not asked.
      settings: { max_connections: '120' },
      ...(options.binFolder === undefined ? {} : { binFolder: options.binFolder }),
    })
    endings.push(() => cluster.stop())
    const load: Load = startChild('load-process.ts')
    endings.push(() => load.stop())
    const contestants: ContestantName[] = ['bare', 'protected', 'usual', 'usual-prepared']
    if (why === undefined) contestants.push('better-auth', 'better-auth-shortcut')
    const bench: Bench = {
      options,
      plan,
      cluster,
      postmaster: await postmasterOf(cluster),
      passwords: Object.fromEntries(
        ['migrator', 'app', 'identity', 'worker', 'auditor', 'prover', 'peer'].map((role) => [
          role,
          randomBytes(18).toString('hex'),
        ]),
      ),
      sessionKey: generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      folder,
      ports: {
        bare: await freePort(),
        protected: await freePort(),
        usual: await freePort(),
        'usual-prepared': await freePort(),
        'better-auth': await freePort(),
        'better-auth-shortcut': await freePort(),
      },
      contestants,
      load,
      progress: countSteps(bar, stepsOf(plan, contestants.length)),
    }
    return { postgres: cluster.version, plan, skipped, ...(await measureAll(bench)) }
  } finally {
    bar.clear()
    for (const end of endings.reverse()) await end()
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
  const running = await startAll(bench, names, (name) => dataset.databaseOf(name))
  try {
    await refuseDifferentAnswers(dataset, running)
    for (const one of running) await warmUp(bench, dataset, one)
    const rounds = mapShapes((): Round[] => [])
    let rss: number | undefined
    for (let number = 0; number < count; number++)
      for (const shape of shapes) {
        const round: Round = new Map()
        for (const one of rotate(running, number)) {
          bench.progress(`${shape} ${one.name}, round ${number + 1} of ${count}`)
          round.set(one.name, await measure(bench, dataset, one, shape))
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

/** All do the same work, or nothing is compared: the same rows in the same shape, and nothing without a session. */
async function refuseDifferentAnswers(dataset: Dataset, running: readonly Running[]): Promise<void> {
  const tenant = Math.floor(dataset.tenants / 2)
  const paths = [`/items/${rowId(dataset.tenants + tenant)}`, '/items'].map(
    (rest) => `/api/o/${organisationId(tenant)}${rest}`,
  )
  for (const target of paths) {
    let expected: unknown
    for (const { name, port } of running) {
      const cookie = dataset.trafficOf(name).cookies?.[tenant]
      const ask = (headers: Record<string, string>) => fetch(`http://localhost:${port}${target}`, { headers })
      const answer = await ask(cookie === undefined ? {} : { cookie })
      const body: unknown = await answer.json()
      if (answer.status !== 200)
        throw new Error(`${name} answered ${answer.status} to ${target}: ${JSON.stringify(body)}`)
      expected ??= body
      if (!isDeepStrictEqual(body, expected)) throw new Error(`${name} answered ${target} otherwise than the first`)
      const stranger = await ask({})
      await stranger.arrayBuffer()
      if (cookie !== undefined && stranger.status !== 401)
        throw new Error(`${name} answered ${stranger.status} to a stranger at ${target}`)
    }
  }
}

/** Until the code is compiled, the connections are open, and each tenant has been seen once. */
async function warmUp(bench: Bench, dataset: Dataset, one: Running): Promise<void> {
  bench.progress(`warming ${one.name}`)
  const traffic = dataset.trafficOf(one.name)
  const { connections } = bench.plan
  const seconds = bench.options.quick ? 1.5 : 3
  const job = { port: one.port, connections, traffic, leadIn: 0 }
  await bench.load.ask({ ...job, shape: 'everyTenant', seconds: 0 })
  for (const shape of shapes) await bench.load.ask({ ...job, shape, seconds })
}

/** Again, twice at most, when something else took a tenth of the machine meanwhile; the least disturbed counts. */
async function measure(bench: Bench, dataset: Dataset, one: Running, shape: Shape): Promise<Measured> {
  let best = await measureOnce(bench, dataset, one, shape)
  for (let again = 0; again < 2 && (best.disturbed ?? 0) > 0.1; again++) {
    const next = await measureOnce(bench, dataset, one, shape)
    if (next.disturbed! < best.disturbed!) best = next
  }
  return best
}

async function measureOnce(bench: Bench, dataset: Dataset, one: Running, shape: Shape): Promise<Measured> {
  const { plan, load, postmaster } = bench
  const before = cpuNow(one, load, postmaster)
  const began = performance.now()
  const result = await load.ask({
    port: one.port,
    connections: plan.connections,
    traffic: dataset.trafficOf(one.name),
    shape,
    seconds: plan.seconds,
    leadIn: 300,
  })
  const milliseconds = performance.now() - began
  const after = cpuNow(one, load, postmaster)
  // The counters span the lead-in as well, at the same pace.
  const asked = (result.perSecond * milliseconds) / 1000
  const spent = (key: keyof typeof before) => after[key] - before[key]
  const known = (value: number) => (Number.isNaN(value) ? null : value)
  const others = spent('machine') - spent('server') - spent('database') - spent('client') - spent('own')
  return {
    perSecond: result.perSecond,
    p50: result.p50,
    p99: result.p99,
    serverCpu: known((spent('server') * 1000) / asked),
    databaseCpu: known((spent('database') * 1000) / asked),
    clientCpu: (result.cpu * 1000) / result.requests,
    disturbed: known(Math.max(0, others) / (milliseconds * availableParallelism())),
  }
}

/** Milliseconds of CPU so far; not a number where the system does not tell. */
function cpuNow(one: Running, load: Load, postmaster: number | undefined) {
  const own = process.cpuUsage()
  return {
    server: usageOf(one.processId)?.cpu ?? Number.NaN,
    client: usageOf(load.processId)?.cpu ?? Number.NaN,
    database: (postmaster === undefined ? undefined : cpuOfChildren(postmaster)) ?? Number.NaN,
    machine: cpuOfMachine() ?? Number.NaN,
    own: (own.user + own.system) / 1000,
  }
}

// --- latency at a distance -----------------------------------------------------------------------------------------

/** One request at a time, with the database behind a process that delays each direction by half a millisecond. */
async function measureLatency(bench: Bench, dataset: Dataset): Promise<Results['latencyAt1ms']> {
  const far = path.join(bench.folder, 'far')
  mkdirSync(far)
  const { host, port } = bench.cluster.superuser
  const proxy: Child<DelayJob, string> = startChild('delay-process.ts')
  const names = bench.contestants
  try {
    await proxy.ask({ to: host, at: far, port, oneWay: 0.5 })
    const running = await startAll(bench, names, (name) => ({ ...dataset.databaseOf(name), host: far }))
    try {
      const medianOf = new Map(names.map((name) => [name, [] as number[]]))
      for (let number = 0; number < bench.plan.latencyRounds + 1; number++)
        for (const one of rotate(running, number)) {
          bench.progress(`latency at 1 ms, ${one.name}`)
          const { p50 } = await bench.load.ask({
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

function medians(measured: readonly Measured[]): Measured {
  const of = (key: keyof Measured) => median(measured.map((one) => one[key] ?? Number.NaN))
  const known = (key: keyof Measured) => (Number.isNaN(of(key)) ? null : of(key))
  return {
    perSecond: of('perSecond'),
    p50: of('p50'),
    p99: of('p99'),
    serverCpu: known('serverCpu'),
    databaseCpu: known('databaseCpu'),
    clientCpu: of('clientCpu'),
    disturbed: known('disturbed'),
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function mapShapes<T>(make: (shape: Shape) => T): Record<Shape, T> {
  return { pointRead: make('pointRead'), list50: make('list50') }
}

function rotate<T>(all: readonly T[], by: number): T[] {
  const at = by % all.length
  return [...all.slice(at), ...all.slice(0, at)]
}

function countSteps(bar: Bar, of: number): (what: string) => void {
  let done = 0
  return (what) => bar.progress(what, Math.min(done++, of), of)
}

function stepsOf(plan: Plan, contestants: number): number {
  const main = 1 + contestants + plan.rounds * contestants * 2 + (plan.latencyRounds + 1) * contestants
  return main + (plan.sizes.length - 1) * (1 + 2 + plan.growthRounds * 4)
}

async function postmasterOf(cluster: Cluster): Promise<number | undefined> {
  const client = new pg.Client({ ...cluster.superuser, database: 'postgres' })
  await client.connect()
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    return parentOf(rows[0]!.pid)
  } finally {
    await client.end()
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
