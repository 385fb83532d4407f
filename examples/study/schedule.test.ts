import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Grade, grades, longestIntervalDays, type Memory, schedule, unseen } from './schedule.ts'

const reviewed = (...given: Grade[]): Memory => given.reduce(schedule, unseen)
const history = fc.array(fc.constantFrom(...grades), { maxLength: 60 })

test('the published example: good, good, good gives 1, 6 and 15 days', () => {
  expect(reviewed('good')).toEqual({ repetitions: 1, easePercent: 250, intervalDays: 1 })
  expect(reviewed('good', 'good')).toEqual({ repetitions: 2, easePercent: 250, intervalDays: 6 })
  expect(reviewed('good', 'good', 'good')).toEqual({ repetitions: 3, easePercent: 250, intervalDays: 15 })
})

test('the E-factor moves by +0.10, 0 and -0.14, and never below 1.30', () => {
  expect(reviewed('easy').easePercent).toBe(260)
  expect(reviewed('good').easePercent).toBe(250)
  expect(reviewed('hard').easePercent).toBe(236)
  fc.assert(fc.property(history, (given) => reviewed(...given).easePercent >= 130))
})

test('a lapse begins again today, with the E-factor unchanged', () => {
  fc.assert(
    fc.property(history, (given) => {
      const before = reviewed(...given)
      expect(schedule(before, 'again')).toEqual({ ...before, repetitions: 0, intervalDays: 0 })
    }),
  )
})

test('whoever remembers waits longer than the last time, until the longest interval', () => {
  fc.assert(
    fc.property(history, fc.constantFrom<Grade>('hard', 'good', 'easy'), (given, grade) => {
      const before = reviewed(...given)
      const after = schedule(before, grade)
      if (before.intervalDays === longestIntervalDays) expect(after.intervalDays).toBe(longestIntervalDays)
      else expect(after.intervalDays).toBeGreaterThan(before.intervalDays)
    }),
  )
})

test('an easier answer never brings a card back sooner', () => {
  fc.assert(
    fc.property(history, (given) => {
      const days = grades.map((grade) => schedule(reviewed(...given), grade).intervalDays)
      expect(days).toEqual(days.toSorted((one, other) => one - other))
    }),
  )
})

test('every number stays a whole one, so that the database can keep it', () => {
  fc.assert(
    fc.property(history, (given) => {
      for (const value of Object.values(reviewed(...given))) expect(Number.isSafeInteger(value)).toBe(true)
    }),
  )
})
