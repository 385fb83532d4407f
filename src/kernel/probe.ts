import type { Bench } from './bench.ts'
import type { ClaimId } from './claim.ts'
import type { Outcome, Where } from './finding.ts'

/** An attack or a measurement that can show its claim to be false. It imports only the kernel. */
export interface Probe {
  /** Where it may run. A probe that kills, floods or plants flaws does not list `live`. */
  readonly where: readonly Where[]
  /** The most it may take, in seconds; past that it is inconclusive. */
  readonly limitSeconds: number
  /** Never catches in order to be green: an exception is recorded as inconclusive. */
  run(bench: Bench): Promise<Outcome>
}

/** One probe for each claim, no more, no fewer: anything else does not compile. */
export type Probes<Id extends ClaimId> = Readonly<Record<Id, Probe>>

/** A way to break a control on purpose, and to mend it, to show that its probe can go red. */
export interface Sabotage {
  readonly title: string
  /** The claims that must turn red. */
  readonly turnsRed: readonly ClaimId[]
  /** True for the few that the demo's landing page offers as a button. They must be mendable by `mendSql`. */
  readonly inDemo?: boolean
  /** For products of this kind only, where the claim is not applicable in the other. */
  readonly people?: 'organisations' | 'individuals'
  /** SQL run by the superuser of a test or demo database. */
  readonly breakSql?: string
  readonly mendSql?: string
  /**
   * For what lies in the server and not in the database: the name under which `test/world/weaknesses.ts` takes a stage of
   * the pipeline out or replaces it. Nothing in the server itself can switch one off.
   */
  readonly weakness?: string
}
