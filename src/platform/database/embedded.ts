import { spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { readSecrets, syncFolder } from '../data-folder.ts'
import { openBoundedFile } from '../log/bounded-file.ts'
import { type Binaries, findBinaries } from './cluster-binaries.ts'
import { findPlace, type Place } from './cluster-place.ts'
import { ClusterRefused } from './cluster-refused.ts'
import { nameCluster, socketFolderPrefix, stopLeftOver, stopProcess } from './postmaster.ts'
import { runAs, spawnOptions } from './run-as.ts'

/** A running PostgreSQL of our own, reached through a Unix socket alone. */
export interface Cluster {
  /** As the server says it, such as `18.4`. */
  readonly version: string
  readonly binFolder: string
  /** Connection parameters for `pg`; `host` is the folder of the socket. Add a `database`. */
  readonly superuser: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: string
  }
  /** Resolves with the reason, should the server end without `stop`. */
  readonly lost: Promise<string>
  /** A fast shutdown; an immediate one after 10 s. May be called again. Throws `ClusterRefused` when neither works. */
  stop(): Promise<void>
}

export interface ClusterOptions {
  /** A data folder that this process has locked. Made with mode 0700 where it is missing. */
  readonly folder: string
  /** Where `initdb` and `postgres` are, such as /usr/lib/postgresql/15/bin; without it those of npm's package. */
  readonly binFolder?: string
  /** Gets news for whoever watches the start, one line at a time. */
  readonly log: (line: string) => void
  /** Settings of the server, over our own. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The port only names the socket: the server does not listen on the network. */
const port = 5432
const superuserName = 'postgres'
/** Crash recovery reads at most some checkpoints' worth of log; more than this is a fault. */
const startSeconds = 120

/**
 * Starts the database of a data folder; makes it first where there is none, and stops what a killed Holdfast left
 * running. Throws `ClusterRefused` or `DataFolderRefused`.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, log, settings = {} } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const place = await findPlace(folder, log)
  const binaries = await findBinaries(place.user, options.binFolder, log)
  await stopLeftOver(place.data, log)
  const password = (await readSecrets(folder)).superuser
  if (!existsSync(place.data)) await initialise(place, binaries, password, settings.fsync === 'off')
  refuseOtherMajor(place, binaries)
  const sockets = makeSocketFolder(place)
  const superuser = { host: sockets, port, user: superuserName, password }
  const server = launch(place, binaries, path.join(folder, 'postgres.log'), {
    ...ownSettings(place, sockets),
    ...settings,
  })
  const version = await waitUntilReady(server, superuser)
  return { version, binFolder: binaries.folder, superuser, lost: server.lost, stop: server.stop }
}

/**
 * No network; passwords as scram; a log without parameters, statements and details, all of which carry the rows and
 * secrets of tenants.
 */
function ownSettings(place: Place, sockets: string): Record<string, string> {
  return {
    cluster_name: nameCluster(place.data),
    listen_addresses: '',
    port: String(port),
    unix_socket_directories: sockets,
    unix_socket_permissions: '0700',
    // Two products with up to 35 connections each, and a prover or two that attack through pools of their own.
    max_connections: '150',
    shared_buffers: '64MB',
    password_encryption: 'scram-sha-256',
    track_activities: 'on',
    timezone: 'UTC',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %q%u@%d ',
    log_statement: 'none',
    log_min_duration_statement: '-1',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
  }
}

/** Made under another name and renamed when complete, so that a kill in between leaves nothing half-made. */
async function initialise(place: Place, binaries: Binaries, password: string, unsafe: boolean): Promise<void> {
  const unfinished = `${place.data}.new`
  const passwordFile = path.join(place.folder, 'superuser.password')
  rmSync(unfinished, { recursive: true, force: true })
  rmSync(passwordFile, { force: true })
  writeFileSync(passwordFile, password, { mode: 0o600, flag: 'wx' })
  try {
    giveToUser(passwordFile, place)
    const ran = await runAs(place.user, path.join(binaries.folder, 'initdb'), [
      `--pgdata=${unfinished}`,
      `--username=${superuserName}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--data-checksums',
      '--no-instructions',
      ...(unsafe ? ['--no-sync'] : []),
    ])
    if (ran.status !== 0)
      throw new ClusterRefused(
        `the database could not be made in ${place.data}:\n${lastLines(ran.output)}`,
        'See the lines above; a full disk is the usual cause.',
      )
  } finally {
    rmSync(passwordFile)
  }
  renameSync(unfinished, place.data)
  syncFolder(place.folder)
}

function refuseOtherMajor(place: Place, binaries: Binaries): void {
  const major = Number(readFileSync(path.join(place.data, 'PG_VERSION'), 'utf8'))
  if (major === binaries.major) return
  throw new ClusterRefused(
    `the data in ${place.data} were written by PostgreSQL ${major}, and this is PostgreSQL ${binaries.major}`,
    `Start with PostgreSQL ${major}, dump, and restore into a new data folder.`,
  )
}

/** The path of a Unix socket holds at most 107 bytes, on macOS 103. */
function makeSocketFolder(place: Place): string {
  const near = path.join(place.folder, 'socket')
  const name = `.s.PGSQL.${port}`
  if (Buffer.byteLength(path.join(near, name)) <= 103) {
    mkdirSync(near, { recursive: true, mode: 0o700 })
    chmodSync(near, 0o700)
    giveToUser(near, place)
    // A killed server leaves these behind, and the next one refuses to start over them while the old number is taken, be it
    // by a zombie. Nobody uses them: the folder is locked, and what was left of the old server has been stopped.
    for (const left of [name, `${name}.lock`]) rmSync(path.join(near, left), { force: true })
    return near
  }
  const parent = Buffer.byteLength(path.join(tmpdir(), `${socketFolderPrefix}XXXXXX`, name)) <= 103 ? tmpdir() : '/tmp'
  const far = mkdtempSync(path.join(parent, socketFolderPrefix))
  giveToUser(far, place)
  return far
}

function giveToUser(file: string, place: Place): void {
  if (place.user) chownSync(file, place.user.uid >>> 0, place.user.gid >>> 0)
}

interface Server {
  readonly lost: Promise<string>
  /** The last lines that the server logged. */
  lastWords(): string
  /** Set once the process is gone: the signal or status that it ended with. */
  ended(): string | undefined
  /** Resolves when it is gone and its last words are read. */
  readonly gone: Promise<void>
  stop(): Promise<void>
}

/**
 * In a process group of its own: Ctrl-C in a terminal reaches us alone, and we stop it in order. Its log comes through
 * a pipe, because only so is its size bounded: PostgreSQL's own collector rotates, but never deletes.
 */
function launch(place: Place, binaries: Binaries, logFile: string, settings: Record<string, string>): Server {
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(path.join(binaries.folder, 'postgres'), ['-D', place.data, ...args], {
    ...spawnOptions(place.user),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const file = openBoundedFile(logFile)
  let words = ''
  let end: string | undefined
  let stopping: Promise<void> | undefined
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => {
      file.write(text)
      words = (words + text.toString('utf8')).slice(-4000)
    })
  // Not `SIGQUIT`: even a process that ends in an error has time for a shutdown in order, for PostgreSQL has it alone.
  const stopAtExit = () => child.kill('SIGINT')
  process.once('exit', stopAtExit)
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end ??= error.message
      resolve()
    })
    child.once('exit', (code, signal) => {
      end ??= signal ?? `status ${code}`
      // Its last words may still be in the pipe, which busy children of a killed server hold open.
      const limit = setTimeout(resolve, 500)
      child.once('close', () => {
        clearTimeout(limit)
        resolve()
      })
    })
  }).then(() => {
    process.off('exit', stopAtExit)
    child.stdout.destroy()
    child.stderr.destroy()
    file.close()
    if (settings.unix_socket_directories?.includes(socketFolderPrefix))
      rmSync(settings.unix_socket_directories, { recursive: true, force: true })
  })
  return {
    lost: new Promise((resolve) => {
      gone.then(() => stopping ?? resolve(`PostgreSQL ended by itself (${end}):\n${lastLines(words)}`))
    }),
    lastWords: () => lastLines(words),
    ended: () => end,
    gone,
    stop() {
      stopping ??= end === undefined ? stopProcess(child.pid!, (signal) => child.kill(signal)).then(() => gone) : gone
      return stopping
    },
  }
}

/** Ready is what has answered a query. */
async function waitUntilReady(server: Server, superuser: Cluster['superuser']): Promise<string> {
  const deadline = performance.now() + startSeconds * 1000
  for (;;) {
    if (server.ended() !== undefined) {
      await server.gone
      throw new ClusterRefused(
        `PostgreSQL did not start (${server.ended()}):\n${server.lastWords()}`,
        'See the lines above, and postgres.log in the data folder.',
      )
    }
    try {
      return await askVersion(superuser)
    } catch (error) {
      const waits = startingUp.has((error as { code?: string }).code ?? '')
      if (waits && performance.now() < deadline) {
        await sleep(20)
        continue
      }
      await server.stop()
      throw new ClusterRefused(
        `PostgreSQL runs, but does not let us in: ${(error as Error).message}\n${server.lastWords()}`,
        'If secrets.json was lost or replaced, restore the one that belongs to these data.',
        error,
      )
    }
  }
}

/** No socket yet, nobody at it yet, hung up on us, and `cannot_connect_now`. */
const startingUp = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P03'])

async function askVersion(superuser: Cluster['superuser']): Promise<string> {
  const client = new pg.Client({ ...superuser, database: 'postgres', connectionTimeoutMillis: 10_000 })
  // An error after the connection was made also ends the query, which reports it.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]!.server_version
  } finally {
    await client.end()
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-12).join('\n')
}
