import type { ClaimId } from '../kernel/claim.ts'
import type { Finding } from '../kernel/finding.ts'
import type { Login } from '../platform/database/login.ts'
import { sql } from '../platform/database/statement.ts'

/** Appends findings, as the prover. */
export async function recordFindings(prover: Login, findings: readonly Finding[]): Promise<void> {
  for (const one of findings)
    await prover.query(sql`
      select holdfast.record_finding(${one.claim}, ${one.status}, ${one.saw.slice(0, 4000)}, ${one.examined}, ${one.where}, ${one.against},
        ${one.checkedAt}, ${one.expiresAt}, ${one.milliseconds}, ${one.commit})`)
}

/** The findings of the last 90 days, oldest first: of each claim, status and day the last one. As auditor or prover. */
export async function readFindings(login: Login): Promise<Finding[]> {
  return (
    await login.query(
      sql<{
        claim: ClaimId
        status: Finding['status']
        saw: string
        examined: number
        place: Finding['where']
        against: Finding['against']
        checked_at: string
        expires_at: string
        milliseconds: number
        commit: string
      }>`select * from holdfast.findings(90)`,
    )
  ).map(({ place, checked_at, expires_at, ...rest }) => ({
    ...rest,
    where: place,
    checkedAt: checked_at,
    expiresAt: expires_at,
  }))
}
