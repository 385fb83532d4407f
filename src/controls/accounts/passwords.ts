import { createHmac } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { hash as bcryptHash, verify as bcryptVerify } from '@node-rs/bcrypt'
import { z } from 'zod'
import { Refusal } from '../../kernel/refusal.ts'
import { whyGuessable } from './guessable.ts'
import { hashingBusy, passwordRefused } from './refusals.ts'

/** Hashes wait in a line for each `client` who asks for them, and the lines take turns: see `clientKey` of rate limits. */
export interface Passwords {
  /** Throws a 503 `Refusal` while too many wait. */
  hash(password: string, client?: string): Promise<string>
  /** Without a hash it takes as long, and is false: an address without an account cannot be told by the time. What is shorter
   *  than any password here is false at once, with a hash or without. Throws as hash. */
  matches(password: string, hashed: string | undefined, client?: string): Promise<boolean>
  /** Throws a 422 `Refusal` that says why, for a password that would be guessed early. `own`: words that others know of
   *  this person, such as the name and the address. */
  refuseWeak(password: string, own: readonly string[]): void
}

/** What the database demands at least; see the CHECK of the table. */
const leastCost = 12
/** NIST SP 800-63B-4, section 3.1.1.2: where the password stands alone. Code points after NFC. */
const leastCharacters = 15
/** No password was ever shorter, nor will be: beside a second factor NIST asks for 8. */
const leastEver = 8
const mostBytes = 1024

/** A password as a field of a body: any text, whole. How good it is, `refuseWeak` says, where one is chosen. */
export const passwordField = z
  .string()
  .min(1)
  .max(mostBytes)
  .refine((typed) => Buffer.byteLength(typed) <= mostBytes, { error: `must not be more than ${mostBytes} bytes long` })

/**
 * bcrypt over HMAC-SHA-384(pepper, NFC(password)) in base64: 64 characters without a NUL, so that bcrypt, which stops at a NUL
 * and after 72 bytes, drops nothing; keyed, so that no table of plain SHA-384 hashes helps against it.
 *
 * `pepper`: 32 random bytes or more, from outside the database. Lost, it takes every password with it.
 * `atOnce`: how many are computed at a time. bcrypt works in libuv's pool, four threads unless told otherwise, which files
 * and name look-ups need too: one thread and one core stay free.
 */
export function createPasswords(options: {
  readonly pepper: Uint8Array
  readonly cost: number
  /** What the service is called: part of no good password. */
  readonly service: readonly string[]
  readonly atOnce?: number
  readonly mostWaiting?: number
}): Passwords {
  const { pepper, cost, service } = options
  if (pepper.length < 32) throw new Error('the pepper must be 32 bytes or longer')
  if (!Number.isInteger(cost) || cost < leastCost || cost > 31)
    throw new Error(`the cost of bcrypt must be ${leastCost} to 31`)
  const atOnce = options.atOnce ?? Math.max(1, Math.min(availableParallelism(), 4) - 1)
  const inTurn = createTurns(atOnce, options.mostWaiting ?? 100)
  const keyed = (password: string) =>
    createHmac('sha384', pepper).update(password.normalize('NFC'), 'utf8').digest('base64')

  return {
    hash: (password, client = '') => inTurn(client, () => bcryptHash(keyed(password), cost)),
    matches: async (password, hashed, client = '') => {
      if (characters(password.normalize('NFC')) < leastEver) return false
      return inTurn(client, async () => {
        if (hashed !== undefined) return bcryptVerify(keyed(password), hashed)
        // To hash is the same work as to compare.
        await bcryptHash(keyed(password), cost)
        return false
      })
    },
    refuseWeak: (password, own) => {
      const reason = whyRefused(password.normalize('NFC'), [...own, ...service])
      if (reason !== undefined) throw new Refusal(passwordRefused, { fields: [{ pointer: '/body/password', reason }] })
    },
  }
}

function whyRefused(password: string, own: readonly string[]): string | undefined {
  const count = characters(password)
  if (count < leastCharacters) return `has ${count} characters: ${leastCharacters} or more are needed, of any kind`
  return whyGuessable(password, own)
}

function characters(text: string): number {
  return [...text].length
}

/**
 * Runs `most` at a time; as many as `mostWaiting` more wait, each in the line of its client, and the lines take turns. When all
 * places are taken a newcomer takes the last one of the longest line, so that a client with many waits for itself and keeps
 * nobody else out; whoever has the longest line already is refused.
 */
function createTurns(most: number, mostWaiting: number): <T>(client: string, run: () => Promise<T>) => Promise<T> {
  const lines = new Map<string, { go: () => void; refuse: (refusal: Refusal) => void }[]>()
  let waiting = 0
  let running = 0
  const busy = () => new Refusal(hashingBusy, { headers: { 'retry-after': '5' } })
  const makeRoom = (client: string) => {
    const own = lines.get(client)?.length ?? 0
    const longest = [...lines.values()].reduce((one, other) => (other.length > one.length ? other : one), [])
    // Two more than one's own: else two clients would take one place from each other for ever.
    if (longest.length < own + 2) throw busy()
    longest.pop()!.refuse(busy())
    waiting--
  }
  const take = async (client: string) => {
    if (running < most) {
      running++
      return
    }
    if (waiting >= mostWaiting) makeRoom(client)
    waiting++
    await new Promise<void>((go, refuse) => {
      const line = lines.get(client)
      if (line === undefined) lines.set(client, [{ go, refuse }])
      else line.push({ go, refuse })
    })
  }
  // The turn is handed on, not given back, so that nobody slips in between.
  const pass = () => {
    const [first] = lines
    if (first === undefined) {
      running--
      return
    }
    const [client, line] = first
    const next = line.shift()!
    waiting--
    // To the end of the lines, for the next turn.
    lines.delete(client)
    if (line.length > 0) lines.set(client, line)
    next.go()
  }
  return async (client, run) => {
    await take(client)
    try {
      return await run()
    } finally {
      pass()
    }
  }
}
