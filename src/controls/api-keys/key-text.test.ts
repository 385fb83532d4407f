import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createKeyTexts, hintOf } from './key-text.ts'

const { write, read, pattern } = createKeyTexts('bight')
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** RFC 1952, section 8, bit by bit: no library in common with what is tested. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

function withChecksum(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let place = 0; place < 6; place++) {
    text = alphabet[rest % 62] + text
    rest = Math.floor(rest / 62)
  }
  return body + text
}

const aKey = fc.constant(undefined).map(write)

test('what is written is read, found by the pattern, and never the same twice', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(aKey, (key) => {
      expect(key).toMatch(new RegExp(`^${pattern}$`))
      expect(read(key)).toEqual(createHash('sha256').update(`holdfast-entry-1${key}`).digest())
      expect(key.endsWith(hintOf(key))).toBe(true)
      expect(seen.has(key)).toBe(false)
      seen.add(key)
    }),
    { numRuns: 500 },
  )
})

test('the pattern is the published one', () => {
  expect(pattern).toBe('bight_key_[0-9A-Za-z]{49}')
  const text = `key: "${write()}", and prose.`
  expect(text.match(new RegExp(`\\b${pattern}\\b`, 'g'))).toHaveLength(1)
})

test('the checksum is CRC-32 in base 62, as somebody else computes it', () => {
  fc.assert(
    fc.property(aKey, (key) => {
      expect(withChecksum(key.slice(0, -6))).toBe(key)
    }),
  )
  const zeros = withChecksum(`bight_key_${'0'.repeat(43)}`)
  expect(read(zeros)).toHaveLength(32)
})

test('each of the 43 characters is used, in every place but the first', () => {
  const keys = Array.from({ length: 2000 }, write)
  for (let place = 1; place < 43; place++)
    expect(new Set(keys.map((key) => key['bight_key_'.length + place])).size, `place ${place}`).toBe(62)
})

test('one character changed, two that changed places, one lost or added: nothing', () => {
  fc.assert(
    fc.property(aKey, fc.nat({ max: 58 }), fc.constantFrom(...alphabet), (key, at, other) => {
      if (key[at] !== other) expect(read(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined()
      if (at < 58 && key[at] !== key[at + 1])
        expect(read(key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2))).toBeUndefined()
      expect(read(key.slice(0, at) + key.slice(at + 1))).toBeUndefined()
      expect(read(key.slice(0, at) + other + key.slice(at))).toBeUndefined()
    }),
    { numRuns: 1000 },
  )
})

test('whatever else is presented: nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), aKey, (text, key) => {
      expect(read(text)).toBeUndefined()
      if (text !== '') for (const odd of [text + key, key + text]) expect(read(odd)).toBeUndefined()
    }),
    { numRuns: 1000 },
  )
  const key = write()
  const odd = [
    '',
    'bight_key_',
    ` ${key}`,
    `${key}\n`,
    key.toUpperCase(),
    key.toLowerCase(),
    `${key}\0`,
    `${key} ${key}`,
  ]
  for (const text of odd) expect(read(text), JSON.stringify(text)).toBeUndefined()
})

test('the key of another product is none, whatever its checksum', () => {
  const other = createKeyTexts('ebb')
  expect(read(other.write())).toBeUndefined()
  expect(other.read(write())).toBeUndefined()
  expect(read(withChecksum(`ebb_key_${'0'.repeat(43)}`))).toBeUndefined()
  expect(read(withChecksum(`xbight_key_${'0'.repeat(43)}`))).toBeUndefined()
})

test.each(['', 'a', 'Bight', 'with-dash', 'with_line', 'ünder', 'a b', 'x'.repeat(21), '.*', 'a\n'])(
  '«%s» cannot begin a key',
  (prefix) => {
    expect(() => createKeyTexts(prefix)).toThrow('cannot begin a key')
  },
)
