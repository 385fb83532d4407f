import { createHmac } from 'node:crypto'
import { hash as bcryptHash, verify as bcryptVerify } from '@node-rs/bcrypt'
import { z } from 'zod'
import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { whyGuessable } from './guessable.ts'
import { PeppersMissing, pepperId, peppersById } from './passwords-peppers.ts'
import { createTurns, type Turns } from './passwords-turns.ts'
import { passwordRefused } from './refusals.ts'

/** Hashes wait in a line for each `client` who asks for them, and the lines take turns: see `clientKey` of rate limits. */
export interface Passwords {
  /**
   * What the database keeps: the id of the pepper, and after it a bcrypt hash, `7f3a91c2$2b$12$…`: 68 characters. Throws a 503
   * `Refusal` while too many wait.
   */
  hash(password: string, client?: string): Promise<string>
  /**
   * Whether it is the password, and `renewed` where it is but its hash is of an older pepper or a lower cost than new ones:
   * store that with `renewHash`. To say no takes as long whether there is a hash or not, and whatever its cost, so that an
   * address without an account cannot be told by the time. What is shorter than any password here is false at once, with a
   * hash or without. Throws as `hash` does, and an `Error` for a pepper that is neither known nor retired.
   */
  compare(password: string, hashed: string | undefined, client?: string): Promise<Compared>
  /** `compare`, for whoever has nothing to renew. */
  matches(password: string, hashed: string | undefined, client?: string): Promise<boolean>
  /**
   * Throws a 422 `Refusal` that says why, for a password that would be guessed early. `own`: words that others know of this
   * person, such as the name and the address. `besideSecondFactor`: only where the password never opens anything alone.
   */
  refuseWeak(password: string, own: readonly string[], asked?: { readonly besideSecondFactor?: boolean }): void
}

export interface Compared {
  readonly matches: boolean
  readonly renewed?: string
}

/** What the database demands at least; see the CHECK of the table. */
export const leastCost = 12
/** What an operator may ask for: a hash of cost 16 takes some four seconds. */
export const mostCost = 16
/** NIST SP 800-63B-4, section 3.1.1.2: where the password stands alone. Code points after NFC. */
const leastCharacters = 15
/** Beside a second factor. No password was ever shorter, nor will be. */
const leastEver = 8
const mostBytes = 1024

/** A password as a field of a body: any text, whole. How good it is, `refuseWeak` says, where one is chosen. */
export const passwordField = z
  .string()
  .min(1)
  .max(mostBytes)
  .refine((typed) => Buffer.byteLength(typed) <= mostBytes, { error: `must not be more than ${mostBytes} bytes long` })
  // As UTF-8 all lone surrogates are one character, and so passwords that differ would be the same.
  .refine((typed) => typed.isWellFormed(), { error: 'must be whole characters' })

export interface PasswordOptions {
  /** 32 random bytes or more, from outside the database. Lost, it takes every password with it. */
  readonly pepper: Uint8Array
  /** Those that some hashes still have, the oldest last: they are compared with, and renewed. */
  readonly olderPeppers?: readonly Uint8Array[]
  /** Ids of those that are gone, or must not count although they are here: a hash of such a one matches nothing. */
  readonly retiredPeppers?: readonly string[]
  readonly cost: number
  /** What the service is called: part of no good password. */
  readonly service: readonly string[]
  /** Share it among all that hash in one process. */
  readonly turns?: Turns
}

/**
 * bcrypt over HMAC-SHA-384(pepper, NFC(password)) in base64: 64 characters without a NUL, so that bcrypt, which stops at a NUL
 * and after 72 bytes, drops nothing; keyed, so that no table of plain SHA-384 hashes helps against it.
 */
