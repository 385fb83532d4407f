import { LRUCache } from 'lru-cache'
import { Refusal } from '../../kernel/refusal.ts'
import type { Limit } from '../../platform/http/route.ts'
import { refuseUntil } from './decisions.ts'
import { counterDown } from './refusals.ts'
import { longestMillis, type Store, type Taken } from './store.ts'

/*
 * Limits by person and organisation, on every request and over all processes, without a row or a round trip for each. A process
 * holds a lease on each bucket that it sees: it may spend a twentieth of the quota before it has asked the shared counter, then
 * says what it has spent (once a second, less than a twentieth of the lease every ten, early when half of it is gone) and is
 * told what it may spend next. Spending is debited in any case, as a debt if need be; so n processes let through at most n
 * twentieths more than the quota, once, and then wait until that has come back as well. With the counter lost a process spends
 * what it holds, and then refuses with 503.
 */

export interface Leases {
  /**
   * One request of whoever the session belongs to: of the session itself for the few milliseconds until the person is known.
   * Throws, or rejects with, a `Refusal`: 429, or 503 where the counter does not answer. Returns a promise only where it has to
   * wait for the counter.
   */
  spendBySession(session: string, limit: Limit): undefined | Promise<void>
  /**
   * Runs what enters an organisation, and counts it for the organisation: ten times the quota of one person. Refused before it
   * runs only where this session has entered there before, so that a stranger spends nobody's quota and learns nothing of it.
   * `run` throws an error with the code HF401 or HF404 where entry is refused.
   */
  spendByOrganisation<T>(
    who: { readonly session: string; readonly organisation: string },
    limit: Limit,
    run: () => Promise<T>,
  ): Promise<T>
  /** Tells the counter what is still owed, and ends. */
  stop(): Promise<void>
}

export interface LeasesOptions {
  readonly store: Store
  /** To whom live sessions belong. A session that is missing from the answer is nobody's. */
  personsOf(sessions: readonly string[]): Promise<readonly { family: string; person: string }[]>
  /** The counter, or the database, failed. Told once, until it works again. */
  readonly log: (error: unknown) => void
  /** For each kind, persons and organisations: 50,000 when left out. One that was pushed out begins with a new lease. */
  readonly most?: number
  readonly now?: () => number
}

export const organisationFactor = 10

export function createLeases(options: LeasesOptions): Leases {
  const { store, personsOf, log, most = 50_000, now = () => performance.now() } = options
  const counter = createCounter({ store, log, now })
  const persons = new LRUCache<string, Holder>({ max: most })
  const organisations = new LRUCache<string, Holder>({ max: most })
  const sessions = new LRUCache<string, Seat>({ max: most })
  const unknown = new Map<string, Seat>()
  let finding: Promise<void> | undefined

  const seatOf = (session: string): Seat => {
    let seat = sessions.get(session)
    if (seat === undefined) {
      seat = { holder: newHolder(`session ${session}`), entered: new Set() }
      sessions.set(session, seat)
      unknown.set(session, seat)
      finding ??= findPersons().catch(log)
    }
    return seat
  }
  /** What the sessions have spent so far goes with them to the person. */
  const findPersons = async () => {
    // Those who come in the same moment are asked for together.
    await new Promise(setImmediate)
    finding = undefined
    const asked = [...unknown.keys()].slice(0, mostAtOnce)
    for (const { family, person } of await personsOf(asked)) {
      const seat = unknown.get(family)
      if (seat === undefined) continue
      const holder = holderOf(persons, 'person', person)
      for (const lease of seat.holder.leases.values()) counter.move(lease, leaseOf(holder, lease.limit, 'person', 1))
      seat.holder = holder
    }
    for (const session of asked) unknown.delete(session)
  }
  const timer = setInterval(() => {
    if (unknown.size > 0) finding ??= findPersons().catch(log)
  }, settleMillis)
  timer.unref()

  return {
    spendBySession: (session, limit) => counter.spend(leaseOf(seatOf(session).holder, limit, 'person', 1)),

    async spendByOrganisation({ session, organisation }, limit, run) {
      const { entered } = seatOf(session)
      const lease = () =>
        leaseOf(holderOf(organisations, 'organisation', organisation), limit, 'organisation', organisationFactor)
      const isMember = entered.has(organisation)
      if (isMember) {
        const waiting = counter.spend(lease())
        if (waiting !== undefined) await waiting
      }
      try {
        const result = await run()
        if (!isMember) {
          if (entered.size >= mostOrganisations) entered.clear()
          entered.add(organisation)
          counter.debit(lease())
        }
        return result
      } catch (error) {
        if (isEntryRefused(error)) entered.delete(organisation)
        throw error
      }
    },

    async stop() {
      clearInterval(timer)
      await finding
      await counter.stop()
    },
  }
}

/** Whom a session belongs to, and which organisations it has entered. */
interface Seat {
  holder: Holder
  readonly entered: Set<string>
}

/** A person, an organisation or a session, with a lease for each limit. */
interface Holder {
  readonly bucket: string
  readonly leases: Map<string, Lease>
}

interface Lease {
  readonly bucket: string
  readonly name: string
  readonly limit: Limit
  /** The quota over all processes, and what may be spent of it without asking. */
  readonly quota: number
  readonly share: number
  left: number
  /** Spent, and not told yet. */
  owed: number
  refusedUntil: number
}

