import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** Whose secret it is, and what for: what was sealed for one opens for no other, wherever somebody moves the row. */
export interface SealedFor {
  readonly person: string
  readonly purpose: string
}

/**
 * Small secrets on their way into the database, until the encryption control takes this over. AES-256-GCM with a random nonce;
 * the key is derived (HKDF-SHA-256, RFC 5869) from a secret of the installation, for this purpose alone.
 *
 * `hf1.<key's name>.<nonce>.<ciphertext ‖ tag>`, each part in base64url. The CHECK of the tables knows this form.
 */
export interface Seal {
  seal(plain: Uint8Array, bound: SealedFor): string
  /** Throws an Error for what was changed, moved, or sealed by a key that is not here any more. */
  open(sealed: string, bound: SealedFor): Uint8Array
}

const version = 'hf1'

/** `keys`: 32 random bytes or more each, from outside the database. The first seals; the others only open what is older. */
export function createSeal(keys: readonly Uint8Array[]): Seal {
  const [current] = keys
  if (current === undefined) throw new Error('a seal needs a key')
  const ring = new Map(keys.map(derive).map((key) => [key.name, key]))
  const writer = derive(current)
  return {
    seal(plain, bound) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', writer.bytes, nonce)
      cipher.setAAD(contextOf(writer.name, bound))
      const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
      return `${version}.${writer.name}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`
    },
    open(sealed, bound) {
      const [form, name = '', nonce = '', body = ''] = sealed.split('.')
      const key = ring.get(name)
      if (form !== version || key === undefined) throw new Error(`nothing here opens what «${form}.${name}» has sealed`)
      const bytes = Buffer.from(body, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(nonce, 'base64url'), {
        authTagLength: 16,
      })
      decipher.setAAD(contextOf(name, bound))
      decipher.setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()])
    },
  }
}

function derive(key: Uint8Array): { readonly name: string; readonly bytes: Uint8Array } {
  if (key.length < 32) throw new Error('a key to seal with must be 32 bytes or longer')
  const bytes = new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'holdfast-seal-second-factor-1', 32))
  const name = createHash('sha256').update('holdfast-seal-name-1').update(bytes).digest().subarray(0, 6)
  return { name: name.toString('base64url'), bytes }
}

/** Neither a UUID nor a purpose of ours has a zero byte in it. */
function contextOf(name: string, { person, purpose }: SealedFor): Uint8Array {
  return Buffer.from([version, name, person, purpose].join('\0'))
}
