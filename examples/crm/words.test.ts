import fc from 'fast-check'
import { expect, test } from 'vitest'
import { afterPrefix, fold, searchWords, sortNameOf, wordsOf } from './words.ts'

test.each([
  ['  Édith\t PIAF ', 'edith piaf'],
  ['Straße', 'strasse'],
  ['ŁÓDŹ', 'lodz'],
  ['ﬁne ①', 'fine 1'],
  ['a\0b', 'a b'],
])('%j folds to %j', (text, folded) => {
  expect(fold(text)).toBe(folded)
})

test('a contact is found by each word, by its parts, and by what is typed of an address', () => {
  const words = ` ${wordsOf("Séan O'Brien-Walsh", 'sean.ob@example.org')}`
  for (const typed of ['sean', 'O’B', "o'br", 'brien', 'wal', 'SEAN.OB@EX', 'exam', 'org'])
    for (const word of searchWords(typed === 'O’B' ? "o'b" : typed)) expect(words).toContain(` ${word}`)
})

test('a search takes eight words at most, and none that another one implies', () => {
  expect(searchWords('b ccc aa (ccc) cc bb')).toEqual(['ccc', 'aa', 'bb'])
  expect(searchWords('1 2 3 4 5 6 7 8 9 10')).toHaveLength(8)
  expect(searchWords(' -- ! ')).toEqual([])
})

test('whatever the text: words are clean, unique and short, and each begins a search that finds it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const words = wordsOf(text).split(' ').filter(Boolean)
      expect(new Set(words).size).toBe(words.length)
      for (const word of words) {
        expect(word).not.toMatch(/[\s\0]/)
        expect(Array.from(word).length).toBeLessThanOrEqual(60)
        for (const typed of searchWords(word)) expect(words.some((stored) => stored.startsWith(typed))).toBe(true)
      }
    }),
  )
})

test('a sort name is never empty and never too long', () => {
  expect(sortNameOf('…')).toBe('...')
  expect(sortNameOf('\u0301')).toBe('\u0301')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (name) => {
      const length = Array.from(sortNameOf(name)).length
      expect(length).toBeGreaterThan(0)
      expect(length).toBeLessThanOrEqual(200)
    }),
  )
})

test('every text that begins with a word lies before what comes after the prefix, byte by byte', () => {
  const unit = fc.string({ unit: 'binary' }).map((text) => text.toWellFormed().replaceAll('\u{10ffff}', ''))
  fc.assert(
    fc.property(unit, unit, (word, rest) => {
      expect(Buffer.compare(Buffer.from(word + rest), Buffer.from(word))).toBeGreaterThanOrEqual(0)
      expect(Buffer.compare(Buffer.from(word + rest), Buffer.from(afterPrefix(word)))).toBeLessThan(0)
    }),
  )
})
