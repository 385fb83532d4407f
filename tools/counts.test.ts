import { expect, test } from 'vitest'
import { addCounts, countVitest, formatCounts, isGood } from './counts.ts'

function file(status: string, ...statuses: string[]) {
  return { name: 'x.test.ts', status, assertionResults: statuses.map((each) => ({ status: each })) }
}

test('passed, failed and skipped tests are counted', () => {
  const report = {
    testResults: [file('passed', 'passed', 'pending', 'skipped', 'todo'), file('failed', 'failed', 'passed', 'odd')],
  }
  expect(countVitest(report, 1)).toEqual({ passed: 2, failed: 2, skipped: 3 })
})

test('a file that could not be loaded, or whose hook threw, is a failure', () => {
  expect(countVitest({ testResults: [file('failed')] }, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  expect(countVitest({ testResults: [file('failed', 'passed')] }, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 })
})

test.each([1, 137, null])('a run that ended with %s is a failure, whatever its report says', (status) => {
  expect(countVitest({ testResults: [file('passed', 'passed')] }, status)).toEqual({ passed: 1, failed: 1, skipped: 0 })
})

test('nothing run is nothing shown', () => {
  expect(isGood({ passed: 0, failed: 0, skipped: 0 })).toBe(false)
  expect(isGood({ passed: 0, failed: 0, skipped: 3 })).toBe(false)
  expect(isGood({ passed: 1, failed: 1, skipped: 0 })).toBe(false)
  expect(isGood({ passed: 1, failed: 0, skipped: 3 })).toBe(true)
})

test('the line', () => {
  const counts = addCounts({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })
  expect(formatCounts(counts)).toBe('11 passed, 22 failed, 33 skipped')
})
