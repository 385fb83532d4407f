import { readFileSync } from 'node:fs'

/** What a process has used, as Linux counts it. Undefined elsewhere, and for a process that is gone. */
export interface Usage {
  /** Milliseconds of CPU, user and system, since it began. */
  readonly cpu: number
  readonly rssMegabytes: number
}

const ticksPerSecond = 100

export function usageOf(processId: number): Usage | undefined {
  const stat = fields(processId)
  const status = read(processId, 'status')
  const rss = status === undefined ? undefined : /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
  if (stat === undefined || rss === undefined) return undefined
  return { cpu: ((Number(stat[11]) + Number(stat[12])) * 1000) / ticksPerSecond, rssMegabytes: Number(rss) / 1024 }
}

/** Milliseconds of CPU that the whole machine has spent since it began, on anything but waiting. */
export function cpuOfMachine(): number | undefined {
  const line = readFile('/proc/stat')?.split('\n', 1)[0]
  if (line === undefined) return undefined
  const [user, nice, system, , , irq, softirq] = line.trim().split(/\s+/).slice(1).map(Number)
  return ((user! + nice! + system! + irq! + softirq!) * 1000) / ticksPerSecond
}

/** Milliseconds of CPU of all that `parent` has started and that still runs. */
export function cpuOfChildren(parent: number): number | undefined {
  const children = read(parent, `task/${parent}/children`)
  return children
    ?.trim()
    .split(' ')
    .reduce((sum, child) => sum + (usageOf(Number(child))?.cpu ?? 0), 0)
}

export function parentOf(processId: number): number | undefined {
  const parent = fields(processId)?.[1]
  return parent === undefined ? undefined : Number(parent)
}

/** The fields of /proc/<pid>/stat after the name, which may hold blanks: state, parent, … */
function fields(processId: number): string[] | undefined {
  const stat = read(processId, 'stat')
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function read(processId: number, file: string): string | undefined {
  return readFile(`/proc/${processId}/${file}`)
}

function readFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
