import { describe, expect, test } from 'vitest'
import { type Status, statuses } from '../kernel/finding.ts'
import type { Day } from './status.ts'
import { statusMeanings, statusShapes, statusWords } from './status-shape.ts'
import { daysInWords, drawStand, drawStrip } from './strip.ts'
import { ago, counted, dayInWords, instantInWords, lasting } from './wording.ts'

const strip = (...all: Day['status'][]): Day[] =>
  all.map((status, index) => ({ date: new Date(Date.UTC(2026, 10, index + 1)).toISOString().slice(0, 10), status }))

describe('a strip', () => {
  test('says in words what it draws', () => {
    expect(daysInWords(strip('none', 'none'))).toBe('Not looked at in 2 days.')
    expect(daysInWords(strip('none', 'holds', 'holds'))).toBe('Looked at on 2 of 3 days, red on none.')
    expect(daysInWords(strip('broken', 'holds', 'broken', 'broken', 'inconclusive', 'accepted'))).toBe(
      'Looked at on 6 of 6 days, red on 3 (1 Nov 2026; 3 Nov 2026 to 4 Nov 2026), red and accepted on 1, could not tell on 1.',
    )
  })

  test('draws each status in a form of its own', () => {
    const form = (status: Status | 'none') => / d="([^"]+)"/.exec(String(drawStrip('x', strip(status))))?.[1]
    for (const status of ['broken', 'accepted', 'inconclusive', 'not-applicable', 'none'] as const)
      expect(form(status)).not.toBe(form('holds'))
    expect(form('broken')).not.toBe(form('accepted'))
  })

  test('draws every day once', () => {
    const drawn = String(drawStrip('x', strip(...Array<Status>(89).fill('holds'), 'broken')))
    expect(drawn.match(/<path class="day holds" d="([^"]+)"/)?.[1]?.split('M').length).toBe(90)
    expect(drawn).toContain('viewBox="0 0 360 22"')
  })
})

test('the stand has a blade for each day that was looked at, and red apart', () => {
  const day = (seen: number, held: number, status: Status | 'none') => ({ date: '2026-11-20', seen, held, status })
  const drawn = String(drawStand([day(0, 0, 'none'), day(4, 4, 'holds'), day(4, 3, 'broken')]))
  expect(drawn.match(/class="blades" d="(M[^"]+)"/)?.[1]?.split('M')).toHaveLength(2)
  expect(drawn).toMatch(/class="red" d="M[^"]+"/)
  expect(drawn).toContain('Looked at on 2 days; something was broken on 1 day, drawn in red with a knot at the tip.')
  expect(String(drawStand([day(1, 1, 'holds')]))).toContain('nothing was broken.')
})

test('every status has a word, a meaning and a shape that no other has', () => {
  const looks = [...statuses, 'stand-in'] as const
  for (const list of [statusWords, statusMeanings, statusShapes]) {
    expect(Object.keys(list).toSorted()).toEqual([...looks].toSorted())
    expect(new Set(Object.values(list).map((one) => JSON.stringify(one))).size).toBe(looks.length)
  }
})

test('times are told in words', () => {
  const now = new Date('2026-11-20T12:00:00Z')
  const after = (milliseconds: number) => ago(new Date(now.getTime() - milliseconds), now)
  expect([-5000, 0, 9_999].map(after)).toEqual(['just now', 'just now', 'just now'])
  expect([10_000, 59_999, 60_000, 3_599_999].map(after)).toEqual(['10 s ago', '59 s ago', '1 min ago', '59 min ago'])
  expect([3_600_000, 47.9 * 3_600_000, 48 * 3_600_000].map(after)).toEqual(['1 h ago', '47 h ago', '2 days ago'])
  expect(lasting(0)).toBe('0 s')
  expect(dayInWords('2026-03-01')).toBe('1 Mar 2026')
  expect(instantInWords(new Date('2026-11-20T23:30:00-05:00'))).toBe('21 Nov 2026, 04:30 UTC')
  expect([counted(1, 'day'), counted(1204, 'day')]).toEqual(['1 day', '1,204 days'])
})
