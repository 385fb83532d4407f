import { expect, it } from 'vitest'
import { createConsoleMessages } from './messages.ts'
import { createMessages } from './text.ts'

const say = createMessages({
  title: 'Boats',
  greeting: 'Hello {name}, {name}!',
  count: { one: '{count} boat at {place}', other: '{count} boats at {place}' },
})

it('says a text, with its values', () => {
  expect(say('title')).toBe('Boats')
  expect(say('greeting', { name: 'Mara' })).toBe('Hello Mara, Mara!')
})

it('chooses the form by the number, and groups its digits', () => {
  expect(say('count', { count: 1, place: 'C' })).toBe('1 boat at C')
  expect(say('count', { count: 0, place: 'C' })).toBe('0 boats at C')
  expect(say('count', { count: 12_345, place: 'C' })).toBe('12,345 boats at C')
})

it('takes a value for text, whatever is in it', () => {
  expect(say('greeting', { name: '{count} $& $1' })).toBe('Hello {count} $& $1, {count} $& $1!')
})

it('refuses a wrong key and missing values when it is compiled', () => {
  // @ts-expect-error no such key
  expect(() => say('titel')).toThrow()
  // @ts-expect-error the name is wanted
  expect(say('greeting')).toBe('Hello {name}, {name}!')
  // @ts-expect-error there is nothing to fill in
  expect(say('title', { name: 'x' })).toBe('Boats')
})

it('lets an app say it in other words', () => {
  const other = createConsoleMessages({ 'organisations.title': 'Your workspaces' })
  expect(other('organisations.title')).toBe('Your workspaces')
  expect(other('members.title')).toBe('Members')
})
