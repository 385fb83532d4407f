import { availableParallelism } from 'node:os'
import { shapes, type Traffic } from './isolation/traffic.ts'
import type { LoadJob, LoadResult } from './load-process.ts'
import type { Load } from './place.ts'
import { cpuOfChildren, cpuOfMachine, usageOf } from './processes.ts'

/** Of one round, or medians over rounds. CPU in microseconds for one request; null where the system does not tell. */
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

/** Whose CPU is counted. */
export interface Counted {
  readonly load: Load
  readonly postmaster: number | undefined
  readonly server: number
}

/** Above this share something else was at work, and a number is not to be quoted. */
export const disturbance = 0.1

/** Again, twice at most, when something else took a tenth of the machine meanwhile; the least disturbed counts. */
export async function measure(counted: Counted, job: LoadJob): Promise<Measured> {
  let best = await measureOnce(counted, job)
  for (let again = 0; again < 2 && (best.disturbed ?? 0) > disturbance; again++) {
    const next = await measureOnce(counted, job)
    if (next.disturbed! < best.disturbed!) best = next
  }
  return best
}

async function measureOnce(counted: Counted, job: LoadJob): Promise<Measured> {
  const before = cpuNow(counted)
  const began = performance.now()
  const result = await askAsBrowser(counted.load, job)
  const milliseconds = performance.now() - began
  const after = cpuNow(counted)
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

/** Until the code is compiled, the connections are open, and each tenant has been seen once. `seconds`: for each shape. */
export async function warmUp(
  load: Load,
  port: number,
  { traffic, connections, seconds }: { traffic: Traffic; connections: number; seconds: number },
): Promise<void> {
  const job = { port, connections, traffic, leadIn: 0 }
  await askAsBrowser(load, { ...job, shape: 'everyTenant', seconds: 0 })
  for (const shape of shapes) await askAsBrowser(load, { ...job, shape, seconds })
}

/** Keeps the cookies that came: the next job presents the new ones, as a browser would. */
export async function askAsBrowser(load: Load, job: LoadJob): Promise<LoadResult> {
  const result = await load.ask(job)
  for (const [tenant, cookie] of result.renewed) job.traffic.cookies![tenant] = cookie
  return result
}

/** Milliseconds of CPU so far; not a number where the system does not tell. */
function cpuNow({ load, postmaster, server }: Counted) {
  const own = process.cpuUsage()
  return {
    server: usageOf(server)?.cpu ?? Number.NaN,
    client: usageOf(load.processId)?.cpu ?? Number.NaN,
    database: (postmaster === undefined ? undefined : cpuOfChildren(postmaster)) ?? Number.NaN,
    machine: cpuOfMachine() ?? Number.NaN,
    own: (own.user + own.system) / 1000,
  }
}

/** Says later what share of the machine went to anything but these processes, the database and this one; null: not known. */
export function watchOthers(processes: readonly number[], postmaster: number | undefined): () => number | null {
  const sample = () => {
    const own = process.cpuUsage()
    const ours = processes.reduce((sum, one) => sum + (usageOf(one)?.cpu ?? Number.NaN), 0)
    const database = (postmaster === undefined ? undefined : cpuOfChildren(postmaster)) ?? Number.NaN
    return (cpuOfMachine() ?? Number.NaN) - ours - database - (own.user + own.system) / 1000
  }
  const before = sample()
  const began = performance.now()
  return () => {
    const share = (sample() - before) / ((performance.now() - began) * availableParallelism())
    return Number.isNaN(share) ? null : Math.max(0, share)
  }
}

export function medians(measured: readonly Measured[]): Measured {
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

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Another one begins each round, so that whatever drifts meets all of them. */
export function rotate<T>(all: readonly T[], by: number): T[] {
  const at = by % all.length
  return [...all.slice(at), ...all.slice(0, at)]
}
