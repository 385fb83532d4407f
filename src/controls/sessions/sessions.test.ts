import { spawnSync } from 'node:child_process'
import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
  verify,
} from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
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

describe('keys that take turns', () => {
  const [old, now, next] = [0, 1, 2].map(() => pemOf(generateKeyPairSync('ed25519').privateKey)) as [
    string,
    string,
    string,
  ]
  const noted = (keys: SigningKeys) => tokensAt(noon, { keys }).tokens

  test('each verifies what another signed, before it signs itself and after', () => {
    const before = noted({ current: old, others: [now] })
    const after = noted({ current: now, others: [next, old] })
    for (const [writer, reader] of [
      [before, before],
      [before, after],
      [after, before],
      [after, after],
    ] as const)
      expect(reader.read(writer.write(claims))?.session).toBe(claims.session)
    const later = noted({ current: next, others: [now] })
    expect(later.read(after.write(claims))).toBeDefined()
    expect(later.read(before.write(claims))).toBeUndefined()
  })

  test('are all published, the one that signs first, and none twice', () => {
    const { publicKeys } = noted({ current: now, others: [next, old, now] })
    expect(publicKeys).toHaveLength(3)
    expect(new Set(publicKeys.map(({ kid }) => kid)).size).toBe(3)
    const [header] = noted({ current: now }).write(claims).split('.')
    expect(publicKeys[0]!.kid).toBe(decode(header).kid)
    expect(JSON.stringify(publicKeys)).not.toContain('"d"')
  })

  test('come to the same successor, whichever of them signs', () => {
    const [before, after] = [noted({ current: old, others: [now] }), noted({ current: now, others: [old] })]
    const token = before.write(claims)
    const successor = after.successor(token)
    expect(successor).toHaveLength(32)
    expect(before.successor(token)).toEqual(successor)
    expect(successor).not.toEqual(claims.secret)
    // Of another secret, another session or another key it is another.
    const others = [
      before.successor(before.write({ ...claims, secret: randomBytes(32) })),
      before.successor(before.write({ ...claims, session: randomUUID() })),
      after.successor(after.write(claims)),
    ]
    expect(new Set([successor, ...others].map((one) => Buffer.from(one).toString('hex'))).size).toBe(4)
    // When it began and when it ends does not matter: a clock must not make two of it.
    expect(before.successor(before.write({ ...claims, issuedAt: noon + 9, expiresAt: noon + 99 }))).toEqual(successor)
  })

  test('a key of another kind is refused among the others too', () => {
    const p256 = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    expect(() => noted({ current: now, others: [p256] })).toThrow('Ed25519')
  })
})

const vectorsAt = (name: string) => new URL(`../../../../shared/vectors/wycheproof/${name}_test.json`, import.meta.url)
const vectorsOf = <Group>(name: string) =>
  (JSON.parse(readFileSync(vectorsAt(name), 'utf8')) as { testGroups: Group[] }).testGroups

