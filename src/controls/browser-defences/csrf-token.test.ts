import { createHmac, hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../kernel/refusal.ts'
import { refuseCrossSite } from './browser-defences.ts'
import { createCsrfTokens } from './csrf-token.ts'

const secret = randomBytes(32)
const tokens = createCsrfTokens([secret])
const session = randomUUID()
const origin = 'https://crm.example'

describe('a token', () => {
  test('is what OWASP describes: HMAC-SHA-256 over length!session!length!random, under a key of its own', () => {
    const [mac, random] = tokens.write(session).split('.') as [string, string]
    const key = Buffer.from(hkdfSync('sha256', secret, '', 'holdfast-csrf-token-1', 32))
    expect(mac).toBe(createHmac('sha256', key).update(`36!${session}!32!${random}`).digest('base64url'))
    expect(key.equals(secret)).toBe(false)
  })

  test('fits its session, in every process that has the secret', () => {
    const elsewhere = createCsrfTokens([Buffer.from(secret)])
    expect(elsewhere.fits(tokens.write(session), session)).toBe(true)
  })

  test('is another one each time, and says nothing of the session', () => {
    const written = Array.from({ length: 1000 }, () => tokens.write(session))
    expect(new Set(written).size).toBe(1000)
    expect(written.join()).not.toContain(session)
    for (const token of written) expect(token).toMatch(/^[\w-]{43}\.[\w-]{32}$/)
  })

  test('outlives a change of the server’s secret for as long as the old one is still named', () => {
    const [before, after] = [randomBytes(32), randomBytes(32)]
    const old = createCsrfTokens([before]).write(session)
    expect(createCsrfTokens([after, before]).fits(old, session)).toBe(true)
    expect(createCsrfTokens([after]).fits(old, session)).toBe(false)
    expect(createCsrfTokens([before]).fits(createCsrfTokens([after, before]).write(session), session)).toBe(false)
  })

  test.each([[[]], [['short']], [[secret, 'short']]])('is not made from a secret that is none: %j', (secrets) => {
    expect(() => createCsrfTokens(secrets)).toThrow('secret')
  })
})

describe('nobody gets by with a token that is not theirs', () => {
  test('one of another session opens nothing', () => {
    expect(tokens.fits(tokens.write(randomUUID()), session)).toBe(false)
    expect(tokens.fits(tokens.write(session), undefined)).toBe(false)
    expect(tokens.fits(tokens.write(''), session)).toBe(false)
  })

  test('one under another secret, or under the secret itself, opens nothing', () => {
    expect(tokens.fits(createCsrfTokens([randomBytes(32)]).write(session), session)).toBe(false)
    const random = randomBytes(24).toString('base64url')
    const mac = createHmac('sha256', secret).update(`36!${session}!32!${random}`).digest('base64url')
    expect(tokens.fits(`${mac}.${random}`, session)).toBe(false)
  })

  test('characters cannot move from the session to the random part', () => {
    const [mac, random] = tokens.write('ab').split('.') as [string, string]
    for (const other of ['a', 'ab!', 'ab!32', 'b', '2!ab']) expect(tokens.fits(`${mac}.${random}`, other)).toBe(false)
  })

  test('every change of one character is seen, the last bits included', () => {
    const token = tokens.write(session)
    for (let at = 0; at < token.length; at++)
      for (const other of 'ABab01-_.=') {
        if (token[at] === other) continue
        expect(tokens.fits(token.slice(0, at) + other + token.slice(at + 1), session)).toBe(false)
      }
  })

  test('cut, doubled, padded or of any other form, it is refused without an error', () => {
    const token = tokens.write(session)
    const odd = [
      token.slice(1),
      token.slice(0, -1),
      `${token}=`,
      `${token}, ${token}`,
      ` ${token}`,
      `${token}\n`,
      token.toUpperCase(),
      token.split('.').reverse().join('.'),
      `.${token}`,
      '.',
      '',
      'null',
      'a'.repeat(1_000_000),
    ]
    for (const one of odd) expect(tokens.fits(one, session)).toBe(false)
    expect(tokens.fits(null, session)).toBe(false)
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => tokens.fits(text, session) === false))
  })
})

describe('the gate takes a token only where the browser has said nothing', () => {
  const passes = (headers: Record<string, string>, method = 'POST') => {
    const request = new Request(`${origin}/api/o/1/contacts`, { method, headers })
    try {
      refuseCrossSite(request, origin, (one) => tokens.fits(one.headers.get('x-csrf-token'), session))
      return true
    } catch (error) {
      if (error instanceof Refusal) return false
      throw error
    }
  }
  const right = () => ({ 'x-csrf-token': tokens.write(session) })

  test('then the right one passes, and nothing else does', () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect(passes(right(), method)).toBe(true)
      expect(passes({}, method)).toBe(false)
      expect(passes({ 'x-csrf-token': tokens.write(randomUUID()) }, method)).toBe(false)
    }
  })

  test('a browser that says where it comes from is believed, whatever token it carries', () => {
    for (const site of ['cross-site', 'same-site', 'none', '', 'SAME-ORIGIN'])
      for (const more of [{}, { origin }]) expect(passes({ ...right(), ...more, 'sec-fetch-site': site })).toBe(false)
    for (const sender of ['https://evil.example', 'null', '', `${origin}/`])
      expect(passes({ ...right(), origin: sender })).toBe(false)
  })

  test('a browser that sends Fetch Metadata never needs one, and a wrong one does not hurt', () => {
    for (const headers of [{}, { 'x-csrf-token': 'wrong' }])
      expect(passes({ ...headers, 'sec-fetch-site': 'same-origin' })).toBe(true)
  })

  test('where nobody reads tokens, none passes', () => {
    const request = new Request(`${origin}/api/x`, { method: 'POST', headers: right() })
    expect(() => refuseCrossSite(request, origin)).toThrow(Refusal)
  })
})
