import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { openDataFolder } from '../src/platform/data-folder.ts'
import { discardCluster } from '../src/platform/database/cluster-place.ts'
import { type Cluster, startCluster } from '../src/platform/database/embedded.ts'
import { type Child, startChild } from './child.ts'
import type { LoadJob, LoadResult } from './load-process.ts'
import { cpuOfMachine, parentOf } from './processes.ts'

export type Load = Child<LoadJob, LoadResult>

/** Where a benchmark runs: a temporary folder with a database of its own, and a client. */
export interface Place {
  /** Its name is short: the path of a Unix socket must not be long. */
  readonly folder: string
  readonly cluster: Cluster
  /** The process whose children do the database's work; undefined where the system does not tell. */
  readonly postmaster: number | undefined
  /** Of the database's roles. */
  readonly passwords: Readonly<Record<string, string>>
  /** PKCS #8 PEM. */
  readonly sessionKey: string
  readonly load: Load
  /** What was begun in it, and ends before it does. */
  onClose(end: () => unknown): void
  close(): Promise<void>
}

/** `binFolder`: of another `postgres` than the embedded one. Nothing of it is left when this rejects, or after `close`. */
export async function openPlace(options: {
  readonly say: (news: string) => void
  readonly binFolder?: string
}): Promise<Place> {
  const { say, binFolder } = options
  const folder = mkdtempSync(path.join(tmpdir(), 'hf-bench-'))
  const endings: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
  const close = async () => {
    for (const signal of signals) process.off(signal, abandon)
    for (const end of endings.splice(0).reverse()) await end()
  }
  // Else the database would run on, without a folder to live in.
  const abandon = () => {
    close().then(
      () => process.exit(1),
      (error) => {
        console.error(`bench: error: ${(error as Error).stack}`)
        process.exit(1)
      },
    )
  }
  for (const signal of signals) process.once(signal, abandon)
  try {
    const data = await openDataFolder(path.join(folder, 'data'))
    endings.push(() => data.release())
    say('database: starting')
    endings.push(() => discardCluster(data.path, say))
    const cluster = await startCluster({
      folder: data.path,
      log: say,
      // All contestants hold their connections at once, also those who are not asked.
      settings: { max_connections: '120' },
      ...(binFolder === undefined ? {} : { binFolder }),
    })
    endings.push(() => cluster.stop())
    const load: Load = startChild('load-process.ts')
    endings.push(() => load.stop())
    return {
      folder,
      cluster,
      postmaster: await postmasterOf(cluster),
      passwords: Object.fromEntries(
        ['migrator', 'app', 'identity', 'worker', 'auditor', 'prover', 'peer'].map((role) => [
          role,
          randomBytes(18).toString('hex'),
        ]),
      ),
      sessionKey: generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      load,
      onClose: (end) => endings.push(end),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** One that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function postmasterOf(cluster: Cluster): Promise<number | undefined> {
  if (cpuOfMachine() === undefined) return undefined
  const client = new pg.Client({ ...cluster.superuser, database: 'postgres' })
  await client.connect()
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    return parentOf(rows[0]!.pid)
  } finally {
    await client.end()
  }
}
