import { BlockList, isIP, isIPv4 } from 'node:net'
import { Refusal } from '../../kernel/refusal.ts'
import type { Limit } from '../../platform/http/route.ts'
import { canonicalAddress, writeNetwork } from './address.ts'
import { addressUnknown, tooManyRequests } from './refusals.ts'
import { type Columns, createLocator, newSketch, raiseSketch, readSketch, rows, type Sketch } from './sketch.ts'

/*
 * For other controls, through this door:
 * - `Decide` = (key, limit) => Promise<void>: the exact decision, counted across all processes, in a transaction of its own. Call it
 *   before a password hash, a mail or a code. Key of sign-in: `sign-in <addressKey>` for strangers' browsers, and
 *   `sign-in <addressKey> <device>` for one that `Devices.known` vouches for, so that strangers cannot spend its quota.
 * - `Failures`: failures in a row by person and authenticator; `attempt` counts, runs, and clears on success; a disabled
 *   authenticator is answered like a wrong one, and `disabledNow` asks for a mail to the owner. In SQL: holdfast.count_failure,
 *   holdfast.clear_failures (call it in the transaction that binds an authenticator anew), holdfast.is_disabled.
 * - `Devices`: the cookie that tells a browser which has signed in to an account before from a stranger's.
 */
export type { Decide } from './decisions.ts'
export type { Attempted, Authenticator, Devices, Failures } from './failures.ts'

/** What an answer says about quotas (draft-ietf-httpapi-ratelimit-headers-10). Lists: two are joined by a comma. */
export interface LimitHeaders {
  readonly 'ratelimit-policy': string
  readonly ratelimit: string
}

/**
 * The first gate, by client address, of one process alone: what is counted over all of them are leases and exact decisions.
 * Every function is synchronous, spends one request or throws a 429 `Refusal` that carries
 * `Retry-After` in seconds and the same headers. A refused request spends nothing. Two different limits of one name are an
 * Error, and so are more than 200 names: they come from code, never from a request.
 */
export interface Limits {
  /** Before routing, on every request: the one policy over all routes, and so all that limits unknown paths. */
  spendOverall(address: string): LimitHeaders
  /** After routing and before anything is read or looked up. `address` comes from `clientAddress`. */
  spendByAddress(address: string, limit: Limit): LimitHeaders
}

export interface LimitsOptions {
  /** Limits to know from the start, so that a name that stands for two is an Error then. Others are learned when first spent. */
  readonly limits?: Iterable<Limit>
  /** For one address over all routes: 6,000 in a minute when left out. */
  readonly overall?: Limit
  /** An IPv6 /48 may spend this many times what each of its /64 may: 8 when left out. */
  readonly wideFactor?: number
  /** Memory: 4 rows × `columns` × 8 bytes for each policy and kind of key. A power of two: 16,384 when left out. */
  readonly columns?: number
  /** Milliseconds that never run backwards: `performance.now` when left out. */
  readonly now?: () => number
}

/** Memory is fixed by the number of policies, and no number of clients adds to it: see sketch.ts. */
export function createLimits(options: LimitsOptions = {}): Limits {
  const { overall = generous, wideFactor = 8, columns = 16_384, now = () => performance.now() } = options
  const policyOf = createPolicies(wideFactor, columns)
  for (const limit of [overall, ...(options.limits ?? [])]) policyOf(limit)
  const locate = createLocator(columns)
  const key = new Uint8Array(8)
  const narrow = new Uint32Array(rows)
  const wide = new Uint32Array(rows)
  let located = ''

  /** A request asks twice in a row for one address, so the last one is kept. */
  const locateAddress = (address: string) => {
    if (address === located) return
    const length = writeNetwork(address, key)
    locate(key, length, narrow)
    if (length === 8) locate(key, 6, wide)
    located = address
  }
  const spendByAddress = (address: string, limit: Limit) => {
    const policy = policyOf(limit)
    locateAddress(address)
    return address.includes(':')
      ? spendBoth(policy.address, narrow, policy.network, wide, now())
      : spend(policy.address, narrow, now())
  }
  return {
    spendOverall: (address) => spendByAddress(address, overall),
    spendByAddress,
  }
}

const generous: Limit = { name: 'overall', quota: 6_000, windowSeconds: 60 }

