import { createHash, randomBytes } from 'node:crypto'

/** Crockford's base32: no I, L, O and U, so that what was written down by hand can be read again. */
const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const length = 24
const count = 10

/** Ten codes of 120 random bits, in six groups of four. At 112 bits and more a plain SHA-256 keeps them (ASVS 6.5.2). */
export function newRecoveryCodes(): { readonly codes: readonly string[]; readonly hashes: readonly Buffer[] } {
  const codes = Array.from({ length: count }, newCode)
  return { codes, hashes: codes.map((code) => recoveryCodeHash(code)!) }
}

/** For a code that came back, however it was typed: with or without dashes, small, O for 0, I or L for 1. Undefined for what
 *  cannot be one. */
export function recoveryCodeHash(typed: string): Buffer | undefined {
  const code = typed
    .toUpperCase()
    .replace(/[\s-]+/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1')
  if (code.length !== length || [...code].some((letter) => !letters.includes(letter))) return undefined
  return createHash('sha256').update('holdfast-recovery-1').update(code).digest()
}

/** 32 letters: five bits of each byte, so that none comes more often than another. */
function newCode(): string {
  const text = Array.from(randomBytes(length), (byte) => letters[byte & 31]).join('')
  return text.match(/.{4}/g)!.join('-')
}
