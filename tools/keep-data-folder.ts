// Keeps a small data folder of this version in test/kept/<version>.tar.gz: every later version must start on it. Run once for
// each tagged version: `node bin/node24.mjs tools/keep-data-folder.ts`. It starts the real command, lets the demo's people
// come in, stops it, makes the database small by PostgreSQL's own means, and packs it.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { environment } from '../src/platform/config/env.ts'
import { openDataFolder } from '../src/platform/data-folder.ts'
import { discardCluster } from '../src/platform/database/cluster-place.ts'
import { startCluster } from '../src/platform/database/embedded.ts'
import { version } from '../src/server/version.ts'

const root = path.resolve(import.meta.dirname, '..')

/** `npm start` on a data folder of its own. */
export interface RunningHoldfast {
  /** Of the landing page; the products listen on the two ports after it. */
  readonly port: number
  /** Resolves when it has printed that. Rejects, with its last words, if it ends or the time is over. */
  printed(words: RegExp, seconds: number): Promise<void>
  /** Ends it as Ctrl-C does. Rejects when it does not end well. */
  stop(): Promise<void>
}

/** Starts the real command on `folder`, on the embedded database, and resolves when it says that it is ready. */
export async function startHoldfast(folder: string): Promise<RunningHoldfast> {
  const port = await findPorts(3)
  const { DATABASE_URL: _, SMTP_URL: __, ...env } = environment()
  const cli = path.join(root, 'src/server/cli.ts')
  const child = spawn(process.execPath, ['--conditions=holdfast-source', cli, 'start'], {
    cwd: root,
    env: { ...env, HOLDFAST_DATA_DIR: folder, HOST: '127.0.0.1', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  let ended: string | undefined
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (status, signal) => resolve(signal ?? `status ${status}`))
  }).then((how) => {
    ended = how
    return how
  })
  const running: RunningHoldfast = {
    port,
    async printed(words, seconds) {
      const deadline = performance.now() + seconds * 1000
      while (!words.test(said)) {
        if (ended !== undefined) throw new Error(`it ended (${ended}) before it said ${words}:\n${said}`)
        if (performance.now() > deadline) throw new Error(`it did not say ${words} within ${seconds} s:\n${said}`)
        await sleep(50)
      }
    },
    async stop() {
      child.kill('SIGINT')
      const how = await gone
      if (how !== 'status 0') throw new Error(`it ended with ${how}:\n${said}`)
    },
  }
  try {
    await running.printed(/Holdfast is ready/, 120)
    return running
  } catch (error) {
    child.kill('SIGINT')
    await gone
    throw error
  }
}

/** Unpacks a kept folder as `folder`, which must not exist; it belongs to the caller. */
export function unpackKept(archive: string, into: string): string {
  tar(['-x', '-z', '-p', '--no-same-owner', '-f', archive, '-C', into])
  return path.join(into, 'data')
}

async function keep(target: string): Promise<void> {
  const workshop = mkdtempSync(path.join(tmpdir(), 'hf-keep-'))
  const folder = path.join(workshop, 'data')
  try {
    const running = await startHoldfast(folder)
    // The first round of attacks leaves canaries and findings, which a later version must be able to read, too.
    await running.printed(/study: \d+ of \d+ claims hold/, 180)
    await running.stop()
    await shrink(folder)
    bringTogether(folder)
    const nameless = process.platform === 'darwin' ? ['--uid', '0', '--gid', '0'] : ['--owner=0', '--group=0']
    tar(['-c', '-z', '-f', target, ...nameless, '--numeric-owner', ...leftOut, '-C', workshop, 'data'])
  } finally {
    if (existsSync(folder)) await discardCluster(folder, () => {})
    rmSync(workshop, { recursive: true, force: true })
  }
}

/** What each start makes anew, and what says nothing to a later version. */
const leftOut = [
  'holdfast.log',
  'postgres.log',
  'lock',
  'lock-journal',
  'lock.holder',
  'postgres.location',
  'socket',
].map((name) => `--exclude=data/${name}`)

/** A finished segment of the write-ahead log is filled with noughts, and with these settings old ones are deleted. */
async function shrink(folder: string): Promise<void> {
  const held = await openDataFolder(folder)
  const settings = { wal_recycle: 'off', min_wal_size: '32MB', max_wal_size: '32MB' }
  const cluster = await startCluster({ folder, log: () => {}, settings })
  try {
    for (const database of await namesOfDatabases(cluster.superuser))
      await inDatabase(cluster.superuser, database, ['vacuum full', 'checkpoint'])
    await inDatabase(cluster.superuser, 'postgres', ['select pg_switch_wal()', 'checkpoint', 'checkpoint'])
  } finally {
    await cluster.stop()
    held.release()
  }
}

async function namesOfDatabases(superuser: pg.ClientConfig): Promise<string[]> {
  const client = new pg.Client({ ...superuser, database: 'postgres' })
  await client.connect()
  try {
    const { rows } = await client.query<{ datname: string }>('select datname from pg_database where datallowconn')
    return rows.map(({ datname }) => datname)
  } finally {
    await client.end()
  }
}

async function inDatabase(superuser: pg.ClientConfig, database: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ ...superuser, database })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Where root made the folder, its data live elsewhere: an archive that anybody can start on holds them. */
function bringTogether(folder: string): void {
  const location = path.join(folder, 'postgres.location')
  if (!existsSync(location)) return
  const data = path.join(folder, 'postgres')
  cpSync(path.join(readFileSync(location, 'utf8').trim(), 'postgres'), data, {
    recursive: true,
    verbatimSymlinks: true,
  })
  // Copying forgets it, and PostgreSQL insists.
  chmodSync(data, 0o700)
}

function tar(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('tar', args, { encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(`tar: ${stderr.trim()}`)
}

/** The first of `count` free ports in a row, on loopback. Free now: somebody else may still take one. */
async function findPorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 30_000)
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)))
    if (free.every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports in a row were found`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

if (import.meta.main) {
  const target = path.join(root, 'test', 'kept', `${await version()}.tar.gz`)
  await keep(target)
  console.log(`${path.relative(root, target)}: ${(statSync(target).size / 1e6).toFixed(1)} MB`)
}
