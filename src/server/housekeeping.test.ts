import { expect, test } from 'vitest'
import type { Login } from '../platform/database/login.ts'
import { startHousekeeping } from './housekeeping.ts'

test('a sweep that fails keeps no other from being swept, and is told once, not every five seconds', async () => {
  const asked: string[] = []
  const told: unknown[] = []
  const worker = {
    query: async ({ text }: { text: string }) => {
      asked.push(text)
      if (text.includes('sweep_passes')) throw new Error('took too long')
      return []
    },
  } as unknown as Login
  const running = startHousekeeping({ worker, log: (error) => told.push(error) })
  await expect.poll(() => asked.some((text) => text.includes('run_recoveries'))).toBe(true)
  await running.stop()
  expect(asked.filter((text) => text.includes('sweep_')).length).toBe(9)
  expect(told).toEqual([new Error('took too long')])
})
