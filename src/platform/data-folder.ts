import { generateKeyPairSync, randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'

/** The data folder, or a file of secrets in it, is not fit for use. `remedy` says what to do about it. */
export class DataFolderRefused extends Error {
  readonly remedy: string

  constructor(found: string, remedy: string, cause?: unknown) {
    super(found, cause === undefined ? {} : { cause })
    this.name = 'DataFolderRefused'
    this.remedy = remedy
  }
}

/** A folder that this process alone uses until `release` or its end, however it ends. */
export interface DataFolder {
  /** Absolute, symbolic links resolved. */
  readonly path: string
  release(): void
}

/**
 * Creates the folder with mode 0700 where it is missing, and locks it. Throws `DataFolderRefused` when others may look
 * into it, when it belongs to somebody else, or when another process uses it.
 */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const absolute = path.resolve(folder)
  createFolder(absolute)
  const resolved = realpathSync(absolute)
  refuseUnlessPrivate(resolved, 0o700)
  const lock = lockFolder(resolved)
  return { path: resolved, release: () => lock.close() }
}

function createFolder(absolute: string): void {
  try {
    mkdirSync(path.dirname(absolute), { recursive: true })
    mkdirSync(absolute, { mode: 0o700 })
    // The umask may have taken rights that we need ourselves.
    chmodSync(absolute, 0o700)
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST' && existsSync(absolute)) return
    throw new DataFolderRefused(
      `the data folder ${absolute} cannot be created: ${(cause as Error).message}`,
      'Let HOLDFAST_DATA_DIR name a folder that this user may create.',
      cause,
    )
  }
}

function refuseUnlessPrivate(file: string, mode: 0o700 | 0o600): void {
  const found = statSync(file)
  if ((mode === 0o700) !== found.isDirectory())
    throw new DataFolderRefused(
      `${file} is ${found.isDirectory() ? 'a folder' : 'not a folder'}`,
      'Move it away, or let HOLDFAST_DATA_DIR name another folder.',
    )
  const user = process.geteuid?.()
  if (user !== undefined && found.uid !== user)
    throw new DataFolderRefused(
      `${file} belongs to user ${found.uid}, and this process runs as user ${user}`,
      `Run as its owner, or give it to this user: chown -R ${user} '${file}'`,
    )
  if ((found.mode & 0o077) !== 0)
    throw new DataFolderRefused(
      `${file} is open to other users (mode ${(found.mode & 0o7777).toString(8).padStart(4, '0')})`,
      `chmod ${mode.toString(8)} '${file}'`,
    )
}

/**
 * The lock is SQLite's exclusive lock on an empty file: a lock of the kernel, which ends with the process that holds it,
 * kill -9 included. So nothing has to be judged stale, and two starters cannot both take over. Node has no other way
 * to such a lock. The file beside it only serves the message.
 */
function lockFolder(folder: string): DatabaseSync {
  const holder = path.join(folder, 'lock.holder')
  closeSync(openSync(path.join(folder, 'lock'), 'a', 0o600))
  const lock = new DatabaseSync(path.join(folder, 'lock'))
  try {
    lock.exec('begin exclusive')
  } catch (cause) {
    lock.close()
    if ((cause as { errcode?: number }).errcode !== 5 /* SQLITE_BUSY */) throw cause
    throw new DataFolderRefused(
      `another Holdfast${describeHolder(holder)} uses the folder ${folder}`,
      'Stop it first, or let HOLDFAST_DATA_DIR name another folder.',
      cause,
    )
  }
  writeAtomically(holder, `${process.pid}\n`)
  return lock
}

/** Between taking the lock and writing its number, a holder is nameless; the number of a dead one says nothing. */
function describeHolder(file: string): string {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    process.kill(pid, 0)
    return `, process ${pid},`
  } catch (error) {
    return codeOf(error) === 'EPERM' ? `, process ${readFileSync(file, 'utf8').trim()},` : ''
  }
}

/** The login roles of the database whose passwords are made here. */
export const loginRoles = ['migrator', 'app', 'identity', 'worker', 'auditor', 'prover'] as const
export type LoginRole = (typeof loginRoles)[number]

/** What nobody but this installation may know. Never logged, never in `Config`. */
export interface Secrets {
  /** The password of the superuser of the embedded database. */
  readonly superuser: string
  readonly passwords: Readonly<Record<LoginRole, string>>
  /** An Ed25519 private key, PKCS8 as PEM: signs session cookies. */
  readonly sessionKey: string
  /** The keys that did so until a day ago, the last first: what they signed is still good. */
  readonly previousSessionKeys: readonly string[]
  /** 32 bytes, mixed into every password before it is hashed. */
  readonly pepper: Uint8Array
  /** 32 bytes: what is sealed with it is read by nobody who has the database alone. */
  readonly sealingKey: Uint8Array
}

