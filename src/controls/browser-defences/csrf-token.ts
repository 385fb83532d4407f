import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** The request header that carries a token. No other site can make a browser send one: it would have to ask first. */
export const tokenHeader = 'x-csrf-token'

export interface CsrfTokens {
  /** A token for the session of this id: 76 characters, another one each time. It says nothing, and opens nothing. */
  write(session: string): string
  /** Whether the header's value is a token that was written for exactly this session. False where either is missing. */
  fits(header: string | null, session: string | undefined): boolean
}

/**
 * Signed tokens bound to a session, for browsers that send neither Fetch Metadata nor an Origin (OWASP, Cross-Site Request
 * Forgery Prevention: signed double submit): HMAC-SHA-256 over `length!session!length!random`, so that no other cut of the
 * same characters means the same.
 *
 * They are bound to the session's id, which stays while its secret rotates, and any process with the same `secrets` takes
 * them. The first of `secrets` signs; those after it are still taken. Throws where there is none, or one of less than 32 bytes.
 */
export function createCsrfTokens(secrets: readonly (string | Uint8Array)[]): CsrfTokens {
  const keys = secrets.map(deriveKey)
  const [current] = keys
  if (current === undefined) throw new Error('tokens against cross-site requests need a secret to sign with')
  return {
    write(session) {
      const random = randomBytes(24).toString('base64url')
      return `${macOf(current, session, random)}.${random}`
    },
    fits(header, session) {
      const [, mac, random] = form.exec(header ?? '') ?? []
      if (mac === undefined || random === undefined || session === undefined) return false
      // As text: two spellings of the same bytes are two tokens.
      const given = Buffer.from(mac)
      return keys.some((key) => timingSafeEqual(given, Buffer.from(macOf(key, session, random))))
    },
  }
}

const form = /^([\w-]{43})\.([\w-]{32})$/

/** RFC 5869, under a purpose of its own: whoever learned this key could still sign no session. */
function deriveKey(secret: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(secret)
  if (bytes.length < 32) throw new Error('the secret behind tokens against cross-site requests has less than 32 bytes')
  return new Uint8Array(hkdfSync('sha256', bytes, '', 'holdfast-csrf-token-1', 32))
}

function macOf(key: Uint8Array, session: string, random: string): string {
  return createHmac('sha256', key).update(`${session.length}!${session}!${random.length}!${random}`).digest('base64url')
}
