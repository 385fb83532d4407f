import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** Where an authenticator believes to be, and what its user did. All of it can be a lie. */
export interface Ceremony {
  readonly challenge: string
  readonly origin: string
  /** The host of `origin` when left out. */
  readonly rpId?: string
  readonly type?: string
  readonly crossOrigin?: boolean
  /** Whether the user touched it, and proved to be its owner (a finger, a PIN). Both true when left out. */
  readonly present?: boolean
  readonly verified?: boolean
  readonly counter?: number
}

/** An authenticator in software (WebAuthn Level 2, ES256), so that tests can sign whatever an attacker would. */
export function createAuthenticator(id: Uint8Array = randomBytes(32)) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y } = publicKey.export({ format: 'jwk' }) as { x: string; y: string }
  const name = Buffer.from(id).toString('base64url')
  return {
    id: name,

    /** What a browser sends after `navigator.credentials.create`. */
    create(at: Ceremony) {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(id.length)
      // COSE, RFC 9053: EC2, ES256, P-256.
      const key = Buffer.concat([
        Buffer.from([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]),
        Buffer.from(x, 'base64url'),
        Buffer.from([0x22, 0x58, 32]),
        Buffer.from(y, 'base64url'),
      ])
      const data = Buffer.concat([authenticatorData(at, 0x40), Buffer.alloc(16), length, id, key])
      const size = Buffer.alloc(2)
      size.writeUInt16BE(data.length)
      const attestation = Buffer.concat([
        Buffer.from([0xa3]),
        ...[text('fmt'), text('none'), text('attStmt'), Buffer.from([0xa0]), text('authData')],
        Buffer.from([0x59]),
        size,
        data,
      ])
      return {
        id: name,
        clientDataJSON: clientData(at, 'webauthn.create').toString('base64url'),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      }
    },

    /** What a browser sends after `navigator.credentials.get`. */
    get(at: Ceremony) {
      const data = authenticatorData(at, 0)
      const client = clientData(at, 'webauthn.get')
      const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
      return {
        id: name,
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: sign('sha256', signed, privateKey).toString('base64url'),
      }
    },
  }
}

function authenticatorData(at: Ceremony, more: number): Buffer {
  const { origin, rpId = new URL(origin).hostname, present = true, verified = true, counter = 0 } = at
  const tail = Buffer.alloc(5)
  tail.writeUInt8((present ? 1 : 0) | (verified ? 4 : 0) | more)
  tail.writeUInt32BE(counter, 1)
  return Buffer.concat([createHash('sha256').update(rpId).digest(), tail])
}

function clientData({ challenge, origin, type, crossOrigin = false }: Ceremony, usual: string): Buffer {
  return Buffer.from(JSON.stringify({ type: type ?? usual, challenge, origin, crossOrigin }))
}

/** CBOR: a text of fewer than 24 bytes. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)])
}