const password = z.string().min(32)
const sessionKey = z.string().startsWith('-----BEGIN PRIVATE KEY-----')
const kept = z.strictObject({
  superuser: password.optional(),
  passwords: z.partialRecord(z.enum(loginRoles), password).optional(),
  sessionKey: sessionKey.optional(),
  previousSessionKeys: z.array(z.strictObject({ key: sessionKey, replacedAt: z.iso.datetime() })).optional(),
  pepper: z
    .string()
    .regex(/^[\w-]{43}$/)
    .optional(),
  sealingKey: z
    .string()
    .regex(/^[\w-]{43}$/)
    .optional(),
})

/**
 * Reads `secrets.json` of an existing data folder; what is missing in it is made at random and written. Throws
 * `DataFolderRefused` when the file is open to others or damaged: a secret in use is never replaced silently.
 */
export async function readSecrets(folder: string): Promise<Secrets> {
  // Without an await in between, so that two calls in one process cannot each make secrets of their own.
  const file = path.join(folder, 'secrets.json')
  const found = readKept(file)
  const passwords = Object.fromEntries(loginRoles.map((role) => [role, found.passwords?.[role] ?? newPassword()]))
  const complete = {
    superuser: found.superuser ?? newPassword(),
    passwords: passwords as Record<LoginRole, string>,
    sessionKey: found.sessionKey ?? newSessionKey(),
    ...(found.previousSessionKeys && { previousSessionKeys: found.previousSessionKeys }),
    pepper: found.pepper ?? randomBytes(32).toString('base64url'),
    sealingKey: found.sealingKey ?? randomBytes(32).toString('base64url'),
  }
  const text = `${JSON.stringify(complete, null, 2)}\n`
  if (text !== `${JSON.stringify(found, null, 2)}\n`) writeAtomically(file, text)
  return {
    ...complete,
    previousSessionKeys: stillGood(found.previousSessionKeys, new Date()).map(({ key }) => key),
    pepper: Buffer.from(complete.pepper, 'base64url'),
    sealingKey: Buffer.from(complete.sealingKey, 'base64url'),
  }
}

/**
 * Puts a new key in the place of the one that signs session cookies, from the next start on. The old one verifies for another
 * day: by then every session in use holds a cookie that the new one signed. Throws as `readSecrets` does.
 */
export async function replaceSessionKey(folder: string, now: Date): Promise<void> {
  const secrets = await readSecrets(folder)
  const file = path.join(folder, 'secrets.json')
  const found = readKept(file)
  const replaced = { key: secrets.sessionKey, replacedAt: now.toISOString() }
  const previousSessionKeys = [replaced, ...stillGood(found.previousSessionKeys, now)]
  writeAtomically(file, `${JSON.stringify({ ...found, sessionKey: newSessionKey(), previousSessionKeys }, null, 2)}\n`)
}

/** A session that nobody used for a day is over. An hour more, for a clock that was put right. */
const goodHours = 25

function stillGood<Key extends { readonly replacedAt: string }>(keys: readonly Key[] = [], now: Date): readonly Key[] {
  return keys.filter(({ replacedAt }) => Date.parse(replacedAt) + goodHours * 3_600_000 > now.getTime())
}

/** The pepper of a data folder that has one. Writes nothing; throws as `readSecrets` does. */
export function keptPepper(folder: string): Uint8Array | undefined {
  const { pepper } = readKept(path.join(folder, 'secrets.json'))
  return pepper === undefined ? undefined : Buffer.from(pepper, 'base64url')
}

function readKept(file: string): z.output<typeof kept> {
  let text: string
  try {
    refuseUnlessPrivate(file, 0o600)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {}
    throw error
  }
  try {
    return kept.parse(JSON.parse(text))
  } catch {
    // The cause is left out: the message of a JSON error quotes what it read.
    throw new DataFolderRefused(`${file} is damaged`, 'Restore it from a backup; without it the data cannot be opened.')
  }
}

function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

function newSessionKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** After this the file holds the old content or the new one, whatever happens. Mode 0600. */
export function writeAtomically(file: string, content: string | Uint8Array): void {
  const written = `${file}.new`
  // One that a killed process left behind may have other rights.
  rmSync(written, { force: true })
  const descriptor = openSync(written, 'wx', 0o600)
  try {
    writeFileSync(descriptor, content)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(written, file)
  syncFolder(path.dirname(file))
}

/** Makes renames in a folder last. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