/** Both lists in one, for an answer that spent twice; one alone where the other was never counted. */
export function joinHeaders(first: Partial<LimitHeaders>, second: Partial<LimitHeaders>): Partial<LimitHeaders> {
  if (first.ratelimit === undefined) return second
  if (second.ratelimit === undefined) return first
  return {
    'ratelimit-policy': `${first['ratelimit-policy']}, ${second['ratelimit-policy']}`,
    ratelimit: `${first.ratelimit}, ${second.ratelimit}`,
  }
}

// --- the generic cell rate algorithm (GCRA, ITU-T I.371) ------------------------------------------------------------

/** One kind of bucket of one policy. A cell holds the time at which its key would have its whole quota back. */
interface Buckets {
  readonly name: string
  readonly policyHeader: string
  /** Milliseconds for one request to come back. */
  readonly interval: number
  /** Milliseconds for the whole quota. */
  readonly window: number
  readonly columns: number
  sketch?: Sketch
}

function spend(buckets: Buckets, columns: Columns, now: number): LimitHeaders {
  const restored = restoredAfter(buckets, columns, now)
  refuseLater(buckets, restored, now)
  raiseSketch(sketchOf(buckets), columns, restored)
  return headersOf(buckets, restored, now)
}

/** Spends from both or from neither. The headers tell of the one with less left. */
function spendBoth(first: Buckets, at: Columns, second: Buckets, alsoAt: Columns, now: number): LimitHeaders {
  const restored = restoredAfter(first, at, now)
  const alsoRestored = restoredAfter(second, alsoAt, now)
  refuseLater(first, restored, now)
  refuseLater(second, alsoRestored, now)
  raiseSketch(sketchOf(first), at, restored)
  raiseSketch(sketchOf(second), alsoAt, alsoRestored)
  return remaining(second, alsoRestored, now) < remaining(first, restored, now)
    ? headersOf(second, alsoRestored, now)
    : headersOf(first, restored, now)
}

function restoredAfter(buckets: Buckets, columns: Columns, now: number): number {
  return Math.max(readSketch(sketchOf(buckets), columns), now) + buckets.interval
}

function refuseLater(buckets: Buckets, restored: number, now: number): void {
  // Asked this way round, a time that is not a number is refused too.
  if (restored - now <= buckets.window + tolerance) return
  const seconds = Math.ceil((restored - now - buckets.window) / 1000)
  throw new Refusal(tooManyRequests, {
    headers: {
      'retry-after': String(Number.isFinite(seconds) ? seconds : 60),
      'ratelimit-policy': buckets.policyHeader,
      ratelimit: `"${buckets.name}";r=0;t=${Number.isFinite(seconds) ? seconds : 60}`,
    },
  })
}

function headersOf(buckets: Buckets, restored: number, now: number): LimitHeaders {
  const left = remaining(buckets, restored, now)
  const untilNext = (left + 1) * buckets.interval - (buckets.window - (restored - now))
  return {
    'ratelimit-policy': buckets.policyHeader,
    ratelimit: `"${buckets.name}";r=${left};t=${Math.max(1, Math.ceil((untilNext - tolerance) / 1000))}`,
  }
}

function remaining(buckets: Buckets, restored: number, now: number): number {
  return Math.max(0, Math.floor((buckets.window + tolerance - (restored - now)) / buckets.interval))
}

function sketchOf(buckets: Buckets): Sketch {
  buckets.sketch ??= newSketch(buckets.columns)
  return buckets.sketch
}

/** Milliseconds: sums of fractions must not cost the last request of a quota. */
const tolerance = 1e-3

// --- policies ------------------------------------------------------------------------------------------------------

interface Policy {
  readonly limit: Limit
  readonly address: Buckets
  readonly network: Buckets
}

const mostPolicies = 200

function createPolicies(wideFactor: number, columns: number): (limit: Limit) => Policy {
  const policies = new Map<string, Policy>()
  return (limit) => {
    let policy = policies.get(limit.name)
    if (policy === undefined) {
      if (policies.size >= mostPolicies)
        throw new Error(`more than ${mostPolicies} limits: ${limit.name} is not counted`)
      policy = policyFrom(limit, wideFactor, columns)
      policies.set(limit.name, policy)
    }
    if (!isSame(policy.limit, limit)) throw new Error(`two different limits have the name ${limit.name}`)
    return policy
  }
}

