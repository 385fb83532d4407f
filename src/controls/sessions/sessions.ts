import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { sessionCookie } from './cookie.ts'
import { createTokens, entryOf, type Presented, type PublicKey } from './token.ts'

export type { Presented, PublicKey } from './token.ts'

/** How a person has just shown who they are. The database keeps it with the session. */
export interface Evidence {
  /** 1: one factor; 2: two; 3: two, one of them bound to hardware. A role may demand more than 1. */
  readonly assurance: 1 | 2 | 3
  /** Such as `password`. */
  readonly shown: string
}

export interface Issued {
  /** The Set-Cookie value. */
  readonly cookie: string
  /** Whether the person's address is verified. A session without opens no organisation. */
  readonly verified: boolean
  /** D: what entry takes. */
  readonly entry: Uint8Array
}

export interface Sessions {
  readonly cookieName: string
  /** A new session. `identity`: the login role that may mint. Throws DatabaseError HF401 for a person who is unknown or
   *  disabled, HF429 for one with too many sessions in an hour. */
  issue(identity: Login, person: string, evidence: Evidence): Promise<Issued>
  /** What the request presents, from its Cookie header: synchronous, and mostly out of a cache. Undefined for anything but
   *  exactly one cookie of ours in force. Whether the session lives, the database alone decides. */
  present(cookieHeader: string | null): Presented | undefined
  /** The Set-Cookie value that makes the browser forget. */
  clear(): string
  readonly publicKeys: readonly PublicKey[]
}

// Both are kept by the database, on the pass. Until sessions rotate (then rotation is the touch), a day is counted from
// sign-in: long enough that nobody signs in twice on one working day, short enough for a lost laptop.
const idleSeconds = 24 * 60 * 60
// NIST SP 800-63B-4, section 2.1.3: at one factor, 30 days at most. The verb that mints refuses more.
const lifeSeconds = 30 * 24 * 60 * 60

/**
 * The sessions of one product on one origin. S, 32 random bytes, is in the cookie alone. D = SHA-256("holdfast-entry-1" ‖ S)
 * is presented to the database, which stores SHA-256(D): a D that leaks into a log is no cookie, a stolen table no D.
 *
 * `https`: whether browsers reach us over HTTPS. Throws where it contradicts `origin`, and for plain HTTP on anything but this
 * machine: a session cookie must not cross a network in the clear.
 */
export function createSessions(options: {
  readonly product: string
  readonly origin: string
  /** PKCS #8, Ed25519. */
  readonly privateKeyPem: string
  readonly https: boolean
  readonly clock?: Clock
}): Sessions {
  const { product, origin, privateKeyPem, https, clock = systemClock } = options
  refuseInTheClear(origin, https)
  const cookie = sessionCookie(product, https)
  const tokens = createTokens({ privateKeyPem, issuer: `${origin}/${product}`, audience: product, clock })

  return {
    cookieName: cookie.name,
    publicKeys: tokens.publicKeys,

    async issue(identity, person, { assurance, shown }) {
      const secret = randomBytes(32)
      const session = randomUUID()
      const entry = entryOf(secret)
      const [minted] = await identity.query(sql<{ verified: boolean }>`
        select holdfast.mint(${sha256(entry)}, ${person}, ${assurance}::smallint, ${shown},
          make_interval(secs => ${idleSeconds}), make_interval(secs => ${lifeSeconds}), ${session}) as verified`)
      const issuedAt = Math.floor(clock.now().getTime() / 1000)
      const token = tokens.write({ session, secret, issuedAt, expiresAt: issuedAt + lifeSeconds })
      return { cookie: cookie.set(token, lifeSeconds), verified: minted!.verified, entry }
    },

    present(header) {
      const token = header === null ? undefined : cookie.read(header)
      return token === undefined ? undefined : tokens.read(token)
    },

    clear: cookie.clear,
  }
}

/** Ends the session that `entry` opens, and its whole family, from the next transaction on. Returns whether it was alive. */
export async function endSession(identity: Login, entry: Uint8Array): Promise<boolean> {
  const [answer] = await identity.query(sql<{ ended: boolean }>`select holdfast.end_session(${entry}) as ended`)
  return answer!.ended
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

function refuseInTheClear(origin: string, https: boolean): void {
  const { protocol, hostname, origin: exact } = new URL(origin)
  if (exact !== origin) throw new Error(`not an origin: ${origin}. Write scheme, host and port alone: ${exact}`)
  if (https !== (protocol === 'https:')) throw new Error(`${origin} does not fit https: ${https}`)
  if (!https && !isThisMachine(hostname))
    throw new Error(
      `${origin} would send session cookies over the network in the clear. Use https, or a loopback name.`,
    )
}

function isThisMachine(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}
