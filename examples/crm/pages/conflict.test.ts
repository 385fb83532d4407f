import { expect, test } from 'vitest'
import { choose, differences } from './conflict.ts'

const opened = { name: 'Ada', phone: '1', note: '', email: 'a@example.org' }
const mine = { name: 'Ada', phone: '2', note: 'mine', email: 'b@example.org' }
const theirs = { name: 'Ada Lovelace', phone: '1', note: 'theirs', email: 'b@example.org' }

test('a field that one side changed keeps that change; one that both changed is mine until I choose', () => {
  const found = differences(opened, mine, theirs)
  expect(found.map(({ field, likelier }) => [field, likelier])).toEqual([
    ['name', 'theirs'],
    ['phone', 'mine'],
    ['note', 'mine'],
  ])
  expect(choose(mine, found, {})).toEqual({ name: 'Ada Lovelace', phone: '2', note: 'mine', email: 'b@example.org' })
  expect(choose(mine, found, { note: 'theirs', name: 'mine' })).toEqual({ ...mine, note: 'theirs' })
})

test('the same change on both sides is no difference', () => {
  expect(differences(opened, theirs, theirs)).toEqual([])
})
