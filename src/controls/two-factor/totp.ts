import { timingSafeEqual } from 'node:crypto'
import { HOTP, Secret, TOTP } from 'otpauth'
import encodeQR from 'qr'

/** RFC 6238 as every authenticator app takes it: SHA-1, six digits, thirty seconds. Many ignore anything else that a link says. */
const algorithm = 'SHA1'
const digits = 6
const periodSeconds = 30
/** RFC 4226, section 4: 160 bits. */
const keyBytes = 20
/** Steps on either side of now: a phone's clock may be half a minute off, and typing takes its time. */
const window = 1

/** A new key. */
export function newTotpKey(): Uint8Array {
  return new Secret({ size: keyBytes }).bytes
}

/** The step of a time in milliseconds since 1970. */
export function stepAt(milliseconds: number): number {
  return Math.floor(milliseconds / 1000 / periodSeconds)
}

/** The code of one step. */
export function totpCode(key: Uint8Array, step: number): string {
  return HOTP.generate({ secret: secretOf(key), algorithm, digits, counter: step })
}

/**
 * The step whose code this is, within the window around `now` (this server's clock; a client's is never asked); undefined for
 * any other code. All steps are compared, in constant time. That a step is taken only once is the database's to decide.
 */
export function matchTotp(key: Uint8Array, code: string, now: number): number | undefined {
  const typed = Buffer.from(code)
  if (typed.length !== digits) return undefined
  const here = stepAt(now)
  let found: number | undefined
  for (let step = here - window; step <= here + window; step++) {
    if (timingSafeEqual(Buffer.from(totpCode(key, step)), typed)) found = step
  }
  return found
}

/** What the QR code holds: `otpauth://totp/…`. */
export function totpLink(key: Uint8Array, issuer: string, label: string): string {
  return new TOTP({ issuer, label, secret: secretOf(key), algorithm, digits, period: periodSeconds }).toString()
}

/** A text as a QR code: rows of 0 and 1, with the quiet zone of four that cameras need. */
export function qrRows(text: string): string[] {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 4 })
  return rows.map((row) => row.map((dark) => (dark ? '1' : '0')).join(''))
}

/** The key for typing: base32 without padding. */
export function totpKeyText(key: Uint8Array): string {
  return secretOf(key).base32
}

function secretOf(key: Uint8Array): Secret {
  return new Secret({ buffer: new Uint8Array(key).buffer })
}
