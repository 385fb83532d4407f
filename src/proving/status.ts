import type { Claim, ClaimId, Claims } from '../kernel/claim.ts'
import type { AcceptedRisk, Finding, Status } from '../kernel/finding.ts'
import type { PromiseId } from '../kernel/promises.ts'
import type { PromiseRow } from './promises.ts'

/** The moment at which a status is drawn, and the commit of the code that runs (`unknown` where nobody knows). */
export interface Moment {
  readonly now: Date
  readonly commit: string
}

/** A time during which a claim stood broken, in RFC 3339. `until` is absent while it still does. */
export interface RedPeriod {
  readonly since: string
  readonly until?: string
  /** What the probe saw when it last found the claim broken in this period. */
  readonly saw: string
}

/** How one claim stands. */
export interface ClaimStanding {
  readonly claim: ClaimId
  readonly status: Status
  /** The claim holds, but only against a part that stands in for the real one. The data say `holds`; it is not green. */
  readonly standIn: boolean
  readonly note?: string
  /** The finding that decided. Absent where there is none. */
  readonly finding?: Finding
  /** The red period that is still open, or else the last one. */
  readonly red?: RedPeriod
  readonly accepted?: AcceptedRisk
}

/** How several claims stand together: a promise, or a sentence of the page. */
export interface Standing {
  readonly status: Status
  readonly standIn: boolean
  readonly note?: string
  readonly claims: readonly ClaimStanding[]
}

/** One day of the strip, in UTC. `none`: nothing looked. */
export interface Day {
  /** `2026-11-20` */
  readonly date: string
  readonly status: Status | 'none'
}

/**
 * Worst first. What is known to be wrong comes before what is unknown; what does not apply weighs nothing beside
 * anything that does.
 */
const badness: readonly Status[] = [
  'broken',
  'accepted',
  'inconclusive',
  'stale',
  'unproven',
  'declared',
  'holds',
  'not-applicable',
]

/** Clocks of two processes may differ a little; a finding from further ahead cannot be called fresh. */
const skewMilliseconds = 60_000
const dayMilliseconds = 86_400_000

/** Green: it holds, freshly, against the real part. Nothing else is. */
export function isGreen(standing: { readonly status: Status; readonly standIn: boolean }): boolean {
  return standing.status === 'holds' && !standing.standIn
}

/** The worst of several; `unproven` where there is none. */
export function worst(statuses: readonly Status[]): Status {
  return badness.find((status) => statuses.includes(status)) ?? 'unproven'
}

/**
 * How one claim stands. The newest finding decides, with these exceptions, each on the safe side:
 *
 * - A broken claim stays broken until a later run *at the same place* finds it mended. A run that could not tell, a run
 *   elsewhere, a run against a stand-in, or no run at all, mends nothing. So it never becomes stale either.
 * - A good finding is stale once its own expiry or the claim's time-to-live has passed, whichever is earlier, and if it
 *   was obtained in CI for another commit than the one that runs.
 * - A good finding that examined nothing, or that is dated in the future, or whose dates cannot be read, is inconclusive.
 * - A broken claim that someone accepted, until a day that has not passed, is `accepted`; afterwards it is broken again.
 */
export function claimStatus(
  id: ClaimId,
  claim: Claim,
  findings: readonly Finding[],
  acceptedRisks: readonly AcceptedRisk[],
  at: Moment,
): ClaimStanding {
  const observations = observe(id, claim, findings, at)
  const newest = observations.at(-1)
  if (!newest) return { claim: id, status: 'unproven', standIn: false, note: 'No probe has run yet.' }

  const red = redPeriods(observations).at(-1)
  if (red && red.until === undefined) return brokenStanding(id, observations, red, acceptedRisks, at)

  const known = { claim: id, finding: newest.finding, ...(red ? { red } : {}) }
  if (newest.doubt) return { ...known, status: 'inconclusive', standIn: false, note: newest.doubt }
  const { status, against } = newest.finding
  const outdated = status === 'inconclusive' ? undefined : whyStale(newest, at)
  if (outdated) return { ...known, status: 'stale', standIn: false, note: outdated }
  return { ...known, status, standIn: status === 'holds' && against !== 'real' }
}

/** All claims of a page at once, by id. Claims without a finding are there too. */
export function claimStandings(
  claims: Claims,
  findings: readonly Finding[],
  acceptedRisks: readonly AcceptedRisk[],
  at: Moment,
): Map<ClaimId, ClaimStanding> {
  const byClaim = Map.groupBy(findings, (finding) => finding.claim)
  return new Map(
    entries(claims).map(([id, claim]) => [id, claimStatus(id, claim, byClaim.get(id) ?? [], acceptedRisks, at)]),
  )
}

