import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { address, id, integer, integerText, text } from './fields.ts'

describe('text', () => {
  test.each([
    ['  Ada  ', 'Ada'],
    ['\ufeffAda\u00a0', 'Ada'],
    ['Cafe\u0301', 'Café'],
    ['李 明', '李 明'],
    ["O'Brien; drop table", "O'Brien; drop table"],
    ['👩‍🚀', '👩‍🚀'],
  ])('%j becomes %j', (value, expected) => {
    expect(text({ max: 40 }).parse(value)).toBe(expected)
  })

  test.each(['', '   ', 'a\nb', 'a\tb', 'a\rb', 'a\u0000b', 'a\u001bb', 'a\u0085b', 'a\u2028b', 'x'.repeat(41)])(
    '%j is refused',
    (value) => {
      expect(text({ max: 40 }).safeParse(value).success).toBe(false)
    },
  )

  test('is counted after it was normalised, which can make it longer', () => {
    expect(text({ max: 4 }).safeParse('  abcd  ').success).toBe(true)
    expect(text({ max: 2 }).safeParse('\u{1d160}').success).toBe(false)
  })

  test('several lines: line feeds and tabs only', () => {
    expect(text({ max: 40, multiline: true }).parse('a\r\nb\rc\n\td')).toBe('a\nb\nc\n\td')
    for (const value of ['a\u0000', 'a\u000bb', 'a\u001bb', 'a\u2029b'])
      expect(text({ max: 40, multiline: true }).safeParse(value).success, JSON.stringify(value)).toBe(false)
  })

  test('what passed once passes again unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (value) => {
        const once = text({ max: 60 }).safeParse(value)
        if (once.success) expect(text({ max: 60 }).parse(once.data)).toBe(once.data)
      }),
    )
  })

  test('no value makes it slow', () => {
    for (const value of [
      ' '.repeat(1_000_000),
      `a${' '.repeat(1_000_000)}b`,
      'e\u0301'.repeat(500_000),
      'a\u0315\u0300'.repeat(200_000),
    ]) {
      const started = performance.now()
      expect(text({ max: 100 }).safeParse(value).success).toBe(false)
      expect(performance.now() - started).toBeLessThan(2000)
    }
  })
})

describe('address', () => {
  test.each([
    ['ada@example.org', 'ada@example.org'],
    [' Ada.Lovelace+crm@Example.ORG ', 'Ada.Lovelace+crm@example.org'],
    ['ada@münchen.example', 'ada@xn--mnchen-3ya.example'],
    ['ada@mu\u0308nchen.example', 'ada@xn--mnchen-3ya.example'],
    ["o'brien@canary.invalid", "o'brien@canary.invalid"],
    ['ada@example.xn--p1ai', 'ada@example.xn--p1ai'],
  ])('%s is %s', (value, expected) => {
    expect(address().parse(value)).toBe(expected)
  })

  test.each([
    'ada',
    '@example.org',
    'ada@',
    'ada@localhost',
    'ada@example..org',
    'ada@.example.org',
    'ada@-example.org',
    'ada@example.org.',
    'ada@[192.0.2.1]',
    'ada@192.0.2.1',
    'ada@0x7f000001',
    '"ada"@example.org',
    'ada@evil.example@example.org',
    'ada.@example.org',
    'a..b@example.org',
    'ada@example.org\r\nBcc: eve@evil.example',
    'ada@example.org\nx',
    'ada@example.org, eve@evil.example',
    'ada@example.org;eve@evil.example',
    'Ada <ada@example.org>',
    'ada example@example.org',
    'ada\u0000@example.org',
    'ada＠example.org',
    'ada﹫example.org',
    'eve＠evil.example@example.org',
    'ａda@example.org',
    'ada@ｅxample.org',
    'ada@example。org',
    'ada@exam\u00adple.org',
    'ada@exam\u200dple.org',
    'äda@example.org',
    'ada@example.org/..',
    'ada@example.org?x',
    'ada@example.org%00',
    'ada@exa%6dple.org',
    `${'a'.repeat(65)}@example.org`,
    `ada@${'a'.repeat(64)}.org`,
    `ada@${'a.'.repeat(130)}org`,
    `${'a'.repeat(1_000_000)}@example.org`,
  ])('%s is refused', (value) => {
    const seen = address().safeParse(value)
    expect(seen.success).toBe(false)
    expect(JSON.stringify(seen.error?.issues.map((issue) => issue.message))).not.toContain('evil')
  })

  test('whatever passes is ASCII, has one @ and no character that could end a header', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('a', '@', '.', 'b.c', '＠', '\r\n', 'é', 'xn--'),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const seen = address().safeParse(pieces.join(''))
        if (seen.success) expect(seen.data).toMatch(/^[\x21-\x3f\x41-\x7e]+@[a-z0-9.-]+$/)
      }),
      { numRuns: 2000 },
    )
  })
})

test('id: a UUID in small letters', () => {
  const one = crypto.randomUUID()
  expect(id().parse(one.toUpperCase())).toBe(one)
  for (const value of ['', 'x', one.slice(1), `${one}\n`, `{${one}}`, one.replaceAll('-', ''), 7, null])
    expect(id().safeParse(value).success).toBe(false)
})

test('integer: a number, whole and within its bounds', () => {
  for (const value of [0, 5, 10]) expect(integer({ min: 0, max: 10 }).parse(value)).toBe(value)
  for (const value of [-1, 11, 0.5, '5', true, null, [], Number.NaN, 1e300])
    expect(integer({ min: 0, max: 10 }).safeParse(value).success).toBe(false)
})

test('integerText: one spelling for each number', () => {
  const limit = integerText({ min: -10, max: 1000 })
  for (const [value, expected] of [
    ['0', 0],
    ['42', 42],
    ['-7', -7],
  ] as const)
    expect(limit.parse(value)).toBe(expected)
  for (const value of ['', ' 1', '+1', '01', '-0', '1e3', '0x1', '1.0', '1001', '٣', 5, null])
    expect(limit.safeParse(value).success, String(value)).toBe(false)
})

test('all stay plain strings and numbers in the OpenAPI document', () => {
  const schema = z.strictObject({
    name: text({ max: 40 }),
    mail: address(),
    id: id(),
    count: integer({ min: 0, max: 9 }),
    limit: integerText({ min: 1, max: 9 }),
  })
  const seen = z.toJSONSchema(schema, { io: 'input' }).properties as Record<
    string,
    { type: string; maxLength?: number }
  >
  expect(Object.values(seen).map(({ type }) => type)).toEqual(['string', 'string', 'string', 'integer', 'string'])
  expect(seen.name?.maxLength).toBe(40)
})
