import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import path from 'node:path'

const root = path.join(import.meta.dirname, '../..')

export interface Run {
  readonly child: ChildProcess
  output: string
  readonly ended: Promise<number | null>
}

/** `holdfast …`, as a user runs it: through the launcher, in a process group of its own, with nothing of our environment. */
export function holdfast(args: readonly string[], env: Record<string, string>): Run {
  const child = spawn(process.execPath, ['bin/holdfast.mjs', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...env },
    detached: true,
  })
  const run: Run = { child, output: '', ended: new Promise((resolve) => child.on('close', resolve)) }
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data) => {
      run.output += data
    })
  return run
}

export async function until(
  what: () => boolean | Promise<boolean>,
  seconds: number,
  told: () => string,
): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${told()}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Three free ports in a row. */
export async function freePorts(): Promise<number> {
  for (let port = 20_000 + Math.floor(Math.random() * 20_000); ; port += 3) {
    const free = await Promise.all([0, 1, 2].map((offset) => isFree(port + offset)))
    if (free.every(Boolean)) return port
  }
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A process and all that it started, parents first. */
export function processTree(pid: number): number[] {
  const all = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const found = [pid]
  for (const parent of found) found.push(...all.filter((one) => one[1] === parent).map((one) => one[0]!))
  return found
}

/** Kills what is left of a run, children first. */
export function killTree(run: Run): void {
  for (const pid of processTree(run.child.pid!).reverse())
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
}
