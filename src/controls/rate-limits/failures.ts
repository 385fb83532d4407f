import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'

/** What somebody could guess, so that failures count (no passkey can be): `password` counts strangers' attempts apart, all others count together. */
export type Authenticator = 'password' | 'totp' | 'recovery-code'

/** What came of an attempt that was counted. */
export interface Attempted<T> {
  /** What `run` found; undefined for a wrong password or code, and always where the authenticator is disabled. */
  readonly right: T | undefined
  /** True once, with the failure that disabled the authenticator: the owner is to be told, by mail. */
  readonly disabledNow: boolean
  /** True where it had been disabled before. To the outside it is answered as if it were wrong. */
  readonly disabled: boolean
}

/**
 * Failures in a row, by person and authenticator (NIST SP 800-63B: after 100 it is disabled until it is bound anew). A success
 * sets the count to zero; so does `clear`, which belongs to binding anew, and nothing else.
 */
export interface Failures {
  /**
   * Who is counted: the person, or, for an address without an account, an id made from it, which is counted just so.
   * `addressKey`: see accounts.ts.
   */
  subjectOf(person: string | undefined, addressKey: string): string
  /**
   * Counts first, then lets `run` decide: undefined is a failure, anything else a success. `isKnown`: the browser has signed in
   * to this account before (see `Devices`). Where a password is disabled `run` is called all the same, so that the time tells
   * nothing, and what it returns is dropped; other authenticators are not tried. Where `run` throws, the attempt was none.
   */
  attempt<T>(
    what: { readonly subject: string; readonly authenticator: Authenticator; readonly isKnown: boolean },
    run: () => Promise<T | undefined>,
  ): Promise<Attempted<T>>
  /** The authenticator was bound anew. */
  clear(subject: string, authenticator: Authenticator): Promise<void>
  /** For the pages of its owner and of administrators, never for an answer to a stranger. `isKnown`: for which browsers. */
  isDisabled(subject: string, authenticator: Authenticator, isKnown: boolean): Promise<boolean>
}

/** `key`: 32 secret bytes, the same in all processes. `identity`: the login role that signs in. */
export function createFailures(parts: { readonly identity: Login; readonly key: Uint8Array }): Failures {
  const { identity, key } = parts
  const clear = async (subject: string, authenticator: Authenticator) => {
    await identity.query(sql`select holdfast.clear_failures(${subject}, ${authenticator})`)
  }
  return {
    subjectOf: (person, addressKey) =>
      person ?? uuidOf(createHmac('sha256', key).update(`nobody ${addressKey}`).digest()),

    async attempt({ subject, authenticator, isKnown }, run) {
      const [counted] = await identity.query(
        sql<{ left: number | null }>`select holdfast.count_failure(${subject}, ${authenticator}, ${isKnown}) as left`,
      )
      const disabled = counted!.left === null
      if (disabled && authenticator !== 'password') return { right: undefined, disabledNow: false, disabled }
      const found = await run().catch(async (error) => {
        if (!disabled)
          await identity.query(sql`select holdfast.uncount_failure(${subject}, ${authenticator}, ${isKnown})`)
        throw error
      })
      if (disabled) return { right: undefined, disabledNow: false, disabled }
      if (found !== undefined) await clear(subject, authenticator)
      return { right: found, disabledNow: found === undefined && counted!.left === 0, disabled }
    },

    clear,

    async isDisabled(subject, authenticator, isKnown) {
      const [answer] = await identity.query(
        sql<{ it: boolean }>`select holdfast.is_disabled(${subject}, ${authenticator}, ${isKnown}) as it`,
      )
      return answer!.it
    },
  }
}

/** Bytes as a UUID of version 8 (RFC 9562): no person has one of those. */
function uuidOf(bytes: Buffer): string {
  bytes[6] = 0x80 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

// --- browsers that have signed in before ---------------------------------------------------------------------------------

/**
 * Device cookies (OWASP): a browser that has signed in to an account carries a signed proof of it, so that what strangers do
 * against the account does not count against its owner's own browsers. It opens nothing, and names nobody.
 */
export interface Devices {
  /**
   * A Set-Cookie value for after a sign-in to `account`; keeps what the browser has of three other accounts. `account` is the
   * address key, so that it can be asked for before anybody is looked up.
   */
  remember(cookieHeader: string | null, account: string): string
  /** The id of the browser's proof for this account, for a bucket of its own; undefined for a stranger's browser. */
  known(cookieHeader: string | null, account: string): string | undefined
}

/** `key`: 32 secret bytes, the same in all processes. */
export function createDevices(options: {
  readonly product: string
  readonly https: boolean
  readonly key: Uint8Array
}): Devices {
  const { product, https, key } = options
  const name = `${https ? '__Host-' : ''}${product}-device`
  const proofOf = (id: string, account: string) =>
    createHmac('sha256', key).update(`device ${product} ${id} ${account}`).digest('base64url')
  const find = (header: string | null, account: string) =>
    proofsIn(header, name).find(({ id, proof }) => isSame(proof, proofOf(id, account)))
  return {
    remember(header, account) {
      const own = find(header, account)
      const id = own?.id ?? crypto.randomUUID().replaceAll('-', '')
      const others = proofsIn(header, name).filter((one) => one.id !== id)
      const value = [{ id, proof: proofOf(id, account) }, ...others]
        .slice(0, mostProofs)
        .map((one) => `${one.id}.${one.proof}`)
        .join('~')
      return `${name}=${value}; Max-Age=${deviceSeconds}; Path=/; HttpOnly; SameSite=Lax${https ? '; Secure' : ''}`
    },
    known: (header, account) => find(header, account)?.id,
  }
}

const mostProofs = 4
/** Browsers keep no cookie for longer than 400 days. */
const deviceSeconds = 400 * 24 * 60 * 60

function proofsIn(header: string | null, name: string): { id: string; proof: string }[] {
  const values = (header ?? '').split(';').flatMap((pair) => {
    const [key, value = ''] = pair.trim().split('=', 2)
    return key === name ? [value] : []
  })
  // Two of one name: somebody else has set one, and nothing says which is ours.
  if (values.length !== 1) return []
  return values[0]!
    .split('~', mostProofs)
    .map((one) => /^([0-9a-f]{32})\.([\w-]{43})$/.exec(one))
    .flatMap((match) => (match ? [{ id: match[1]!, proof: match[2]! }] : []))
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}
