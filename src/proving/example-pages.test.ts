import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { PromiseId } from '../kernel/promises.ts'
import { draftBecause, parsePage, sentencesOf } from './page-source.ts'
import { type PageLetter, promises, sectionNumber } from './promises.ts'

const pages: readonly [string, PageLetter, number][] = [
  ['crm', 'G', 11],
  ['study', 'C', 9],
]

describe.each(pages)('the security page of %s, in the order of page %s', (product, letter, count) => {
  const markdown = readFileSync(new URL(`../../examples/${product}/security.md`, import.meta.url), 'utf8')
  const source = parsePage(markdown, {})
  const bound = new Map<number, Set<PromiseId>>(
    source.sections.map((section) => [
      section.number ?? 0,
      new Set(sentencesOf(section).flatMap((sentence) => sentence.bindings.map((binding) => binding.promise))),
    ]),
  )

  test(`has its ${count} sections, numbered`, () => {
    expect(source.sections.map((section) => section.number)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    )
  })

  test('binds every row that was asked for, in the section that asked for it', () => {
    const missing = (Object.keys(promises) as PromiseId[]).flatMap((id) =>
      promises[id].asked
        .filter((place) => place[0] === letter)
        .filter((place) => {
          const sections = place.length === 1 ? [...bound.keys()] : [sectionNumber(place)]
          return !sections.some((number) => bound.get(number)?.has(id))
        })
        .map((place) => `${place} ${id}`),
    )
    expect(missing).toEqual([])
  })

  test('promises what nobody asked for as well', () => {
    const all = [...bound.values()].flatMap((ids) => [...ids])
    for (const id of ['I2', 'I4', 'E4', 'S2', 'U1'] as const) expect(all).toContain(id)
  })

  test('leaves no sentence without a binding', () => {
    expect(source.sections.flatMap(sentencesOf).filter((sentence) => sentence.bindings.length === 0)).toEqual([])
  })

  test('is a draft: nobody has reviewed it', () => {
    expect(draftBecause(source, new Date())).toBe('Nobody has reviewed these words yet.')
  })
})