function policyFrom(limit: Limit, wideFactor: number, columns: number): Policy {
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(limit.name)) throw new Error(`a limit's name is a word, not ${limit.name}`)
  for (const number of [limit.quota, limit.windowSeconds, wideFactor])
    if (!Number.isSafeInteger(number) || number < 1) throw new Error(`limit ${limit.name}: ${number} is not a count`)
  const buckets = (suffix: string, quota: number): Buckets => ({
    name: limit.name + suffix,
    policyHeader: `"${limit.name}${suffix}";q=${quota};w=${limit.windowSeconds}`,
    interval: (limit.windowSeconds * 1000) / quota,
    window: limit.windowSeconds * 1000,
    columns,
  })
  return {
    limit,
    address: buckets('', limit.quota),
    network: buckets('-network', limit.quota * wideFactor),
  }
}

function isSame(one: Limit, other: Limit): boolean {
  return one.quota === other.quota && one.windowSeconds === other.windowSeconds
}

// --- who is calling ------------------------------------------------------------------------------------------------

/** The proxies whose word about the client's address is taken. */
export type TrustedProxies = Pick<BlockList, 'check'>

/**
 * Reads CIDRs such as `10.0.0.0/8` or `2001:db8::/32`; an address alone is a network of one. Undefined for none at all.
 * Throws one Error that names every entry that is no network, and every network of all addresses.
 */
export function trustProxies(cidrs: readonly string[]): TrustedProxies | undefined {
  const proxies = new BlockList()
  const faults = cidrs.filter((cidr) => !addNetwork(proxies, cidr))
  if (faults.length > 0) throw new Error(`not a network of trusted proxies: ${faults.join(', ')}`)
  return cidrs.length === 0 ? undefined : proxies
}

function addNetwork(proxies: BlockList, cidr: string): boolean {
  const [network = '', length, ...rest] = cidr.split('/')
  const version = isIP(network)
  const bits = version === 4 ? 32 : 128
  if (version === 0 || rest.length > 0 || network.includes('%')) return false
  if (length !== undefined && !/^[1-9]\d{0,2}$/.test(length)) return false
  const prefix = Number(length ?? bits)
  if (prefix > bits) return false
  proxies.addSubnet(network, prefix, version === 4 ? 'ipv4' : 'ipv6')
  return true
}

/**
 * The client's address in canonical form. `peer` is the other end of the connection; X-Forwarded-For counts only where the
 * peer is a trusted proxy, and is then walked from the right, as long as each writer is trusted too. An entry that is no
 * address ends the walk at the proxy that wrote it. Throws a 400 `Refusal` for a connection without an address.
 */
export function clientAddress(
  peer: string | undefined,
  headers: Headers,
  trustedProxies: TrustedProxies | undefined,
): string {
  const address = canonicalAddress(peer ?? '')
  if (address === undefined) throw new Refusal(addressUnknown)
  if (trustedProxies === undefined || !isTrusted(address, trustedProxies)) return address
  return walkForwarded(headers.get('x-forwarded-for') ?? '', address, trustedProxies)
}

/**
 * Who a client is where clients take turns: an IPv4 address whole, and all that one IPv6 /48 holds. Takes what `clientAddress`
 * returns.
 */
export function clientKey(address: string): string {
  const key = new Uint8Array(8)
  const length = writeNetwork(address, key)
  return Buffer.from(key.subarray(0, length === 8 ? 6 : length)).toString('hex')
}

function walkForwarded(forwarded: string, proxy: string, trustedProxies: TrustedProxies): string {
  let client = proxy
  let end = forwarded.length
  for (let hops = 0; hops < mostHops && end > 0; hops++) {
    const comma = forwarded.lastIndexOf(',', end - 1)
    const hop = canonicalAddress(withoutPort(forwarded.slice(comma + 1, end).trim()))
    if (hop === undefined) return client
    client = hop
    if (!isTrusted(hop, trustedProxies)) return client
    end = comma
  }
  return client
}

const mostHops = 20

function isTrusted(address: string, trustedProxies: TrustedProxies): boolean {
  return trustedProxies.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711`, as some proxies write them. */
function withoutPort(entry: string): string {
  return /^\[([^\]]+)\](?::\d{1,5})?$/.exec(entry)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(entry)?.[1] ?? entry
}
