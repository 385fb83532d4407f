import { open, readFile, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs `work` while no other process runs it with the same file: two provers must not move the same canaries at once. A
 * lock whose process is gone is taken over. Throws when it is not free within `seconds`.
 */
export async function alone<T>(file: string, work: () => Promise<T>, seconds = 60): Promise<T> {
  const lock = `${file}.lock`
  const end = Date.now() + seconds * 1000
  while (!(await take(lock))) {
    if (Date.now() > end) throw new Error('another prover has been at work for too long')
    await sleep(100)
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx', 0o600)
    await file.writeFile(String(process.pid))
    await file.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    await forgetDead(lock)
    return false
  }
}

async function forgetDead(lock: string): Promise<void> {
  // Gone meanwhile, or not written yet: look again.
  const pid = Number(await readFile(lock, 'utf8').catch(() => ''))
  if (pid > 0 && !isAlive(pid)) await rm(lock, { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
