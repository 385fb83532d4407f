import { expect, test } from 'vitest'
import { newRecoveryCodes, recoveryCodeHash } from './recovery-codes.ts'

test('ten codes of 120 bits, all different, in letters that can be read again', () => {
  const { codes, hashes } = newRecoveryCodes()
  expect(codes).toHaveLength(10)
  expect(new Set(codes).size).toBe(10)
  expect(new Set(hashes.map((hash) => hash.toString('hex'))).size).toBe(10)
  for (const code of codes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/)
})

test('a code is taken as people type it', () => {
  const hash = recoveryCodeHash('0123-4567-89AB-CDEF-GHJK-MNPQ')
  expect(hash).toHaveLength(32)
  for (const typed of [
    '0123456789abcdefghjkmnpq',
    ' o123 4567-89AB CDEF GHJK MNPQ ',
    '0I23-4567-89ab-cdef-ghjk-mnpq',
    'ol23456789abcdefghjkmnpq',
  ])
    expect(recoveryCodeHash(typed), typed).toEqual(hash)
})

test.each([
  '',
  '0123',
  '0123-4567-89AB-CDEF-GHJK-MNPU',
  '0123-4567-89AB-CDEF-GHJK-MNPQR',
  'x'.repeat(10_000),
  '０123-4567-89AB-CDEF-GHJK-MNPQ',
])('what cannot be a code has no hash: %j', (typed) => {
  expect(recoveryCodeHash(typed)).toBeUndefined()
})
