import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import type { Login } from '../../platform/database/login.ts'
import { type Statement, sql } from '../../platform/database/statement.ts'
import { sessionCookie } from './cookie.ts'
import { deviceOf } from './device.ts'
import { type Mail, stolenMail } from './mails.ts'
import { createTokens, entryOf, type Presented, type PublicKey, type SigningKeys } from './token.ts'

export type { Presented, PublicKey, SigningKeys } from './token.ts'

/** How a person has just shown who they are. The database keeps it with the session. */
export interface Evidence {
  /** 1: one factor; 2: two; 3: two, one of them bound to hardware. A role may demand more than 1. */
  readonly assurance: 1 | 2 | 3
  /** Such as `password`. */
  readonly shown: string
  /**
   * `pg_current_snapshot()::text` of the statement that read what it was compared with. A password that is changed, or a
   * passkey that is removed, while somebody signs in with it opens nothing then: `issue` throws HF401. Left out: not asked.
   */
  readonly asOf?: string
}

/** From where: a `Caller` is one. Shown to the person on the page of their sessions. */
export interface Where {
  readonly userAgent: string
  readonly address: string
}

export interface Issued {
  /** The Set-Cookie value. */
  readonly cookie: string
  /** Whether the person's address is verified. A session without opens no organisation. */
  readonly verified: boolean
  /** D: what entry takes. */
  readonly entry: Uint8Array
  /** This person has been here within 90 days, but not by this kind of browser and system. */
  readonly newDevice: boolean
}

/** One live session, as its person is shown it. Times are RFC 3339. */
export interface OwnSession {
  readonly session: string
  /** Empty: not known. */
  readonly device: string
  /** The network address that it was last seen in use from; empty: not known. */
  readonly address: string
  readonly startedAt: string
  /** To ten minutes. */
  readonly usedAt: string
  readonly current: boolean
}

export interface Sessions {
  readonly cookieName: string
  /** A new session. `identity`: the login role that may mint. Throws DatabaseError HF401 for a person who is unknown or
   *  disabled, HF429 for one with too many sessions in an hour. */
  issue(identity: Login, person: string, evidence: Evidence, where: Where): Promise<Issued>
  /** A new session for the person of the one that `entry` opens, which ends, both at once: when a second factor was shown, or
   *  somebody has shown anew who they are. HF401 where it is not alive (any more), HF429 as `issue`. */
  replace(identity: Login, entry: Uint8Array, evidence: Evidence, where: Where): Promise<Issued>
  /** What the request presents, from its Cookie header: synchronous, and mostly out of a cache. Undefined for anything but
   *  exactly one cookie of ours in force. Whether the session lives, the database alone decides. */
  present(cookieHeader: string | null): Presented | undefined
  /** Whether `touch` may have something to do, as far as that can be told without asking the database. */
  looksDue(presented: Presented): boolean
  /**
   * After an answer, when entry said that something is due: tells the database that this secret is in use, and replaces it when
   * it is old. Returns the Set-Cookie value of the successor, for as long as nobody was seen to use that; undefined where
   * there is nothing to set. Never a reason to clear a cookie. Of one token, one call a second reaches the database.
   */
  touch(identity: Login, cookieHeader: string | null, address: string): Promise<string | undefined>
  /**
   * After a refusal (401) of a token of ours: where it holds a secret whose successor is in use, two hold it, and the whole
   * session ends. Its person gets one mail, by the statement that `notice` makes of it, in the same transaction. Returns
   * whether a mail was due. Of one token, one call a minute reaches the database.
   */
  reportReuse(
    identity: Login,
    presented: Presented,
    notice: (person: string, mail: Mail) => Statement<unknown>,
  ): Promise<boolean>
  /** The Set-Cookie value that makes the browser forget. */
  clear(): string
  readonly publicKeys: readonly PublicKey[]
}

// Both are kept by the database, on the pass, and are outer bounds: a role may allow less, which entry sees to. A day of
// rest: nobody signs in twice on one working day, and a lost laptop is soon nothing.
const idleSeconds = 24 * 60 * 60
// NIST SP 800-63B-4, section 2.1.3: at one factor, 30 days at most. The verb that mints refuses more.
const lifeSeconds = 30 * 24 * 60 * 60
/** As seats demand it where no role asks for more. A role that does is heard at entry. */
const rotateSeconds = 10 * 60
/** As many tokens are remembered at a time, of those that were just touched or reported. */
const mostRemembered = 10_000

/**
 * The sessions of one product on one origin. S, 32 random bytes, is in the cookie alone. D = SHA-256("holdfast-entry-1" ‖ S)
 * is presented to the database, which stores SHA-256(D): a D that leaks into a log is no cookie, a stolen table no D.
 *
 * `https`: whether browsers reach us over HTTPS. Throws where it contradicts `origin`, and for plain HTTP on anything but this
 * machine: a session cookie must not cross a network in the clear.
 */
