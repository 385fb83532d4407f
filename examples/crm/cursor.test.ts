import fc from 'fast-check'
import { expect, test } from 'vitest'
import { listQuery, pageOf, pageSize, readCursor, writeCursor } from './cursor.ts'

const id = '01890000-0000-7000-8000-000000000001'
const contacts = listQuery('contacts')
const cursor = writeCursor('contacts', 'ada', { rest: true, sortName: 'ada lovelace', id })

test('a place is found again in its own list and search', () => {
  expect(readCursor('contacts', 'ada', cursor)).toEqual({ rest: true, sortName: 'ada lovelace', id })
  expect(contacts.parse({ q: 'ada', cursor })).toEqual({ q: 'ada', cursor })
})

test('a place of another list or another search is refused by name', () => {
  for (const refused of [
    listQuery('companies').safeParse({ q: 'ada', cursor }),
    contacts.safeParse({ q: 'grace', cursor }),
    contacts.safeParse({ cursor }),
  ]) {
    expect(refused.success).toBe(false)
    expect(refused.error?.issues[0]?.path).toEqual(['cursor'])
  }
})

test('what is not a cursor of ours is refused, whatever it is', () => {
  const encoded = fc.anything().map((value) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url'))
  const almost = fc
    .record({ list: fc.constant('contacts'), q: fc.constant(''), after: fc.anything() })
    .map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'))
  fc.assert(
    fc.property(fc.oneof(fc.string(), encoded, almost), (text) => readCursor('contacts', '', text) === undefined),
  )
  const nul = Buffer.from(JSON.stringify({ list: 'contacts', q: '', after: [false, 'a\0', id] })).toString('base64url')
  expect(readCursor('contacts', '', nul)).toBeUndefined()
})

test('the last page has no next one', () => {
  const rows = Array.from({ length: pageSize + 1 }, (_, index) => ({ rest: false, sortName: `n${index}`, id }))
  expect(pageOf('contacts', '', rows.slice(1)).next).toBeNull()
  const { rows: shown, next } = pageOf('contacts', '', rows)
  expect(shown).toHaveLength(pageSize)
  expect(readCursor('contacts', '', next!)).toEqual(shown.at(-1))
})
