import { describe, expect, test } from 'vitest'
import { Refusal } from '../../kernel/refusal.ts'
import { refuseCrossSite, responseHeaders } from './browser-defences.ts'

const origin = 'https://crm.example'

function refused(method: string, headers: [string, string][], url = `${origin}/api/o/1/contacts`): boolean {
  try {
    refuseCrossSite(new Request(url, { method, headers }), origin)
    return false
  } catch (error) {
    if (error instanceof Refusal && error.kind.status === 403) return true
    throw error
  }
}

describe('another site cannot make a browser change anything', () => {
  test.each([
    'https://crm.example.evil.example',
    'https://evil.example/https://crm.example',
    'https://sub.crm.example',
    'http://crm.example',
    'https://crm.example:8443',
    'https://crm.example/',
    'https://CRM.example',
    'https://crm.example, https://evil.example',
    'https://crm.example.',
    'https://crm%2eexample',
    'null',
    '',
  ])('an Origin that only looks like ours: %s', (sender) => {
    expect(refused('POST', [['origin', sender]])).toBe(true)
  })

  test.each(['cross-site', 'same-site', 'none', 'Same-Origin', 'same-origin;', '', 'same-origin, cross-site', '?1'])(
    'a right Origin does not heal Sec-Fetch-Site: %j',
    (site) => {
      expect(
        refused('POST', [
          ['sec-fetch-site', site],
          ['origin', origin],
        ]),
      ).toBe(true)
    },
  )

  test('a header sent twice is not the header sent once', () => {
    expect(
      refused('POST', [
        ['sec-fetch-site', 'same-origin'],
        ['sec-fetch-site', 'same-origin'],
      ]),
    ).toBe(true)
    expect(
      refused('POST', [
        ['origin', origin],
        ['origin', origin],
      ]),
    ).toBe(true)
  })

  test('a re-bound name: the browser believes in one origin, and it is not ours', () => {
    const sent: [string, string][] = [
      ['sec-fetch-site', 'same-origin'],
      ['origin', 'http://evil.example'],
    ]
    expect(refused('POST', sent)).toBe(true)
  })

  test('no content type and no other header opens the gate', () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'])
      expect(
        refused('POST', [
          ['content-type', type],
          ['x-requested-with', 'XMLHttpRequest'],
          ['referer', `${origin}/o/1`],
          ['x-http-method-override', 'GET'],
        ]),
      ).toBe(true)
  })

  test('a method in small letters or of no known name is a change', () => {
    for (const method of ['Patch', 'OPTIONS', 'PROPFIND', 'QUERY', 'GETS']) expect(refused(method, [])).toBe(true)
  })

  test('a preflight is refused, so no other origin is ever told that it may', () => {
    expect(
      refused('OPTIONS', [
        ['origin', 'https://evil.example'],
        ['access-control-request-method', 'DELETE'],
      ]),
    ).toBe(true)
  })
})

describe('an answer cannot be framed, sniffed or shared', () => {
  test("a person's file runs nothing, even when it is opened in place", () => {
    const policy = responseHeaders({ kind: 'file', https: true })['content-security-policy']
    expect(policy).toBe("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox")
  })
})