/** How a row stands: as badly as the worst of its claims, and never green while something of it is not built. */
export function promiseStatus(row: PromiseRow, claims: readonly ClaimStanding[]): Standing {
  if (claims.length === 0)
    return { status: 'unproven', standIn: false, note: row.missing ?? 'No claim proves it yet.', claims }
  const together = jointStatus(claims)
  if (row.missing === undefined) return together
  return { ...together, status: worst([together.status, 'unproven']), standIn: false, note: row.missing }
}

/** How claims stand together: as badly as the worst. One stand-in among those that hold takes the green from all. */
export function jointStatus(claims: readonly ClaimStanding[]): Standing {
  const status = worst(claims.map((claim) => claim.status))
  return { status, standIn: status === 'holds' && claims.some((claim) => claim.standIn), claims }
}

/** The claims that help to keep a row. */
export function claimsOf(promise: PromiseId, claims: Claims): ClaimId[] {
  return entries(claims)
    .filter(([, claim]) => claim.promises.includes(promise))
    .map(([id]) => id)
}

/**
 * The last `count` days of one claim, oldest first, today last: the worst that was seen on each. A red period covers
 * every day from the finding that opened it to the one that mended it, also days on which nothing ran.
 */
export function days(
  id: ClaimId,
  claim: Claim,
  findings: readonly Finding[],
  acceptedRisks: readonly AcceptedRisk[],
  at: Moment,
  count = 90,
): Day[] {
  const observations = observe(id, claim, findings, at)
  const byDate = Map.groupBy(observations, (seen) => dateOf(seen.time))
  const red = redPeriods(observations)
  const accepted = unexpired(id, acceptedRisks, at.now) !== undefined
  return lastDates(at.now, count).map((date) => {
    const touching = red.filter((period) => covers(period, date))
    // Only the period that is accepted now is drawn as accepted: what was red and was mended stays red.
    if (touching.some((period) => period.until !== undefined || !accepted)) return { date, status: 'broken' }
    if (touching.length > 0) return { date, status: 'accepted' }
    const seen = byDate.get(date)
    return { date, status: seen ? worst(seen.map((one) => (one.doubt ? 'inconclusive' : one.finding.status))) : 'none' }
  })
}

/** Several strips as one: the worst of each day. All must have been made for the same moment and length. */
export function worstDays(strips: readonly (readonly Day[])[]): Day[] {
  return (strips[0] ?? []).map(({ date }, index) => {
    const statuses = strips.map((strip) => strip[index]!.status).filter((status) => status !== 'none')
    return { date, status: statuses.length === 0 ? 'none' : worst(statuses) }
  })
}

/**
 * The findings that the page and the strip need, in the order given: those next to a change of status, and the first and
 * last of each day, per claim, place and part. Everything that is drawn stays the same; a ledger may thin like this.
 */
export function thin(findings: readonly Finding[]): Finding[] {
  const kept = new Set<Finding>()
  const sameSeries = (one: Finding) => `${one.claim} ${one.where} ${one.against}`
  const sameRun = (one: Finding | undefined, other: Finding) =>
    one?.status === other.status &&
    one.examined > 0 === other.examined > 0 &&
    one.checkedAt.slice(0, 10) === other.checkedAt.slice(0, 10)
  for (const series of Map.groupBy(findings, sameSeries).values()) {
    const sorted = series.toSorted((one, other) => Date.parse(one.checkedAt) - Date.parse(other.checkedAt))
    for (const [index, finding] of sorted.entries())
      if (!sameRun(sorted[index - 1], finding) || !sameRun(sorted[index + 1], finding)) kept.add(finding)
  }
  return findings.filter((finding) => kept.has(finding))
}

/** Object.entries, with the ids still claim ids. */
export function entries(claims: Claims): [ClaimId, Claim][] {
  return Object.entries(claims) as [ClaimId, Claim][]
}

/** A finding, with its time as a number, and the reason why it cannot count as good, if there is one. */
interface Observation {
  readonly finding: Finding
  readonly time: number
  readonly expires: number
  readonly doubt?: string
}

/** The findings of one claim, oldest first; of two at the same instant, the worse is the later. */
function observe(id: ClaimId, claim: Claim, findings: readonly Finding[], at: Moment): Observation[] {
  return findings
    .filter((finding) => finding.claim === id)
    .map((finding) => observation(finding, claim, at))
    .sort((one, other) => one.time - other.time || rank(other.finding.status) - rank(one.finding.status))
}

