import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { alone } from './alone.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'hf-alone-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('lets one in at a time, and gives the place back when one fails', async () => {
  const file = path.join(folder, 'one')
  let inside = 0
  const work = async (fails: boolean) => {
    expect(++inside).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    inside--
    if (fails) throw new Error('failed')
    return 'done'
  }
  const ended = await Promise.allSettled([false, true, false, false].map((fails) => alone(file, () => work(fails))))
  expect(ended.map((one) => one.status).sort()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  expect(existsSync(`${file}.lock`)).toBe(false)
})

it('takes over from a process that is gone, and waits no longer than it may for one that lives', async () => {
  const file = path.join(folder, 'two')
  writeFileSync(`${file}.lock`, '999999999')
  expect(await alone(file, async () => 'in')).toBe('in')
  writeFileSync(`${file}.lock`, String(process.pid))
  await expect(alone(file, async () => 'in', 0.3)).rejects.toThrow('another prover')
})