function newHolder(bucket: string): Holder {
  return { bucket, leases: new Map() }
}

function holderOf(holders: LRUCache<string, Holder>, kind: string, id: string): Holder {
  let holder = holders.get(id)
  if (holder === undefined) {
    holder = newHolder(`${kind} ${id}`)
    holders.set(id, holder)
  }
  return holder
}

function leaseOf(holder: Holder, limit: Limit, kind: string, factor: number): Lease {
  let lease = holder.leases.get(limit.name)
  if (lease === undefined) {
    const quota = Math.min(limit.quota * factor, mostQuota)
    const share = Math.max(1, Math.floor(quota / 20))
    const name = `${limit.name}-${kind}`
    lease = { bucket: `${name} ${holder.bucket}`, name, limit, quota, share, left: share, owed: 0, refusedUntil: 0 }
    holder.leases.set(limit.name, lease)
  }
  return lease
}

function isEntryRefused(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'HF401' || code === 'HF404'
}

const mostOrganisations = 100
/** The counter takes 32 bits. */
const mostQuota = 1_000_000_000

// --- settling with the shared counter -----------------------------------------------------------------------------------

const settleMillis = 1000
/** Thousands of people who ask for a page each would otherwise cost the counter as many rows a second. */
const ticksForSmallDebts = 10
/** With more than so many they take more memory than calls are worth. */
const mostSmallDebts = 20_000
/** Buckets in one call; more wait for the next. */
const mostAtOnce = 500

function createCounter({ store, log, now }: Pick<LeasesOptions, 'store' | 'log'> & { now: () => number }) {
  const dirty = new Set<Lease>()
  const urgent = new Set<Lease>()
  let settling: Promise<void> | undefined
  let isFailing = false

  const debit = (lease: Lease) => {
    lease.owed++
    lease.left = Math.max(0, lease.left - 1)
    dirty.add(lease)
    if (lease.left * 2 <= lease.share) settleSoon(lease)
  }
  const settleSoon = (lease: Lease): Promise<void> => {
    urgent.add(lease)
    settling ??= settleOnce().finally(() => {
      settling = undefined
      // What became urgent meanwhile; after a failure only whoever waits, or the timer, tries again.
      if (urgent.size > 0 && !isFailing) void settleSoon(urgent.values().next().value!)
    })
    return settling
  }
  const settleOnce = async () => {
    await new Promise(setImmediate)
    const leases = [...urgent].slice(0, mostAtOnce)
    for (const lease of leases) urgent.delete(lease)
    const told = leases.map(({ owed }) => owed)
    try {
      const taken = await store.take(
        leases.map(({ bucket, limit, quota, owed }) => ({
          bucket,
          limit: { quota, windowSeconds: limit.windowSeconds },
          spend: owed,
        })),
        false,
      )
      for (const [index, lease] of leases.entries()) renew(lease, told[index]!, taken[index]!)
      isFailing = false
    } catch (error) {
      if (!isFailing) log(error)
      isFailing = true
    }
  }
  const renew = (lease: Lease, told: number, { remaining, waitMillis }: Taken) => {
    lease.owed -= told
    if (lease.owed === 0) dirty.delete(lease)
    // The less there is, the smaller the steps: other processes hold leases on it too.
    lease.left = Math.max(0, Math.min(lease.share, Math.ceil(remaining / 8)) - lease.owed)
    lease.refusedUntil = remaining > 0 ? 0 : now() + waitMillis
  }
  const refuse = (lease: Lease, at: number) => {
    throw refuseUntil(lease.limit, lease.name, lease.quota, lease.refusedUntil - at)
  }
  const spendLater = async (lease: Lease) => {
    const began = now()
    while (lease.left <= 0) {
      await settleSoon(lease)
      const at = now()
      if (lease.refusedUntil > at) refuse(lease, at)
      if (lease.left <= 0 && (isFailing || at - began > longestMillis))
        throw new Refusal(counterDown, { headers: { 'retry-after': '2' } })
    }
    debit(lease)
  }
  let ticks = 0
  const timer = setInterval(() => {
    const isForAll = ++ticks % ticksForSmallDebts === 0 || dirty.size > mostSmallDebts
    for (const lease of dirty) if (isForAll || lease.owed * 20 >= lease.share) void settleSoon(lease)
  }, settleMillis)
  timer.unref()

  return {
    debit,
    spend(lease: Lease): undefined | Promise<void> {
      if (lease.refusedUntil > 0) {
        const at = now()
        if (lease.refusedUntil > at) refuse(lease, at)
      }
      if (lease.left <= 0) return spendLater(lease)
      debit(lease)
      return undefined
    },
    move(from: Lease, to: Lease) {
      to.owed += from.owed
      to.left = Math.max(0, to.left - from.owed)
      if (to.owed > 0) dirty.add(to)
      from.owed = 0
      dirty.delete(from)
    },
    async stop() {
      clearInterval(timer)
      await settling
      isFailing = false
      while (dirty.size > 0 && !isFailing) {
        for (const lease of dirty) urgent.add(lease)
        await settleOnce()
      }
    },
  }
}
