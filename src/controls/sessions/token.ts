import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../kernel/clock.ts'

/** What the token says, and all of it: no role and no organisation stands in it that anybody could come to trust. */
export interface TokenClaims {
  /** `sid`: the session's id, which is the family of its pass. For logs and limits. */
  readonly session: string
  /** `sec`: S, 32 random bytes, known to nobody but the cookie. */
  readonly secret: Uint8Array
  /** Seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** What a token opens with. S itself is forgotten as soon as D is known. */
export interface Presented {
  /** D, 32 bytes. */
  readonly entry: Uint8Array
  readonly session: string
  /** What this process knows of the secret's age, for routes that do not ask the database. One object for each token. */
  readonly age: {
    /** Seconds since 1970; what the database said when the token was written. */
    readonly issuedAt: number
    /** Whether the database has been told that it is in use. */
    touched: boolean
  }
}

/** The keys of one installation, each PKCS #8 PEM, Ed25519. `docs/operating/keys.md` says how they take turns. */
export interface SigningKeys {
  /** Signs, and verifies. */
  readonly current: string
  /** Verify only: one that will sign soon, so that every process knows it before it does, and those that signed until lately. */
  readonly others?: readonly string[]
}

/** A public key as RFC 7517 and RFC 8037 write it. */
export interface PublicKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly alg: 'EdDSA'
  readonly use: 'sig'
}

export interface Tokens {
  write(claims: TokenClaims): string
  /** Undefined for whatever is not exactly a token of ours that is in force now. */
  read(token: string): Presented | undefined
  /** S(n+1), the secret that follows the one in a token that `read` has taken. Whoever has the keys computes the same. */
  successor(token: string): Uint8Array
  readonly publicKeys: readonly PublicKey[]
}

/** Longer than any token of ours: nothing beyond it is looked at. */
const longest = 1024
const mostCached = 10_000
/** How far the clocks of two servers of ours may be apart, for the times at which a token begins. */
const skewSeconds = 60

/**
 * Session tokens: JWT (RFC 7519) signed by EdDSA over Ed25519 (RFC 8037). Signed and verified synchronously: asynchronous
 * verification waits behind bcrypt in the same thread pool. What was verified is kept, by the hash of the whole token; its
 * times and its key are checked on every hit. Whether the session still lives is the database's to say, on every transaction.
 *
 * Throws where the key is not Ed25519.
 */
export function createTokens(options: {
  readonly keys: SigningKeys
  readonly issuer: string
  readonly audience: string
  readonly clock: Clock
}): Tokens {
  const { issuer, audience, clock } = options
  const signer = readPrivateKey(options.keys.current)
  const current = publicKeyOf(signer)
  const all = withoutTwins([signer, ...(options.keys.others ?? []).map(readPrivateKey)])
  // By the encoded header, whole: a token whose header is not one of these, byte for byte, is not looked at further. So no
  // `alg`, `kid`, `jwk`, `jku` or `crit` of a stranger's is ever read.
  const keys = new Map(all.map((key) => [headerOf(publicKeyOf(key).kid), createPublicKey(key)]))
  const rotationKeys = new Map(all.map((key) => [headerOf(publicKeyOf(key).kid), rotationKeyOf(key)]))
  const cache = new LRUCache<string, Verified>({ max: mostCached })

  return {
    publicKeys: all.map(publicKeyOf),

    write(claims) {
      const payload = encode({
        iss: issuer,
        aud: audience,
        sid: claims.session,
        iat: claims.issuedAt,
        exp: claims.expiresAt,
        sec: Buffer.from(claims.secret).toString('base64url'),
      })
      const signed = `${headerOf(current.kid)}.${payload}`
      return `${signed}.${sign(null, Buffer.from(signed), signer).toString('base64url')}`
    },

    read(token) {
      if (token.length > longest) return undefined
      const name = hash('sha256', token, 'base64')
      let known = cache.get(name)
      if (known === undefined) {
        known = verifyToken(token, keys, issuer, audience)
        if (known === undefined) return undefined
        cache.set(name, known)
      }
      if (keys.has(known.header) && isInForce(known, clock.now().getTime() / 1000)) return known.presented
      cache.delete(name)
      return undefined
    },

    successor(token) {
      const [header = '', payload = ''] = token.split('.')
      const { sec, sid } = parseObject(payload)
      // By the key that signed the token, not by the one that signs now: while keys change, all processes still agree.
      return createHmac('sha256', rotationKeys.get(header)!)
        .update('holdfast-rotation-1')
        .update(Buffer.from(String(sec), 'base64url'))
        .update(String(sid))
        .digest()
    },
  }
}

