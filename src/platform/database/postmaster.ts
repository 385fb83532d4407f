import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClusterRefused } from './cluster-refused.ts'

/** Seconds that a server gets for each way of being stopped. */
const patienceSeconds = 10

/** Folders of ours for a socket, where the data folder's own path is too long for one. */
export const socketFolderPrefix = 'hf-socket-'

/** The name that marks all processes of the server on `data` in the list of processes: see `cluster_name`. */
export function nameCluster(data: string): string {
  return `holdfast-${createHash('sha256').update(data).digest('hex').slice(0, 16)}`
}

/**
 * Stops the server that still runs on `data`: one whose Holdfast was killed. The caller holds the lock of the data
 * folder, so nobody else uses that server. Throws `ClusterRefused` when it does not stop.
 */
export async function stopLeftOver(data: string, log: (line: string) => void): Promise<void> {
  const file = path.join(data, 'postmaster.pid')
  const written = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  const pid = Number(written[0])
  if (pid > 0 && processesOn(data).includes(pid)) {
    log(`stopping the database that a killed Holdfast left running (process ${pid})`)
    await stopProcess(pid, (signal) => sendTo(pid, signal))
  }
  await endOrphans(data)
  if (pid > 0 && isTaken(pid)) forgetNumber(pid, file)
  removeSocketFolder(written[4])
}

/** A program that got the number of a dead server, or its zombie, would keep PostgreSQL from starting. */
function forgetNumber(pid: number, file: string): void {
  const command = listProcesses().find((running) => running.pid === pid)?.command ?? ''
  if (command.includes('postgres'))
    throw new ClusterRefused(
      `process ${pid}, which looks like a PostgreSQL, seems to use ${path.dirname(file)}`,
      `Stop it (kill -INT ${pid}), and start again. If it has nothing to do with these data, delete ${file} first.`,
    )
  rmSync(file, { force: true })
}

/** Asks for a fast shutdown, then for an immediate one. Resolves when the process is gone. */
export async function stopProcess(pid: number, send: (signal: NodeJS.Signals) => void): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    send(signal)
    if (await isTrueWithin(patienceSeconds, () => !isRunning(pid))) return
  }
  throw new ClusterRefused(`PostgreSQL (process ${pid}) does not stop`, `kill -9 ${pid}, and start again.`)
}

/** Its children outlive a killed server for a moment, in the middle of a statement for longer, and hold its memory. */
async function endOrphans(data: string): Promise<void> {
  for (const [signal, seconds] of [
    [undefined, 1],
    ['SIGQUIT', 3],
    ['SIGKILL', 3],
  ] as const) {
    for (const pid of signal ? processesOn(data) : []) sendTo(pid, signal)
    if (await isTrueWithin(seconds, () => processesOn(data).length === 0)) return
  }
  throw new ClusterRefused(`processes ${processesOn(data).join(', ')} still use ${data}`, 'Stop them, and start again.')
}

/** It may have ended since it was looked at. */
function sendTo(pid: number, signal: NodeJS.Signals | undefined): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function isTrueWithin(seconds: number, check: () => boolean): Promise<boolean> {
  const end = performance.now() + seconds * 1000
  while (!check()) {
    if (performance.now() > end) return false
    await sleep(20)
  }
  return true
}

/**
 * The server and its children. They are known by their command lines: where they run as another user, even root may not
 * see their folders and programs (in a container without the capability SYS_PTRACE).
 */
function processesOn(data: string): number[] {
  const title = `postgres: ${nameCluster(data)}: `
  const server = `/postgres -D ${data} --`
  return listProcesses()
    .filter(({ command }) => command.startsWith(title) || (command.startsWith('/') && command.includes(server)))
    .map(({ pid }) => pid)
}

function listProcesses(): { pid: number; command: string }[] {
  if (process.platform !== 'linux')
    return execFileSync('/bin/ps', ['-axo', 'pid=,command='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => ({ pid: Number.parseInt(line, 10), command: line.replace(/^\s*\d+\s+/, '') }))
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), command: readCommand(name) }))
}

/** Empty for a process that has ended, and for a zombie. */
function readCommand(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** A process that has ended and that nobody has asked about yet, a zombie, is not running. */
function isRunning(pid: number): boolean {
  return isTaken(pid) && !(process.platform === 'linux' && readCommand(String(pid)) === '')
}

/** Whether PostgreSQL would take the number for a process that lives. */
function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function removeSocketFolder(folder: string | undefined): void {
  if (folder === undefined || !path.basename(folder).startsWith(socketFolderPrefix)) return
  if ([tmpdir(), '/tmp'].includes(path.dirname(folder))) rmSync(folder, { recursive: true, force: true })
}
