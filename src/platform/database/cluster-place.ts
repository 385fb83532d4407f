import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { writeAtomically } from '../data-folder.ts'
import { ClusterRefused } from './cluster-refused.ts'
import { stopLeftOver } from './postmaster.ts'
import { type DatabaseUser, findDatabaseUser } from './run-as.ts'

/** Where the data of a data folder live, and who they belong to. */
export interface Place {
  readonly folder: string
  /** Not there yet before the first start. */
  readonly data: string
  /** Present only where we are root. */
  readonly user?: DatabaseUser
}

/** Where root keeps the data of all data folders of this machine. */
export const placesFolder = '/var/lib/holdfast'

/**
 * The place of the data folder `folder`, which exists; made when it is new. Throws `ClusterRefused`.
 *
 * For an ordinary user that is the folder itself. For root it is always a folder below /var/lib/holdfast: the data
 * folder has mode 0700, so the database's own user could reach data in it only by owning the folder, and an owner can
 * put files and links of its choice in the place of those that root reads and writes there. `postgres.location` in the
 * data folder names the place, and follows the folder when it is moved.
 */
export async function findPlace(folder: string, log: (line: string) => void): Promise<Place> {
  const resolved = realpathSync(folder)
  if (process.geteuid?.() === 0) return findPlaceOfRoot(resolved, log)
  const location = readLocation(resolved)
  if (location !== undefined)
    throw new ClusterRefused(
      `the data of ${resolved} were made by root and live in ${location}`,
      'Run as root, or let HOLDFAST_DATA_DIR name another folder.',
    )
  return { folder: resolved, data: path.join(resolved, 'postgres') }
}

async function findPlaceOfRoot(folder: string, log: (line: string) => void): Promise<Place> {
  const user = findDatabaseUser()
  if (!user)
    throw new ClusterRefused(
      'PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody',
      'Run as an ordinary user, create a user postgres, or use DATABASE_URL.',
    )
  preparePlaces()
  const location = readLocation(folder)
  const place = location ?? nameOfPlace(folder)
  const data = path.join(place, 'postgres')
  if (location === undefined) await setAside(place, log)
  else refuseUnlessOurs(place, folder)
  makePlace(place, folder, user)
  if (location === undefined) log(`running as root: the database runs as ${user.name}, and its data live in ${place}`)
  await adopt(path.join(folder, 'postgres'), data, log)
  if (existsSync(data) && statSync(data).uid !== user.uid >>> 0) giveTo(data, user)
  return { folder: place, data, user }
}

/** Everybody may pass, nobody may look around. */
export function preparePlaces(): void {
  mkdirSync(placesFolder, { recursive: true, mode: 0o711 })
  const found = statSync(placesFolder)
  if (found.uid !== 0 || (found.mode & 0o022) !== 0)
    throw new ClusterRefused(
      `${placesFolder} can be changed by others than root`,
      `chown root ${placesFolder} && chmod 711 ${placesFolder}`,
    )
}

function nameOfPlace(folder: string): string {
  return path.join(placesFolder, createHash('sha256').update(folder).digest('hex').slice(0, 16))
}

function readLocation(folder: string): string | undefined {
  const file = path.join(folder, 'postgres.location')
  if (!existsSync(file)) return undefined
  const location = readFileSync(file, 'utf8').trim()
  if (path.dirname(location) === placesFolder && /^[0-9a-f]{16}$/.test(path.basename(location))) return location
  throw new ClusterRefused(`${file} names no folder in ${placesFolder}: ${JSON.stringify(location)}`, 'Restore it.')
}

/** A new data folder stands where another was deleted: its data are no longer wanted here, but not ours to delete. */
async function setAside(place: string, log: (line: string) => void): Promise<void> {
  const data = path.join(place, 'postgres')
  if (!existsSync(data)) return
  await stopLeftOver(data, log)
  const aside = `${place}.left-${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`
  renameSync(place, aside)
  log(`the data of a deleted data folder were set aside: ${aside} (delete it when nobody misses them)`)
}

function refuseUnlessOurs(place: string, folder: string): void {
  if (!existsSync(place))
    throw new ClusterRefused(
      `the data of ${folder} should be in ${place}, which is gone`,
      `Restore it, or delete ${path.join(folder, 'postgres.location')} to begin with an empty database.`,
    )
  const origin = readFileSync(`${place}.origin`, 'utf8').trim()
  if (origin !== folder && existsSync(origin) && readLocation(origin) === place)
    throw new ClusterRefused(
      `${folder} is a copy of ${origin}, and the copy does not contain the database, which lives in ${place}`,
      `Delete ${path.join(folder, 'postgres.location')} to begin with an empty database there.`,
    )
}

function makePlace(place: string, folder: string, user: DatabaseUser): void {
  mkdirSync(place, { recursive: true, mode: 0o700 })
  chownSync(place, user.uid >>> 0, user.gid >>> 0)
  writeAtomically(`${place}.origin`, `${folder}\n`)
  writeAtomically(path.join(folder, 'postgres.location'), `${place}\n`)
}

/** Data that an ordinary user wrote in the data folder, now that root starts on it. Can be repeated after a crash. */
async function adopt(written: string, data: string, log: (line: string) => void): Promise<void> {
  if (!existsSync(path.join(written, 'PG_VERSION')) || existsSync(data)) return
  await stopLeftOver(written, log)
  log(`moving the database from ${written} to ${data}`)
  try {
    renameSync(written, data)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    rmSync(`${data}.new`, { recursive: true, force: true })
    cpSync(written, `${data}.new`, { recursive: true, verbatimSymlinks: true })
    // Copying forgets it, and PostgreSQL insists.
    chmodSync(`${data}.new`, 0o700)
    renameSync(`${data}.new`, data)
    rmSync(written, { recursive: true })
  }
}

/** The folder itself last: it is what tells whether all is done. */
function giveTo(file: string, user: DatabaseUser): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    for (const entry of readdirSync(file, { withFileTypes: true })) {
      const inner = path.join(file, entry.name)
      if (entry.isDirectory()) giveTo(inner, user)
      else lchownSync(inner, user.uid >>> 0, user.gid >>> 0)
    }
  lchownSync(file, user.uid >>> 0, user.gid >>> 0)
}

/** Deletes the data of a data folder, wherever they live. The folder itself and its secrets stay. */
export async function discardCluster(folder: string, log: (line: string) => void): Promise<void> {
  const resolved = realpathSync(folder)
  const location = readLocation(resolved)
  for (const data of [path.join(resolved, 'postgres'), location && path.join(location, 'postgres')]) {
    if (data === undefined || !existsSync(data)) continue
    await stopLeftOver(data, log)
    rmSync(data, { recursive: true })
  }
  for (const rest of [location, location && `${location}.origin`, path.join(resolved, 'postgres.location')])
    if (rest !== undefined) rmSync(rest, { recursive: true, force: true })
}