interface Verified {
  readonly header: string
  readonly presented: Presented
  readonly begins: number
  readonly ends: number
}

function verifyToken(
  token: string,
  keys: ReadonlyMap<string, KeyObject>,
  issuer: string,
  audience: string,
): Verified | undefined {
  const [header, payload, signature, ...more] = token.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined
  const key = keys.get(header)
  if (key === undefined) return undefined
  const bytes = decode(signature, 64)
  if (bytes === undefined || !verify(null, Buffer.from(`${header}.${payload}`), key, bytes)) return undefined
  // From here on we have written it ourselves; that it says what it must is checked all the same.
  return readClaims(header, payload, issuer, audience)
}

function readClaims(header: string, payload: string, issuer: string, audience: string): Verified | undefined {
  const { iss, aud, sid, iat, exp, nbf, sec } = parseObject(payload)
  if (iss !== issuer || aud !== audience || typeof sid !== 'string' || typeof sec !== 'string') return undefined
  if (typeof iat !== 'number' || typeof exp !== 'number') return undefined
  if (nbf !== undefined && typeof nbf !== 'number') return undefined
  const secret = decode(sec, 32)
  if (secret === undefined || !/^[0-9a-f-]{36}$/.test(sid)) return undefined
  const presented = { entry: entryOf(secret), session: sid, age: { issuedAt: iat, touched: false } }
  return { header, presented, begins: Math.max(iat, nbf ?? iat), ends: exp }
}

function parseObject(payload: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function isInForce({ begins, ends }: Verified, nowSeconds: number): boolean {
  return ends > nowSeconds && begins <= nowSeconds + skewSeconds
}

/** D = SHA-256("holdfast-entry-1" ‖ S): what entry takes. */
export function entryOf(secret: Uint8Array): Uint8Array {
  return createHash('sha256').update('holdfast-entry-1').update(secret).digest()
}

/** Exactly `length` bytes in canonical base64url: another spelling of the same bytes is another token, and refused. */
function decode(text: string, length: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === length && bytes.toString('base64url') === text ? bytes : undefined
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** RFC 8725, section 3.11: a type of its own, so that no other token that these keys sign can pass for a session. */
function headerOf(kid: string): string {
  return encode({ alg: 'EdDSA', typ: 'session+jwt', kid })
}

function readPrivateKey(pem: string): KeyObject {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('the key that signs sessions must be an Ed25519 key')
  return key
}

/** The same key may be named twice while keys change places. */
function withoutTwins(keys: readonly KeyObject[]): readonly KeyObject[] {
  return [...new Map(keys.map((key) => [publicKeyOf(key).kid, key])).values()]
}

/** A key of its own for the secrets, out of the one that signs: RFC 5869, so that neither tells anything of the other. */
function rotationKeyOf(key: KeyObject): Buffer {
  const seed = Buffer.from((key.export({ format: 'jwk' }) as { d: string }).d, 'base64url')
  return Buffer.from(hkdfSync('sha256', seed, '', 'holdfast session rotation 1', 32))
}

/** The key's name is its thumbprint (RFC 7638), so that two servers with one key agree on it. */
function publicKeyOf(key: KeyObject): PublicKey {
  const { x } = createPublicKey(key).export({ format: 'jwk' }) as { x: string }
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url')
  return { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }
}
