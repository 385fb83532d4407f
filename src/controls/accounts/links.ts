import { createHash, randomBytes } from 'node:crypto'

/** A secret for a link in a mail: 256 random bits, as text and as the hash that the database keeps. */
export function newToken(): { readonly token: string; readonly hash: Uint8Array } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: tokenHash(token) }
}

/** For a token that came back, whatever it is: what is no token of ours has a hash that is not on record. */
export function tokenHash(token: string): Uint8Array {
  return createHash('sha256').update('holdfast-link-1').update(token, 'utf8').digest()
}
