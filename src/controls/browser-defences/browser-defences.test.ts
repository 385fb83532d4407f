import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../kernel/refusal.ts'
import { type AnswerKind, newNonce, refuseCrossSite, responseHeaders } from './browser-defences.ts'

const origin = 'https://crm.example'

function ask(method: string, headers: Record<string, string>, path = '/api/o/1/contacts'): Request {
  return new Request(`${origin}${path}`, { method, headers })
}

function passes(request: Request): boolean {
  try {
    refuseCrossSite(request, origin)
    return true
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    expect(error.kind).toMatchObject({ code: 'browser-defences/cross-site-request', status: 403 })
    return false
  }
}

describe('refuseCrossSite', () => {
  test.each([
    ['our script', { 'sec-fetch-site': 'same-origin', origin }],
    ['our script, Origin left out', { 'sec-fetch-site': 'same-origin' }],
    ['our form under Referrer-Policy: no-referrer', { 'sec-fetch-site': 'same-origin', origin: 'null' }],
    ['an old browser', { origin }],
  ])('a change passes: %s', (_, headers) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect(passes(ask(method, headers))).toBe(true)
  })

  test.each<[string, string, Record<string, string>, string, boolean]>([
    ['our page reads the API', 'GET', { 'sec-fetch-site': 'same-origin' }, '/api/me', true],
    ['typed into the address bar', 'GET', { 'sec-fetch-site': 'none' }, '/api/me', true],
    ['a tool without any header', 'GET', {}, '/api/me', true],
    ['HEAD is as GET', 'HEAD', { 'sec-fetch-site': 'cross-site' }, '/api/me', false],
    ['another site reads the API', 'GET', { 'sec-fetch-site': 'cross-site' }, '/api/me', false],
    ['a neighbour reads the API', 'GET', { 'sec-fetch-site': 'same-site' }, '/api/me', false],
    ['an old browser elsewhere reads the API', 'GET', { origin: 'https://evil.example' }, '/api/me', false],
    ['a link to a page', 'GET', visit('document'), '/o/1/contacts', true],
    ['a link to the API', 'GET', visit('document'), '/api/me', false],
    ['a link to the API, encoded', 'GET', visit('document'), '/%61pi/me', false],
    ['a link to the API, doubled slash', 'GET', visit('document'), '//api/me', false],
    ['a link to the API, with dots', 'GET', visit('document'), '/x/../api/me', false],
    ['a link that is no text', 'GET', visit('document'), '/%ff', false],
    ['a frame with a page', 'GET', visit('iframe'), '/o/1/contacts', false],
    ['an image elsewhere', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, '/logo.svg', false],
  ])('reading: %s', (_, method, headers, path, expected) => {
    expect(passes(ask(method, headers, path))).toBe(expected)
  })

  test('a change with any other value of Sec-Fetch-Site or Origin is refused', () => {
    const value = fc.string({ unit: 'grapheme-ascii', maxLength: 40 }).map((text) => text.trim())
    fc.assert(
      fc.property(
        fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
        value,
        value,
        (method, site, sender) => {
          fc.pre(site !== 'same-origin' && sender !== origin)
          expect(passes(ask(method, { 'sec-fetch-site': site, origin }))).toBe(false)
          expect(passes(ask(method, { origin: sender }))).toBe(false)
        },
      ),
    )
  })
})

function visit(target: string): Record<string, string> {
  return { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': target }
}

describe('responseHeaders', () => {
  const kinds: AnswerKind[] = ['page', 'api', 'asset', 'file']

  test.each(kinds)('%s: the whole set', (kind) => {
    const headers = responseHeaders({ kind, https: true })
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
      vary: 'Sec-Fetch-Site, Origin',
    })
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|data:|https?:/)
    for (const [name, value] of Object.entries(headers)) {
      expect(name).toBe(name.toLowerCase())
      expect(value).toMatch(/^[\x20-\x7e]+$/)
    }
  })

  test('no HSTS over plain HTTP: browsers would ignore it, and localhost must not learn it', () => {
    for (const kind of kinds)
      expect(responseHeaders({ kind, https: false })).not.toHaveProperty('strict-transport-security')
  })

  test('only an asset may be kept', () => {
    const kept = kinds.filter((kind) => responseHeaders({ kind, https: true })['cache-control'] !== 'no-store')
    expect(kept).toEqual(['asset'])
  })

  test('a page names its nonce; without one no script runs; no other kind takes one', () => {
    const nonce = newNonce()
    const policy = (kind: AnswerKind, more = {}) =>
      responseHeaders({ kind, https: true, ...more })['content-security-policy']
    expect(policy('page', { nonce })).toContain(`script-src 'nonce-${nonce}' 'strict-dynamic';`)
    expect(policy('page')).toContain("script-src 'none';")
    expect(policy('api', { nonce })).not.toContain(nonce)
  })

  test('one answer cannot change the headers of the next', () => {
    const headers = responseHeaders({ kind: 'api', https: true }) as Record<string, string>
    expect(() => {
      headers['x-frame-options'] = 'ALLOW'
    }).toThrow(TypeError)
    const page = responseHeaders({ kind: 'page', https: true, nonce: newNonce() }) as Record<string, string>
    page['x-frame-options'] = 'ALLOW'
    expect(responseHeaders({ kind: 'page', https: true, nonce: newNonce() })['x-frame-options']).toBe('DENY')
  })

  test.each(['', 'short', `${'a'.repeat(22)}' 'unsafe-inline`, `${'a'.repeat(22)};`, `${'a'.repeat(22)}\r\nx: y`])(
    'a nonce that is too short or could break out is refused: %j',
    (nonce) => {
      expect(() => responseHeaders({ kind: 'page', https: true, nonce })).toThrow('128 bits')
    },
  )

  test('nonces have 144 bits and do not repeat', () => {
    const nonces = Array.from({ length: 5000 }, newNonce)
    expect(new Set(nonces).size).toBe(5000)
    for (const nonce of nonces) expect(Buffer.from(nonce, 'base64')).toHaveLength(18)
  })
})