function observation(finding: Finding, claim: Claim, { now }: Moment): Observation {
  const checked = Date.parse(finding.checkedAt)
  const expires = Math.min(Date.parse(finding.expiresAt), checked + claim.ttlMinutes * 60_000)
  // What cannot be dated, or comes from the future, is taken as seen now: a red one shows, a good one is in doubt.
  const time = Number.isNaN(checked) ? now.getTime() : Math.min(checked, now.getTime())
  const seen = { finding, time, expires }
  if (finding.status === 'broken' || finding.status === 'inconclusive') return seen
  if (Number.isNaN(expires)) return { ...seen, doubt: 'The finding has no readable date.' }
  if (checked > now.getTime() + skewMilliseconds) return { ...seen, doubt: 'The finding is dated in the future.' }
  if (finding.status === 'holds' && !(finding.examined > 0)) return { ...seen, doubt: 'The probe examined nothing.' }
  return seen
}

/**
 * The times in which a claim stood broken, oldest first. It opens with a broken finding, and closes when each place that
 * found it broken has found it good again, against a part at least as real.
 */
function redPeriods(observations: readonly Observation[]): RedPeriod[] {
  const periods: RedPeriod[] = []
  const open = new Map<string, Finding>()
  let since = 0
  let saw = ''
  for (const { finding, time, doubt } of observations) {
    if (finding.status === 'broken') {
      if (open.size === 0) since = time
      open.set(place(finding), finding)
      saw = finding.saw
    } else if (finding.status !== 'inconclusive' && !doubt && open.size > 0) {
      open.delete(`${finding.where} stand-in`)
      if (finding.against === 'real') open.delete(place(finding))
      if (open.size === 0) periods.push({ since: instant(since), until: instant(time), saw })
    }
  }
  if (open.size > 0) periods.push({ since: instant(since), saw })
  return periods
}

function brokenStanding(
  id: ClaimId,
  observations: readonly Observation[],
  red: RedPeriod,
  acceptedRisks: readonly AcceptedRisk[],
  at: Moment,
): ClaimStanding {
  const finding = observations.findLast((seen) => seen.finding.status === 'broken')!.finding
  const known = { claim: id, standIn: false, finding, red }
  const accepted = unexpired(id, acceptedRisks, at.now)
  if (accepted) return { ...known, status: 'accepted', note: accepted.reason, accepted }
  const lapsed = acceptedRisks.find((risk) => risk.claim === id)
  if (lapsed) return { ...known, status: 'broken', note: `It was accepted until ${lapsed.until}; that has passed.` }
  if (observations.at(-1)!.finding !== finding)
    return { ...known, status: 'broken', note: 'Later runs have not shown it to be mended.' }
  return { ...known, status: 'broken' }
}

/** The acceptance that is in force for a claim. It lasts to the end of its day, UTC; an unreadable date has passed. */
function unexpired(id: ClaimId, acceptedRisks: readonly AcceptedRisk[], now: Date): AcceptedRisk | undefined {
  return acceptedRisks.find((risk) => risk.claim === id && endOfDay(risk.until) > now.getTime())
}

function endOfDay(date: string): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return Number.NaN
  const start = Date.parse(`${date}T00:00:00Z`)
  // Date.parse takes 31 February for 3 March: a date that does not come back as it was written is no date.
  return !Number.isNaN(start) && dateOf(start) === date ? start + dayMilliseconds : Number.NaN
}

function whyStale({ finding, expires }: Observation, at: Moment): string | undefined {
  if (finding.where === 'ci' && (at.commit === 'unknown' || finding.commit !== at.commit))
    return 'It was tested in CI for another commit than the one that runs.'
  return expires > at.now.getTime() ? undefined : 'The last good run is too old to count.'
}

function place(finding: Finding): string {
  return `${finding.where} ${finding.against}`
}

function rank(status: Status): number {
  return badness.indexOf(status)
}

function covers(period: RedPeriod, date: string): boolean {
  return period.since.slice(0, 10) <= date && (period.until === undefined || period.until.slice(0, 10) >= date)
}

function lastDates(now: Date, count: number): string[] {
  return Array.from({ length: count }, (_, index) => dateOf(now.getTime() - (count - 1 - index) * dayMilliseconds))
}

function dateOf(time: number): string {
  return instant(time).slice(0, 10)
}

function instant(time: number): string {
  return new Date(time).toISOString()
}
