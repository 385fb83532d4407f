import type { Claim, ClaimId, Claims } from '../kernel/claim.ts'
import type { AcceptedRisk, Against, Finding, Status, Where } from '../kernel/finding.ts'
import type { PromiseId } from '../kernel/promises.ts'
import type { PromiseRegistry } from './promises.ts'
import { type ClaimStanding, claimStandings, claimsOf, entries, promiseStatus, worst } from './status.ts'

/** All that a page and its evidence are drawn from, for one product. `commit` is that of the running code, or `unknown`. */
export interface EvidenceInput {
  readonly product: { readonly name: string; readonly title: string }
  readonly promises: PromiseRegistry
  readonly claims: Claims
  /** Of the last 90 days and, where a claim is red for longer, back to when it turned red; in any order; `thin` is enough. */
  readonly findings: readonly Finding[]
  readonly accepted: readonly AcceptedRisk[]
  readonly now: Date
  readonly commit: string
}

/** `/security.json`. Times are RFC 3339 in UTC. */
export interface SecurityJson {
  readonly products: readonly string[]
  readonly drawnAt: string
  readonly commit: string
  readonly promises: readonly PromiseJson[]
  readonly claims: readonly ClaimJson[]
}

export interface PromiseJson {
  readonly id: PromiseId
  readonly title: string
  /** Green only when this is `holds` and `against` is `real`. */
  readonly status: Status
  readonly against?: Against
  readonly note?: string
  readonly claims: readonly ClaimId[]
}

export interface ClaimJson {
  readonly id: ClaimId
  readonly product: string
  readonly promises: readonly PromiseId[]
  readonly sentence: string
  /** Green only when this is `holds` and `against` is `real`. */
  readonly status: Status
  readonly note?: string
  /** Null where nothing has run, and while what a red probe saw is with the operators: then `sawFrom` says until when. */
  readonly saw: string | null
  readonly sawFrom?: string
  readonly where: Where | null
  readonly against: Against | null
  readonly checkedAt: string | null
  readonly expiresAt: string | null
  readonly examined: number | null
  /** The commit that was examined. */
  readonly commit: string | null
  /** The red period that is open, or the last one. */
  readonly red?: { readonly since: string; readonly until?: string; readonly saw: string | null }
  readonly accepted?: Pick<AcceptedRisk, 'reason' | 'owner' | 'until'>
}

/** Hours after which the public may read what a red probe saw, when nobody has mended it by then. */
export const publishAfterHours = 24

/** The evidence for one product's page, as JSON for the public. */
export function securityJson(input: EvidenceInput): SecurityJson {
  const standings = claimStandings(input.claims, input.findings, input.accepted, input)
  return {
    products: [input.product.name],
    drawnAt: input.now.toISOString(),
    commit: input.commit,
    promises: (Object.keys(input.promises) as PromiseId[]).map((id) => promiseJson(id, input, standings)),
    claims: entries(input.claims).map(([id, claim]) => claimJson(claim, standings.get(id)!, input)),
  }
}

/** The evidence of several products together: a promise stands as badly as in the worst of them. */
export function joinSecurityJson(parts: readonly SecurityJson[]): SecurityJson {
  const [first] = parts
  if (!first) throw new Error('there is no evidence to join')
  return {
    products: parts.flatMap((part) => part.products),
    drawnAt: first.drawnAt,
    commit: first.commit,
    promises: first.promises.map(({ id }) =>
      joinPromise(parts.map((part) => part.promises.find((one) => one.id === id)!)),
    ),
    claims: parts.flatMap((part) => part.claims),
  }
}

/**
 * When the public may read what the probe of a broken claim saw; undefined when it may now. Operators read it at once,
 * in the ledger. That the claim is red is never held back.
 */
export function heldBackUntil({ red }: ClaimStanding, now: Date): Date | undefined {
  if (!red || red.until !== undefined) return undefined
  const from = new Date(Date.parse(red.since) + publishAfterHours * 3_600_000)
  return from > now ? from : undefined
}

function promiseJson(id: PromiseId, input: EvidenceInput, standings: ReadonlyMap<ClaimId, ClaimStanding>): PromiseJson {
  const row = input.promises[id]
  const claims = claimsOf(id, input.claims)
  const { status, standIn, note } = promiseStatus(
    row,
    claims.map((claim) => standings.get(claim)!),
  )
  return {
    id,
    title: row.title,
    status,
    ...(status === 'holds' ? { against: standIn ? 'stand-in' : 'real' } : {}),
    ...(note === undefined ? {} : { note }),
    claims,
  }
}

function claimJson(claim: Claim, standing: ClaimStanding, { product, now }: EvidenceInput): ClaimJson {
  const { finding, red, accepted } = standing
  const sawFrom = heldBackUntil(standing, now)
  return {
    id: standing.claim,
    product: product.name,
    promises: claim.promises,
    sentence: claim.sentence,
    status: standing.status,
    ...(standing.note === undefined ? {} : { note: standing.note }),
    saw: sawFrom ? null : (finding?.saw ?? null),
    ...(sawFrom ? { sawFrom: sawFrom.toISOString() } : {}),
    where: finding?.where ?? null,
    against: finding?.against ?? null,
    checkedAt: finding?.checkedAt ?? null,
    expiresAt: finding?.expiresAt ?? null,
    examined: finding?.examined ?? null,
    commit: finding?.commit ?? null,
    ...(red ? { red: { ...red, saw: sawFrom ? null : red.saw } } : {}),
    ...(accepted ? { accepted: { reason: accepted.reason, owner: accepted.owner, until: accepted.until } } : {}),
  }
}

function joinPromise(parts: readonly PromiseJson[]): PromiseJson {
  const status = worst(parts.map((part) => part.status))
  const { against: _, ...decisive } = parts.find((part) => part.status === status)!
  const standIn = parts.some((part) => part.against === 'stand-in')
  return {
    ...decisive,
    ...(status === 'holds' ? { against: standIn ? 'stand-in' : 'real' } : {}),
    claims: [...new Set(parts.flatMap((part) => part.claims))],
  }
}