export function createSessions(options: {
  readonly product: string
  /** For mails; the product's name when left out. */
  readonly title?: string
  readonly origin: string
  /** PKCS #8, Ed25519: signs. */
  readonly privateKeyPem: string
  /** More of them, which only verify: the next one, and the last. */
  readonly otherKeys?: readonly string[]
  readonly https: boolean
  readonly clock?: Clock
}): Sessions {
  const { product, title = product, origin, privateKeyPem, otherKeys = [], https, clock = systemClock } = options
  refuseInTheClear(origin, https)
  const cookie = sessionCookie(product, https)
  const keys: SigningKeys = { current: privateKeyPem, others: otherKeys }
  const tokens = createTokens({ keys, issuer: `${origin}/${product}`, audience: product, clock })
  const touching = new LRUCache<string, Promise<string | undefined>>({ max: mostRemembered, ttl: 1000 })
  const reported = new LRUCache<string, true>({ max: mostRemembered, ttl: 60_000 })

  const setCookie = (session: string, secret: Uint8Array, issuedAt: number, expiresAt: number) =>
    cookie.set(tokens.write({ session, secret, issuedAt, expiresAt }), expiresAt - issuedAt)

  const fresh = () => {
    const secret = randomBytes(32)
    const session = randomUUID()
    const entry = entryOf(secret)
    const issuedAt = Math.floor(clock.now().getTime() / 1000)
    return { entry, session, cookie: setCookie(session, secret, issuedAt, issuedAt + lifeSeconds) }
  }

  const askForSuccessor = async (identity: Login, token: string, presented: Presented, address: string) => {
    const secret = tokens.successor(token)
    const [row] = await identity.query(sql<{ issuedAt: number; expiresAt: number }>`
      select floor(extract(epoch from issued_at))::float8 as "issuedAt", floor(extract(epoch from expires_at))::float8 as "expiresAt"
        from holdfast.touch(${presented.entry}, ${sha256(entryOf(secret))}, ${address.slice(0, 45)})`)
    presented.age.touched = true
    return row && setCookie(presented.session, secret, row.issuedAt, row.expiresAt)
  }

  return {
    cookieName: cookie.name,
    publicKeys: tokens.publicKeys,

    async issue(identity, person, { assurance, shown, asOf }, where) {
      const { entry, session, cookie } = fresh()
      const [begun] = await identity.query(sql<{ verified: boolean; newDevice: boolean }>`
        select verified, new_device as "newDevice" from holdfast.begin_session(${sha256(entry)}, ${person}, ${assurance}::smallint, ${shown},
          make_interval(secs => ${idleSeconds}), make_interval(secs => ${lifeSeconds}), ${session},
          ${deviceOf(where.userAgent)}, ${where.address.slice(0, 45)}, ${asOf ?? null})`)
      return { cookie, entry, ...begun! }
    },

    async replace(identity, before, { assurance, shown }, where) {
      const { entry, session, cookie } = fresh()
      const [begun] = await identity.query(sql<{ verified: boolean }>`
        select holdfast.replace_session(${before}, ${sha256(entry)}, ${assurance}::smallint, ${shown},
          make_interval(secs => ${idleSeconds}), make_interval(secs => ${lifeSeconds}), ${session},
          ${deviceOf(where.userAgent)}, ${where.address.slice(0, 45)}) as verified`)
      return { cookie, entry, verified: begun!.verified, newDevice: false }
    },

    present(header) {
      const token = header === null ? undefined : cookie.read(header)
      return token === undefined ? undefined : tokens.read(token)
    },

    looksDue: ({ age }) => !age.touched || age.issuedAt + rotateSeconds < clock.now().getTime() / 1000,

    touch(identity, header, address) {
      const token = header === null ? undefined : cookie.read(header)
      const presented = token === undefined ? undefined : tokens.read(token)
      if (token === undefined || presented === undefined) return Promise.resolve(undefined)
      const known = touching.get(token)
      if (known !== undefined) return known
      const asked = askForSuccessor(identity, token, presented, address)
      touching.set(token, asked)
      asked.catch(() => touching.delete(token))
      return asked
    },

    async reportReuse(identity, { entry }, notice) {
      const name = Buffer.from(entry).toString('base64')
      if (reported.has(name)) return false
      reported.set(name, true)
      const report = identity.openTransaction(async (run) => {
        const [stolen] = (await run(sql`
          select person, device, started_at as "startedAt" from holdfast.report_reuse(${entry})`)) as Stolen[]
        if (stolen === undefined) return false
        await run(notice(stolen.person, stolenMail({ title, origin }, stolen)))
        return true
      })
      // What came to nothing is asked again when the secret comes again.
      report.catch(() => reported.delete(name))
      return report
    },

    clear: cookie.clear,
  }
}

interface Stolen {
  readonly person: string
  readonly device: string
  readonly startedAt: string
}

/** Ends the session that `entry` opens, and its whole family, from the next transaction on. Returns whether it was alive. */
export async function endSession(identity: Login, entry: Uint8Array): Promise<boolean> {
  const [answer] = await identity.query(sql<{ ended: boolean }>`select holdfast.end_session(${entry}) as ended`)
  return answer!.ended
}

/** The live sessions of whoever presents `entry`, their own first. Throws DatabaseError HF401, HF427. */
export function ownSessions(identity: Login, entry: Uint8Array): Promise<OwnSession[]> {
  return identity.query(sql<OwnSession>`
    select session, device, address, started_at as "startedAt", used_at as "usedAt", current from holdfast.my_sessions(${entry})`)
}

/** Ends one of one's own sessions. Returns false for one that is not alive, or somebody else's. HF401, HF427. */
export async function endOwnSession(identity: Login, entry: Uint8Array, session: string): Promise<boolean> {
  const [answer] = await identity.query(
    sql<{ ended: boolean }>`select holdfast.end_my_session(${entry}, ${session}) as ended`,
  )
  return answer!.ended
}

/** Ends all of one's sessions but the one that is presented. Returns how many they were. HF401, HF427. */
export async function endOtherSessions(identity: Login, entry: Uint8Array): Promise<number> {
  const [answer] = await identity.query(
    sql<{ ended: number }>`select holdfast.end_my_other_sessions(${entry}) as ended`,
  )
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
