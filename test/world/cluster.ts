import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { discardCluster } from '../../src/platform/database/cluster-place.ts'
import { type Cluster, startCluster } from '../../src/platform/database/embedded.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Connection parameters, as superuser, of the one throw-away cluster of this run: `inject('superuser')`. */
    superuser: Cluster['superuser']
  }
}

/** The other version that the tests run on, where Debian's package is installed. */
export const debianBinFolder: string | undefined = ['/usr/lib/postgresql/15/bin'].find((folder) =>
  existsSync(path.join(folder, 'postgres')),
)

/** Vitest's global set-up: one cluster for the whole run. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await discardLeftOvers()
  const { cluster, discard } = await startThrowAwayCluster()
  project.provide('superuser', cluster.superuser)
  return discard
}

/** A cluster that is fast, does not survive a crash, and leaves nothing behind after `discard`. */
export async function startThrowAwayCluster(
  binFolder?: string,
): Promise<{ cluster: Cluster; discard: () => Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}-`))
  const discard = async () => {
    await discardCluster(folder, () => {})
    rmSync(folder, { recursive: true })
  }
  try {
    const cluster = await startCluster({
      folder,
      ...(binFolder !== undefined && { binFolder }),
      log: () => {},
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' },
    })
    return {
      cluster,
      discard: async () => {
        await cluster.stop()
        await discard()
      },
    }
  } catch (error) {
    await discard()
    throw error
  }
}

const prefix = 'hf-test-'

/** A killed run could not clean up. The name of its folders holds the number of its process. */
async function discardLeftOvers(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const folder = path.join(tmpdir(), name)
    const pid = Number(name.slice(prefix.length).split('-')[0])
    const isOurs = statSync(folder, { throwIfNoEntry: false })?.uid === process.geteuid?.()
    if (!isOurs || !(pid > 0) || isAlive(pid)) continue
    const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    for (const each of [folder, ...inner.map((entry) => path.join(folder, entry.name))])
      await discardCluster(each, () => {})
    rmSync(folder, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
