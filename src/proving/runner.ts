import type { Bench } from '../kernel/bench.ts'
import type { ClaimId } from '../kernel/claim.ts'
import type { Control } from '../kernel/control.ts'
import type { Against, Finding, Outcome, Where } from '../kernel/finding.ts'
import { inconclusive } from '../kernel/finding.ts'
import type { Probe } from '../kernel/probe.ts'

export interface RunOptions {
  readonly controls: readonly Control[]
  /** The claims to prove; all when left out. An unknown id throws. */
  readonly only?: readonly string[]
  readonly where: Where
  readonly against: Against
  readonly commit: string
  /** Makes the bench; when it cannot be made, every claim is inconclusive, with the reason. */
  readonly bench: () => Promise<Bench>
  /** Keeps a finding; awaited before the next probe runs. A ledger that fails ends the run. */
  readonly record?: (finding: Finding) => Promise<void>
  readonly told?: (progress: { done: number; of: number; finding: Finding }) => void
}

/** Runs probes one after the other. A probe that throws, or takes too long, is inconclusive: never green. */
export async function runProbes(options: RunOptions): Promise<Finding[]> {
  const todo = selectProbes(options.controls, options.only).filter(({ probe }) => probe.where.includes(options.where))
  let bench: Bench | undefined
  let reason = ''
  try {
    bench = await options.bench()
  } catch (error) {
    reason = `the bench could not be set up: ${(error as Error).message}`
  }
  const findings: Finding[] = []
  for (const { id, probe, ttlMinutes } of todo) {
    const started = Date.now()
    const outcome = bench === undefined ? inconclusive(reason) : await runOne(probe, bench)
    const finding: Finding = {
      ...outcome,
      claim: id,
      where: options.where,
      against: options.against,
      checkedAt: new Date(started).toISOString(),
      expiresAt: new Date(started + ttlMinutes * 60_000).toISOString(),
      milliseconds: Date.now() - started,
      commit: options.commit,
    }
    findings.push(finding)
    await options.record?.(finding)
    options.told?.({ done: findings.length, of: todo.length, finding })
  }
  return findings
}

/** What would run, and what is known but may not run here. */
export function selectProbes(
  controls: readonly Control[],
  only?: readonly string[],
): { id: ClaimId; probe: Probe; ttlMinutes: number }[] {
  const all = controls.flatMap((control) =>
    (Object.keys(control.claims) as ClaimId[]).map((id) => ({
      id,
      probe: control.probes[id]!,
      ttlMinutes: control.claims[id]!.ttlMinutes,
    })),
  )
  const unknown = only?.filter((id) => !all.some((one) => one.id === id)) ?? []
  if (unknown.length > 0)
    throw new UnknownClaim(
      unknown,
      all.map((one) => one.id),
    )
  return only === undefined || only.length === 0 ? all : all.filter((one) => only.includes(one.id))
}

export class UnknownClaim extends Error {
  constructor(unknown: readonly string[], known: readonly string[]) {
    super(`no such claim: ${unknown.join(', ')}. Known: ${known.join(', ')}`)
  }
}

async function runOne(probe: Probe, bench: Bench): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<Outcome>((resolve) => {
    timer = setTimeout(
      () => resolve(inconclusive(`not finished after ${probe.limitSeconds} s`)),
      probe.limitSeconds * 1000,
    )
  })
  try {
    return await Promise.race([probe.run(bench), tooLong])
  } catch (error) {
    return inconclusive(`could not run: ${(error as Error).message}`)
  } finally {
    clearTimeout(timer)
  }
}
