import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pageAddress, pagePattern, readReturnPath, signInAddress } from './paths.ts'

describe('the way back after sign-in', () => {
  it.each(['/o/018f/contacts', '/o/018f/contacts?search=Ann%20%26%20Bo#row-3', '/invitation#a-token', '/members'])(
    'leads to a path of ours: %s',
    (path) => {
      expect(readReturnPath(`#${path}`)).toBe(path)
      expect(readReturnPath(signInAddress(path).replace('/sign-in', ''))).toBe(path)
    },
  )

  it.each([
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '/../\\evil.example',
    '/..//evil.example',
    '/.//evil.example',
    '/%2e%2e//evil.example',
    '/o/../..//evil.example',
    '\\\\evil.example',
    'https://evil.example',
    'HTTPS:evil.example',
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,hello',
    '/\t/evil.example',
    '/\n/evil.example',
    '/\u0000//evil.example',
    '/\u0085/evil.example',
    '\t//evil.example',
    'evil.example',
    '@evil.example',
    '/@evil.example/..//x',
    '/sign-in',
    '/sign-in#/sign-in',
    '',
    '#',
  ])('never leads elsewhere: %j', (path) => {
    expect(readReturnPath(`#${path}`)).toBe('/')
  })

  it('stays on our origin for whatever can be made of the characters that lead away', () => {
    const pieces = [
      '/',
      '\\',
      '.',
      '..',
      '%2f',
      '%5c',
      '%2e',
      '%09',
      '\t',
      '\n',
      '\r',
      '\0',
      ' ',
      '@',
      ':',
      '?',
      '#',
      '／',
    ]
    const path = fc.array(fc.constantFrom(...pieces, 'evil.example', 'https:', 'javascript:', 'o', '/sign-in'), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(path, (parts) => {
        const back = readReturnPath(`#${parts.join('')}`)
        expect(back).toMatch(/^\/(?![/\\])/)
        expect(new URL(back, 'https://crm.example').origin).toBe('https://crm.example')
        // What is given back is read again by whoever follows it: it must not change on the way.
        expect(readReturnPath(`#${back}`)).toBe(back)
      }),
      { numRuns: 5000 },
    )
  })

  it('keeps what only looks odd on our origin', () => {
    for (const path of ['/@evil.example', '/javascript:alert(1)', '/a:b', '/https://evil.example']) {
      const back = readReturnPath(`#${path}`)
      expect(new URL(back, 'https://crm.example').origin).toBe('https://crm.example')
    }
  })
})

describe('addresses of pages', () => {
  it('name the organisation, and for individuals none', () => {
    expect(pageAddress('organisations', 'org', '/boats/$boat', { boat: 'a/b' })).toBe('/o/org/boats/a%2Fb')
    expect(pageAddress('individuals', 'org', '/boats/$boat', { boat: '1' })).toBe('/boats/1')
    expect(pagePattern('organisations', '/boats')).toBe('/o/$organisation/boats')
  })

  it('are not made with a hole in them', () => {
    expect(() => pageAddress('organisations', '', '/boats')).toThrow(/organisation/)
    expect(() => pageAddress('individuals', '', '/boats/$boat', {})).toThrow(/boat/)
  })
})
