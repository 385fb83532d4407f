import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** How the keys of one product are written, and read. */
export interface KeyTexts {
  /** A new one. Whoever has it may do what it opens: it is shown once, and kept by nobody here. */
  write(): string
  /** D, the 32 bytes that entry takes; undefined for whatever is not a whole key of this product, which then asks no database. */
  read(text: string): Uint8Array | undefined
  /** A regular expression for secret scanners, which finds these keys and nothing else. */
  readonly pattern: string
}

/** What stands before the first underscore: small letters a to z and digits, 2 to 20 of them. */
export const keyPrefixForm = /^[a-z0-9]{2,20}$/

/**
 * Keys look like `bight_key_…`: a prefix that names the product, 32 random bytes in 43 characters of base 62, and six more that
 * are the CRC-32 of all before them. So a scanner knows one in a repository, or in a log, without asking anybody; and one that was
 * cut, mistyped or made up is refused before the database is asked. The checksum is no secret and proves nothing.
 *
 * D = SHA-256("holdfast-entry-1" ‖ text) is presented to the database, which stores SHA-256(D): as for sessions, a D that leaks is
 * no key, and a stolen table no D. Throws for a prefix of another form.
 */
export function createKeyTexts(prefix: string): KeyTexts {
  if (!keyPrefixForm.test(prefix)) throw new Error(`«${prefix}» cannot begin a key: use 2 to 20 of a-z and 0-9`)
  const pattern = `${prefix}_key_[0-9A-Za-z]{49}`
  const whole = new RegExp(`^${pattern}$`)
  return {
    pattern,
    write() {
      const body = `${prefix}_key_${base62(BigInt(`0x${randomBytes(32).toString('hex')}`), 43)}`
      return body + checksumOf(body)
    },
    read(text) {
      if (!whole.test(text) || checksumOf(text.slice(0, -6)) !== text.slice(-6)) return undefined
      return createHash('sha256').update('holdfast-entry-1').update(text).digest()
    },
  }
}

/** What people tell the texts of a key apart by: its last four characters. They are of the checksum, so that nothing of the secret is said. */
export function hintOf(text: string): string {
  return text.slice(-4)
}

function checksumOf(body: string): string {
  return base62(BigInt(crc32(body)), 6)
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The number in base 62, with zeros before it up to `length`. */
function base62(number: bigint, length: number): string {
  let text = ''
  for (let rest = number; rest > 0n; rest /= 62n) text = digits[Number(rest % 62n)]! + text
  return text.padStart(length, '0')
}