export function createPasswords(options: PasswordOptions): Passwords {
  const { pepper, cost, service, turns: inTurn = createTurns() } = options
  if (!Number.isInteger(cost) || cost < leastCost || cost > mostCost)
    throw new Error(`the cost of bcrypt must be ${leastCost} to ${mostCost}`)
  const newest = pepperId(pepper)
  const retired = new Set(options.retiredPeppers)
  if (retired.has(newest)) throw new Error(`the pepper ${newest} is retired: put another in front of it`)
  const peppers = peppersById([pepper, ...(options.olderPeppers ?? [])])

  const make = async (password: string) => `${newest}${await bcryptHash(keyed(pepper, password), cost)}`
  const compare = async (password: string, hashed: string | undefined): Promise<Compared> => {
    const stored = hashed === undefined ? undefined : readHash(hashed)
    const its = stored && !retired.has(stored.pepper) ? peppers.get(stored.pepper) : undefined
    if (stored === undefined || its === undefined) {
      // To hash is the same work as to compare.
      await bcryptHash(keyed(pepper, password), cost)
      if (stored !== undefined && !retired.has(stored.pepper)) throw new PeppersMissing([stored.pepper])
      return no
    }
    if (!(await bcryptVerify(keyed(its, password), stored.bcrypt))) {
      // Each cost is twice the work of the one below: together with the comparison this is the work of one at full cost.
      for (let less = stored.cost; less < cost; less++) await bcryptHash(keyed(its, password), less)
      return no
    }
    const isOld = stored.pepper !== newest || stored.cost < cost
    return isOld ? { matches: true, renewed: await make(password) } : { matches: true }
  }

  const inOrder: Passwords['compare'] = async (password, hashed, client = '') => {
    if (characters(password.normalize('NFC')) < leastEver) return no
    return inTurn(client, () => compare(password, hashed))
  }
  return {
    hash: (password, client = '') => inTurn(client, () => make(password)),
    compare: inOrder,
    matches: async (...asked) => (await inOrder(...asked)).matches,
    refuseWeak: (password, own, { besideSecondFactor = false } = {}) => {
      const least = besideSecondFactor ? leastEver : leastCharacters
      const reason = whyRefused(password.normalize('NFC'), least, [...own, ...service])
      if (reason !== undefined) throw new Refusal(passwordRefused, { fields: [{ pointer: '/body/password', reason }] })
    },
  }
}

/** Whether a password is long enough where it is all there is. One that was chosen beside a second factor may not be. */
export function standsAlone(password: string): boolean {
  return characters(password.normalize('NFC')) >= leastCharacters
}

/** Stands where a hash is from before peppers had names. */
const unnamed = '00000000'

const no: Compared = { matches: false }

/** What bcrypt is given: HMAC-SHA-384 of the NFC in base64, 64 characters whatever was typed. Exported for tests alone. */
export function keyed(pepper: Uint8Array, password: string): string {
  return createHmac('sha384', pepper).update(password.normalize('NFC'), 'utf8').digest('base64')
}

function readHash(hashed: string): { readonly pepper: string; readonly bcrypt: string; readonly cost: number } {
  const found = /^([0-9a-f]{8})(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/.exec(hashed)
  if (found === null) throw new Error('what is stored for a password is no hash of ours')
  return { pepper: found[1]!, bcrypt: found[2]!, cost: Number(found[3]) }
}

/**
 * `createPasswords` for the passwords that are in a database already. Names the pepper of hashes from before peppers had names:
 * it is the oldest. Never goes below the highest cost that is stored (up to `mostCost`), so that a start on a slower machine makes
 * nobody's account stand out by its time. Throws `PeppersMissing`.
 */
export async function openPasswords(identity: Login, options: PasswordOptions): Promise<Passwords> {
  const { pepper, olderPeppers = [], retiredPeppers = [] } = options
  const known = [pepper, ...olderPeppers].map(pepperId)
  const settle = () =>
    identity.query(
      sql<{ pepper: string; cost: number }>`select pepper, cost from holdfast.settle_peppers(${known.at(-1)!})`,
    )
  let stored = await settle()
  while (stored.some((one) => one.pepper === unnamed)) stored = await settle()
  const missing = stored.filter((one) => !known.includes(one.pepper) && !retiredPeppers.includes(one.pepper))
  if (missing.length > 0) throw new PeppersMissing([...new Set(missing.map((one) => one.pepper))])
  const cost = Math.max(options.cost, ...stored.map((one) => Math.min(one.cost, mostCost)))
  return createPasswords({ ...options, cost })
}

/** Stores what `compare` renewed, unless the hash was changed in the meantime: then that one stays. */
export async function renewHash(identity: Login, person: string, old: string, renewed: string): Promise<void> {
  await identity.query(sql`select holdfast.renew_password_hash(${person}, ${old}, ${renewed})`)
}

function whyRefused(password: string, least: number, own: readonly string[]): string | undefined {
  const count = characters(password)
  if (count < least)
    return `has ${count} ${count === 1 ? 'character' : 'characters'}: ${least} or more are needed, of any kind`
  return whyGuessable(password, own)
}

function characters(text: string): number {
  return [...text].length
}
