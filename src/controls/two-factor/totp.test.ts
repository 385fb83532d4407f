import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import decodeQR from 'qr/decode.js'
import { describe, expect, test } from 'vitest'
import { matchTotp, newTotpKey, qrRows, stepAt, totpCode, totpKeyText, totpLink } from './totp.ts'

const rfcKey = Buffer.from('12345678901234567890')

describe('codes', () => {
  test('are those of RFC 4226, appendix D', () => {
    const codes = Array.from({ length: 10 }, (_, step) => totpCode(rfcKey, step))
    expect(codes).toEqual([
      '755224',
      '287082',
      '359152',
      '969429',
      '338314',
      '254676',
      '287922',
      '162583',
      '399871',
      '520489',
    ])
  })

  // The appendix has eight digits; six are their last ones.
  test.each([
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ])('are those of RFC 6238, appendix B, at %i s', (seconds, code) => {
    expect(totpCode(rfcKey, stepAt(seconds * 1000))).toBe(code.slice(-6))
  })

  const hasOathtool = spawnSync('oathtool', ['--version']).status === 0
  test.skipIf(!hasOathtool)('are those of oathtool, which shares no code with us', () => {
    for (let count = 0; count < 20; count++) {
      const key = newTotpKey()
      const seconds = Number(randomBytes(4).readUInt32BE())
      const now = new Date(seconds * 1000).toISOString().replace('T', ' ').slice(0, 19)
      const told = execFileSync('oathtool', ['--totp', '--base32', '--now', `${now} UTC`, totpKeyText(key)], {
        encoding: 'utf8',
      })
      expect(totpCode(key, stepAt(seconds * 1000))).toBe(told.trim())
    }
  })
})

describe('matching', () => {
  const key = newTotpKey()
  const now = 1_800_000_015_000
  const here = stepAt(now)

  test.each([
    [-2, undefined],
    [-1, here - 1],
    [0, here],
    [1, here + 1],
    [2, undefined],
  ])('a clock that is off by %i steps', (steps, found) => {
    expect(matchTotp(key, totpCode(key, here + steps), now)).toBe(found)
  })

  test.each(['', '1', '12345', '1234567', '１２３４５６', '٠٠٠٠٠٠', '      ', '00000\0', '+12345', '1e5000'])(
    '%j is no code',
    (typed) => {
      expect(matchTotp(key, typed, now)).toBeUndefined()
    },
  )
})

test('a key has 160 bits, and the link says what every app takes', () => {
  const key = newTotpKey()
  expect(key).toHaveLength(20)
  expect(totpKeyText(key)).toMatch(/^[A-Z2-7]{32}$/)
  const link = new URL(totpLink(key, 'Bight & Co', 'a+b@example.com'))
  expect(link.protocol).toBe('otpauth:')
  expect(decodeURIComponent(link.pathname)).toBe('/Bight & Co:a+b@example.com')
  expect(Object.fromEntries(link.searchParams)).toEqual({
    issuer: 'Bight & Co',
    secret: totpKeyText(key),
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  })
})

test('the QR code says the link, and a reader gets it back', () => {
  const link = totpLink(newTotpKey(), 'Bight', 'somebody.with.a.long.name@example.com')
  const rows = qrRows(link)
  const scale = 4
  const size = rows.length * scale
  const data = new Uint8Array(size * size * 4)
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      data.fill(
        rows[Math.floor(y / scale)]![Math.floor(x / scale)] === '1' ? 0 : 255,
        (y * size + x) * 4,
        (y * size + x) * 4 + 4,
      )
  expect(decodeQR({ width: size, height: size, data })).toBe(link)
})
