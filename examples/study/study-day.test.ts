import fc from 'fast-check'
import { expect, test } from 'vitest'
import { studyDay } from './study-day.ts'

const now = new Date('2026-03-04T20:00:00Z')
const hour = 3_600_000

test('a day ends at the midnight of whoever asks, and began a day before', () => {
  expect(studyDay('2026-03-04T23:00:00Z', now)).toEqual({
    from: '2026-03-03T23:00:00.000Z',
    until: '2026-03-04T23:00:00.000Z',
  })
})

test('without a midnight the day ends now', () => {
  expect(studyDay(undefined, now)).toEqual({ from: '2026-03-03T20:00:00.000Z', until: '2026-03-04T20:00:00.000Z' })
})

test('whatever midnight is claimed, a card that comes back in a day is not due today', () => {
  const instant = fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })
  fc.assert(
    fc.property(instant, (dayEnds) => {
      const { from, until } = studyDay(dayEnds.toISOString(), now)
      expect(Date.parse(until)).toBeGreaterThanOrEqual(now.getTime())
      expect(Date.parse(until)).toBeLessThan(now.getTime() + 24 * hour)
      expect(Date.parse(from)).toBeLessThanOrEqual(now.getTime())
      expect(Date.parse(from)).toBeGreaterThanOrEqual(now.getTime() - 24 * hour)
    }),
  )
})
