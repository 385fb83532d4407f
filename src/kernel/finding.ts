import type { ClaimId } from './claim.ts'

/** The one list of statuses, for claims, promises and sentences. Only a fresh `holds` is green. */
export const statuses = [
  'holds',
  'broken',
  'inconclusive',
  'stale',
  'unproven',
  'declared',
  'accepted',
  'not-applicable',
] as const
export type Status = (typeof statuses)[number]

/** Where a finding was obtained. */
export type Where = 'live' | 'restored-copy' | 'ci'

/** Against what: the real part, or something that stands in for it. A stand-in is never plain green. */
export type Against = 'real' | 'stand-in'

/** What a probe returns. `saw` is one sentence of evidence; `examined` counts what was looked at. */
export interface Outcome {
  readonly status: 'holds' | 'broken' | 'inconclusive' | 'not-applicable'
  readonly saw: string
  /** Rows, answers or settings that were looked at. Zero examined can never hold. */
  readonly examined: number
}

/** One observation, as the ledger keeps it. Times are RFC 3339 in UTC. */
export interface Finding extends Outcome {
  readonly claim: ClaimId
  readonly where: Where
  readonly against: Against
  readonly checkedAt: string
  readonly expiresAt: string
  readonly milliseconds: number
  /** The commit of the running code, or `unknown`. */
  readonly commit: string
}

/** A red finding that someone answers for, until a date. Shown as such, never green; expired, it is red again. */
export interface AcceptedRisk {
  readonly claim: ClaimId
  readonly reason: string
  readonly owner: string
  /** RFC 3339 date, `2027-01-31`. */
  readonly until: string
}

/** The claim held. An empty examination is inconclusive: nothing was looked at, so nothing was shown. */
export function holds(saw: string, examined: number): Outcome {
  return examined > 0
    ? { status: 'holds', saw, examined }
    : { status: 'inconclusive', saw: `nothing was examined (${saw})`, examined: 0 }
}

export function broken(saw: string, examined: number): Outcome {
  return { status: 'broken', saw, examined }
}

export function inconclusive(saw: string, examined = 0): Outcome {
  return { status: 'inconclusive', saw, examined }
}

export function notApplicable(reason: string): Outcome {
  return { status: 'not-applicable', saw: reason, examined: 0 }
}