describe.skipIf(!existsSync(vectorsAt('ed25519')))('Wycheproof', () => {
  test.each([
    ['json_web_signature', 401],
    ['json_web_crypto', 83],
    ['json_web_key', 26],
  ])('%s: somebody else’s tokens, valid or not: none opens anything, none throws', (name, count) => {
    const { tokens } = tokensAt()
    const all = vectorsOf<{ tests: Record<string, unknown>[] }>(name).flatMap(({ tests }) =>
      tests.map(({ jws, jwe }) => jws ?? jwe),
    )
    expect(all).toHaveLength(count)
    for (const one of all) expect(tokens.read(typeof one === 'string' ? one : JSON.stringify(one))).toBeUndefined()
  })

  test('json_web_key: no key that a token brings along is used, in whatever form', () => {
    const { tokens } = tokensAt()
    const [ours, payload] = tokens.write(claims).split('.')
    const groups = vectorsOf<{ private: { keys?: unknown[] } }>('json_web_key')
    const keys = groups.flatMap(({ private: key }) => key.keys ?? [key])
    expect(keys.length).toBeGreaterThan(10)
    for (const jwk of keys)
      for (const header of [
        { ...decode(ours), jwk },
        { alg: 'EdDSA', typ: 'session+jwt', jwk },
        { alg: 'EdDSA', typ: 'session+jwt', kid: (jwk as { kid?: string }).kid, jwk },
      ])
        expect(tokens.read(signed(header, decode(payload)))).toBeUndefined()
  })

  test('ed25519: the verification that we call takes what is valid, and nothing else', () => {
    let count = 0
    for (const { publicKeyDer, tests } of vectorsOf<{
      publicKeyDer: string
      tests: { msg: string; sig: string; result: string; comment: string }[]
    }>('ed25519')) {
      const key = createPublicKey({ key: Buffer.from(publicKeyDer, 'hex'), format: 'der', type: 'spki' })
      for (const { msg, sig, result, comment } of tests) {
        const bytes = Buffer.from(sig, 'hex')
        // As in token.ts: what has not 64 bytes never comes so far.
        const good = bytes.length === 64 && verify(null, Buffer.from(msg, 'hex'), key, bytes)
        expect(good, comment).toBe(result === 'valid')
        count++
      }
    }
    expect(count).toBe(151)
  })
})

const runs = (command: string) => spawnSync(command, ['--help']).error === undefined

function withFolder(run: (at: (name: string, content: string | Buffer) => string) => void): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'hf-token-'))
  try {
    run((name, content) => {
      writeFileSync(path.join(folder, name), content)
      return path.join(folder, name)
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('tools that are not ours', () => {
  test.skipIf(!runs('openssl'))('OpenSSL verifies a token with the published key', () =>
    withFolder((at) => {
      const { tokens } = tokensAt()
      const [header, payload, signature] = tokens.write(claims).split('.') as [string, string, string]
      const jwk = { ...tokens.publicKeys[0]! }
      const key = at('key.pem', createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }))
      const verified = (text: string) =>
        spawnSync('openssl', [
          ...['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', key],
          ...['-in', at('text', text), '-sigfile', at('signature', Buffer.from(signature, 'base64url'))],
        ]).status === 0
      expect(verified(`${header}.${payload}`)).toBe(true)
      expect(verified(`${header}.${payload}x`)).toBe(false)
    }),
  )

  // Debian's jose knows no EdDSA, so it cannot read ours: it forges.
  test.skipIf(!runs('jose'))(
    'what jose signs opens nothing, by whatever algorithm, with the public key as secret too',
    () =>
      withFolder((at) => {
        const { tokens } = tokensAt()
        const [header, payload] = tokens.write(claims).split('.') as [string, string]
        const { x, kid } = tokens.publicKeys[0]!
        const jose = (args: string[]) => {
          const { status, stderr, stdout } = spawnSync('jose', args, { encoding: 'utf8' })
          expect(status, stderr).toBe(0)
          return stdout.trim()
        }
        const forge = (alg: string, key: string) => {
          const signature = JSON.stringify({ protected: { alg, typ: 'session+jwt', kid } })
          const text = at('payload', Buffer.from(payload, 'base64url'))
          return jose(['jws', 'sig', '-I', text, '-c', '-s', signature, '-k', at('key', key)])
        }
        const forged = [
          forge('HS256', JSON.stringify({ kty: 'oct', k: x })),
          ...['HS256', 'ES256', 'ES512', 'RS256', 'PS256'].map((alg) =>
            forge(alg, jose(['jwk', 'gen', '-i', JSON.stringify({ alg })])),
          ),
        ]
        for (const token of forged) {
          expect(token.split('.')[1]).toBe(payload)
          expect(tokens.read(token), token).toBeUndefined()
          // And under our header, with its signature.
          expect(tokens.read(`${header}.${payload}.${token.split('.')[2]}`)).toBeUndefined()
        }
      }),
  )
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
