import { readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { loginOptions } from '../controls/tenant-isolation/tenant-isolation.ts'
import type { Control } from '../kernel/control.ts'
import type { Finding, Where } from '../kernel/finding.ts'
import { newId } from '../kernel/id.ts'
import { Login, type LoginOptions } from '../platform/database/login.ts'
import type { Statement } from '../platform/database/statement.ts'
import { alone } from './alone.ts'
import { type BenchOptions, createBench, type KeptCanaries } from './bench.ts'
import { readFindings, recordFindings } from './ledger.ts'
import { runProbes, selectProbes } from './runner.ts'

/** All that the prover knows of one running product. It can be sent to another process. */
export interface ProverJob {
  readonly product: string
  readonly people: 'organisations' | 'individuals'
  readonly origin: string
  readonly cookieName: string
  readonly database: { readonly host: string; readonly port: number; readonly database: string }
  /** Four logins. None of them sees a tenant's row without a session's secret; identity and migrator are not among them. */
  readonly passwords: Readonly<Record<'app' | 'worker' | 'auditor' | 'prover', string>>
  readonly ownerMask: string
  /** Statements that put a mark into each of the product's tables, with `{mark}` where the mark goes. */
  readonly plant: readonly { readonly text: string; readonly values: readonly unknown[] }[]
  /** Where names and passwords of the canaries are kept, mode 0600. */
  readonly stateFile: string
  readonly commit: string
  readonly where: Where
}

const longestRoundSeconds = 300

export type Progress = (progress: { product: string; done: number; of: number; finding: Finding }) => void

/**
 * One round over some claims, or all: attacks, and appends what was seen to the ledger. Of one product there is one round at a
 * time, in whatever process: canaries that two moved about at once would be seen where they must not be.
 */
export async function prove(
  job: ProverJob,
  controls: readonly Control[],
  only?: readonly string[],
  told: Progress = () => {},
): Promise<Finding[]> {
  const ledger = new Login(connecting(job, 'prover', 2))
  let bench: Awaited<ReturnType<typeof createBench>> | undefined
  const round = () =>
    runProbes({
      controls,
      ...(only === undefined ? {} : { only }),
      where: job.where,
      against: 'real',
      commit: job.commit,
      bench: async () => {
        bench = await createBench(benchOptionsOf(job))
        return bench
      },
      told: (progress) => told({ product: job.product, ...progress }),
      record: (finding) => recordFindings(ledger, [finding]),
    })
  try {
    return await alone(job.stateFile, round, longestRoundSeconds)
  } finally {
    await bench?.close()
    await ledger.close()
  }
}

/** What the bench of this job needs. */
export function benchOptionsOf(job: ProverJob): BenchOptions {
  return {
    ...job,
    mayDisturb: job.where !== 'live',
    logins: {
      app: { ...connecting(job, 'app', 4), entersBy: 'enter' },
      worker: connecting(job, 'worker', 2),
      auditor: connecting(job, 'auditor', 2),
      prover: connecting(job, 'prover', 2),
    },
    plant: (mark) => {
      // Ids of its own for each canary: rows of one key in two organisations would answer for each other.
      const ids = new Map<string, string>()
      return job.plant.map((statement) => withMark(statement, mark, ids))
    },
    kept: () => readKept(job.stateFile),
    keep: (canaries) => writeKept(job.stateFile, canaries),
  }
}

/** Attacks everything at start, and each claim again when half its time has passed, one after the other, until stopped. */
export async function proveForEver(
  job: ProverJob,
  controls: readonly Control[],
  options: {
    signal: AbortSignal
    told: Progress
    failed: (error: unknown) => void
    wanted: () => readonly string[] | undefined
  },
): Promise<void> {
  const known = new Login(connecting(job, 'prover', 1))
  let first = true
  while (!options.signal.aborted) {
    try {
      const asked = options.wanted()
      const due = asked ?? (first ? [] : dueClaims(controls, await readFindings(known), Date.now()))
      if (first || asked !== undefined || due.length > 0) await prove(job, controls, due, options.told)
      first = false
    } catch (error) {
      options.failed(error)
    }
    await sleep(1000, undefined, { signal: options.signal }).catch(() => {})
  }
  await known.close()
}

/** Half of its time has passed; or a minute, where it is red or could not run: that wants a second look. */
function dueClaims(controls: readonly Control[], findings: readonly Finding[], now: number): string[] {
  const newest = new Map<string, Finding>()
  for (const one of findings) {
    const known = newest.get(one.claim)
    if (known === undefined || Date.parse(one.checkedAt) >= Date.parse(known.checkedAt)) newest.set(one.claim, one)
  }
  return selectProbes(controls)
    .filter(({ probe }) => probe.where.includes('live'))
    .filter(({ id, ttlMinutes }) => {
      const last = newest.get(id)
      if (last === undefined) return true
      const settled = last.status === 'holds' || last.status === 'not-applicable'
      return now - Date.parse(last.checkedAt) > (settled ? ttlMinutes / 2 : Math.min(1, ttlMinutes / 2)) * 60_000
    })
    .map(({ id }) => id)
}

function connecting(job: ProverJob, role: 'app' | 'worker' | 'auditor' | 'prover', most: number): LoginOptions {
  return loginOptions(role, job.database, {
    password: job.passwords[role],
    most,
    settings: { application_name: 'holdfast prover' },
  })
}

function withMark({ text, values }: ProverJob['plant'][number], mark: string, ids: Map<string, string>): Statement {
  const own = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(own)
    if (typeof value !== 'string') return value
    if (!/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(value)) return value.replaceAll('{mark}', mark)
    if (!ids.has(value)) ids.set(value, newId())
    return ids.get(value)
  }
  return { text, values: values.map(own) }
}

async function readKept(file: string): Promise<KeptCanaries | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as KeptCanaries
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function writeKept(file: string, canaries: KeptCanaries): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(canaries), { mode: 0o600 })
  await rename(`${file}.new`, file)
}
