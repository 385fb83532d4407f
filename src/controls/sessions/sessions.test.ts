import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { sessionCookie } from './cookie.ts'
import { createSessions } from './sessions.ts'
import { createTokens, entryOf, type PublicKey, type SigningKeys, type TokenClaims } from './token.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const pem = pemOf(privateKey)
const noon = 1_795_000_000
const claims: TokenClaims = { session: randomUUID(), secret: randomBytes(32), issuedAt: noon, expiresAt: noon + 3600 }

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

/** A clock that stands still until it is set. */
function clockAt(seconds: number) {
  const clock = { seconds, now: () => new Date(clock.seconds * 1000) }
  return clock
}

function tokensAt(seconds = noon, more: { keys?: SigningKeys; issuer?: string; audience?: string } = {}) {
  const clock = clockAt(seconds)
  const options = { keys: { current: pem }, issuer: 'https://crm.example/crm', audience: 'crm', clock, ...more }
  return { clock, tokens: createTokens(options) }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string | undefined) =>
  JSON.parse(Buffer.from(part!, 'base64url').toString()) as Record<string, unknown>

/** Signed by our own key, whatever header and payload say: what a leak of the key alone would allow. */
function signed(header: unknown, payload: unknown, key = privateKey): string {
  const text = `${encode(header)}.${typeof payload === 'string' ? payload : encode(payload)}`
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`
}

describe('a token', () => {
  test('says what opens the session, and nothing else', () => {
    const { tokens } = tokensAt()
    const token = tokens.write(claims)
    expect(tokens.read(token)).toEqual({
      entry: entryOf(claims.secret),
      session: claims.session,
      age: { issuedAt: noon, touched: false },
    })
    expect(Object.keys(decode(token.split('.')[1])).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'sec', 'sid'])
  })

  test('is read by jose with the published key', async () => {
    const { tokens } = tokensAt()
    const { payload, protectedHeader } = await jwtVerify(
      tokens.write(claims),
      createLocalJWKSet({ keys: tokens.publicKeys.map((key: PublicKey) => ({ ...key })) }),
      {
        algorithms: ['EdDSA'],
        typ: 'session+jwt',
        audience: 'crm',
        issuer: 'https://crm.example/crm',
        currentDate: new Date(noon * 1000),
      },
    )
    expect(payload.sid).toBe(claims.session)
    expect(protectedHeader.kid).toBe(tokens.publicKeys[0]!.kid)
  })

  test('is refused before it begins and after it ends, also out of the cache', () => {
    const { tokens, clock } = tokensAt()
    const token = tokens.write(claims)
    expect(tokens.read(token)).toBeDefined()
    clock.seconds = noon - 61
    expect(tokens.read(token)).toBeUndefined()
    clock.seconds = noon - 60
    expect(tokens.read(token)).toBeDefined()
    clock.seconds = noon + 3600
    expect(tokens.read(token)).toBeUndefined()
    clock.seconds = noon + 3599
    expect(tokens.read(token)).toBeDefined()
  })

  test('of another product, another origin or another key is refused', () => {
    const token = tokensAt().tokens.write(claims)
    expect(tokensAt(noon, { audience: 'study' }).tokens.read(token)).toBeUndefined()
    expect(tokensAt(noon, { issuer: 'https://other.example/crm' }).tokens.read(token)).toBeUndefined()
    const other = pemOf(generateKeyPairSync('ed25519').privateKey)
    expect(tokensAt(noon, { keys: { current: other } }).tokens.read(token)).toBeUndefined()
  })

  test('has one header, to the byte, even under our own signature', () => {
    const { tokens } = tokensAt()
    const token = tokens.write(claims)
    const ours = decode(token.split('.')[0])
    const payload = decode(token.split('.')[1])
    expect(tokens.read(signed(ours, payload))).toBeDefined()
    for (const header of [
      { ...ours, typ: 'JWT' },
      { ...ours, alg: 'Ed25519' },
      { ...ours, crit: [] },
      { ...ours, jku: 'https://evil.example' },
      { ...ours, x: 1 },
      { kid: ours.kid, typ: ours.typ, alg: ours.alg },
      { alg: 'EdDSA', kid: ours.kid },
      { alg: 'EdDSA', typ: 'session+jwt' },
      [],
      null,
    ])
      expect(tokens.read(signed(header, payload)), JSON.stringify(header)).toBeUndefined()
  })

  test('needs each of its claims, of the right type, even under our own signature', () => {
    const { tokens } = tokensAt()
    const token = tokens.write(claims)
    const header = decode(token.split('.')[0])
    const payload = decode(token.split('.')[1])
    for (const name of Object.keys(payload))
      for (const value of [
        undefined,
        null,
        '',
        'x',
        true,
        [],
        {},
        Number.NaN,
        '9999999999',
        ...(name === 'iat' ? [] : [0]),
      ])
        expect(tokens.read(signed(header, { ...payload, [name]: value })), `${name} = ${String(value)}`).toBeUndefined()
    for (const nbf of [noon + 61, 'now', null]) expect(tokens.read(signed(header, { ...payload, nbf }))).toBeUndefined()
    expect(tokens.read(signed(header, { ...payload, nbf: noon }))).toBeDefined()
    for (const whole of ['', 'bm90IEpTT04', encode('text'), encode(null), encode([])])
      expect(tokens.read(signed(header, whole)), whole).toBeUndefined()
  })

  test('has one spelling: what decodes to the same bytes is another token', () => {
    const { tokens } = tokensAt()
    const token = tokens.write(claims)
    const last = token.at(-1)!
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // 64 bytes are 85 letters and 2 bits: the 4 lowest bits of the last letter mean nothing to a careless decoder.
    for (let low = 1; low < 16; low++) {
      const twin = alphabet[(alphabet.indexOf(last) & 0b110000) | ((alphabet.indexOf(last) + low) & 0b1111)]!
      expect(tokens.read(token.slice(0, -1) + twin), twin).toBeUndefined()
    }
    for (const twin of [
      `${token}=`,
      `${token}\n`,
      ` ${token}`,
      `${token}.`,
      `${token.replaceAll('-', '+').replaceAll('_', '/')}==`,
    ])
      expect(tokens.read(twin), JSON.stringify(twin.slice(-4))).toBeUndefined()
  })

  test('is refused at every length but its own, and with every single byte changed', () => {
    const { tokens } = tokensAt()
    const token = tokens.write(claims)
    for (let length = 0; length < token.length; length++) expect(tokens.read(token.slice(0, length))).toBeUndefined()
    for (let at = 0; at < token.length; at++)
      expect(
        tokens.read(token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)),
        String(at),
      ).toBeUndefined()
    expect(tokens.read(token + 'A'.repeat(10_000))).toBeUndefined()
  })

  test('may be anything at all: nothing throws', () => {
    const { tokens } = tokensAt()
    const header = tokens.write(claims).split('.')[0]!
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => tokens.read(text) === undefined))
    fc.assert(fc.property(fc.string(), fc.string(), (one, two) => tokens.read(`${header}.${one}.${two}`) === undefined))
  })

  test('needs an Ed25519 key', () => {
    const rsa = pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
    expect(() => tokensAt(noon, { keys: { current: rsa } })).toThrow('Ed25519')
  })
})

const vectors = new URL('../../../../shared/vectors/wycheproof/json_web_signature_test.json', import.meta.url)
describe.skipIf(!existsSync(vectors))("Wycheproof's JSON Web Signatures", () => {
  test('are somebody else’s tokens: none opens anything, none throws', () => {
    const { testGroups } = JSON.parse(readFileSync(vectors, 'utf8')) as { testGroups: { tests: { jws: unknown }[] }[] }
    const { tokens } = tokensAt()
    const all = testGroups.flatMap(({ tests }) =>
      tests.map(({ jws }) => (typeof jws === 'string' ? jws : JSON.stringify(jws))),
    )
    expect(all.length).toBeGreaterThan(300)
    for (const jws of all) expect(tokens.read(jws)).toBeUndefined()
  })
})

describe('the cookie', () => {
  test('is bound to the host over HTTPS, and works in Safari on this machine', () => {
    expect(sessionCookie('crm', true).set('t', 60)).toBe(
      '__Host-session=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure',
    )
    expect(sessionCookie('crm', false).set('t', 60)).toBe('crm-session=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax')
    expect(sessionCookie('crm', true).clear()).toBe(
      '__Host-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure',
    )
  })

  const name = '__Host-session'
  test.each([
    [`${name}=t`, 't'],
    [`theme=dark; ${name}=t; a=b`, 't'],
    [`theme=dark;${name}=t`, 't'],
    [`\t${name} = t `, 't'],
    [`${name}=`, ''],
    [`${name}=t=u`, 't=u'],
  ])('%j is read', (header, value) => {
    expect(sessionCookie('crm', true).read(header)).toBe(value)
  })

  test.each([
    '',
    ';;;',
    name,
    `${name}=t; ${name}=t`,
    `${name}=t; ${name}=`,
    `${name}=; ${name}=t`,
    `crm-session=t`,
    `__host-crm-session=t`,
    `\u00a0${name}=t`,
    `\u2000${name}=t`,
    `\u00e2\u0080\u0080${name}=t`,
    `\u0000${name}=t`,
    `\u0085${name}=t`,
    `"${name}"=t`,
    `x${name}=t`,
    `${name}x=t`,
    `$Version=1, ${name}=t`,
  ])('%j is not', (header) => {
    expect(sessionCookie('crm', true).read(header)).toBeUndefined()
  })
})

describe('sessions', () => {
  const options = { product: 'crm', privateKeyPem: pem, clock: clockAt(noon) }

  test.each([
    ['https://crm.example', true],
    ['http://localhost:8701', false],
    ['http://crm.localhost:8701', false],
    ['http://127.0.0.1:8701', false],
    ['http://[::1]:8701', false],
  ])('start on %s', (origin, https) => {
    expect(createSessions({ ...options, origin, https }).present(null)).toBeUndefined()
  })

  test.each([
    ['http://crm.example', false],
    ['http://192.168.1.2:8701', false],
    ['http://localhost.evil.example', false],
    ['http://127.0.0.1.evil.example', false],
    ['https://crm.example', false],
    ['http://localhost:8701', true],
    ['https://crm.example/', true],
    ['https://crm.example/path', true],
  ])('do not start on %s with https: %s', (origin, https) => {
    expect(() => createSessions({ ...options, origin, https })).toThrow()
  })

  test('know the key that they sign with, and not the secret one', () => {
    const { publicKeys } = createSessions({ ...options, origin: 'https://crm.example', https: true })
    const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
    expect(publicKeys).toEqual([
      { kty: 'OKP', crv: 'Ed25519', x, kid: expect.stringMatching(/^[\w-]{43}$/), alg: 'EdDSA', use: 'sig' },
    ])
  })
})
