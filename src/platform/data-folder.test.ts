import { spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type DataFolder,
  DataFolderRefused,
  keptPepper,
  loginRoles,
  openDataFolder,
  readSecrets,
  replaceSessionKey,
} from './data-folder.ts'

let parent: string
const open: DataFolder[] = []

beforeEach(() => {
  parent = mkdtempSync(path.join(tmpdir(), 'hf-folder-'))
})

afterEach(() => {
  for (const folder of open.splice(0)) folder.release()
  rmSync(parent, { recursive: true })
})

async function take(folder: string): Promise<DataFolder> {
  const taken = await openDataFolder(folder)
  open.push(taken)
  return taken
}

async function refusal(promise: Promise<unknown>): Promise<DataFolderRefused> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(DataFolderRefused)
  return error
}

const holder = `
  import { openDataFolder } from '${path.join(import.meta.dirname, 'data-folder.ts')}'
  try { await openDataFolder(process.argv[1]); console.log('held'); setInterval(() => {}, 1000) }
  catch (error) { console.log('refused: ' + error.message) }`

/** Another process that takes the folder, and what it says about it. */
async function takeInAnotherProcess(folder: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [said] = await once(child.stdout, 'data')
  return { child, ended, said: String(said).trim() }
}

test('the folder is made with mode 0700, its parents with it', async () => {
  const folder = await take(path.join(parent, 'a', 'b'))
  expect(statSync(folder.path).mode & 0o777).toBe(0o700)
})

test.each(['755', '750', '711', '701', '770'])('a folder with mode 0%s is refused with the remedy', async (digits) => {
  const mode = Number.parseInt(digits, 8)
  const folder = path.join(parent, 'loose')
  mkdirSync(folder)
  chmodSync(folder, mode)
  const refused = await refusal(openDataFolder(folder))
  expect(refused.message).toContain(`(mode 0${digits})`)
  expect(refused.remedy).toBe(`chmod 700 '${folder}'`)
  chmodSync(folder, 0o700)
  await take(folder)
})

test('a file in its place is refused', async () => {
  writeFileSync(path.join(parent, 'file'), '', { mode: 0o600 })
  expect((await refusal(openDataFolder(path.join(parent, 'file')))).message).toContain('is not a folder')
  await refusal(openDataFolder(path.join(parent, 'file', 'below')))
})

test('a second one in the same process is refused, until the first lets go', async () => {
  const folder = path.join(parent, 'data')
  const first = await take(folder)
  expect((await refusal(openDataFolder(folder))).message).toBe(
    `another Holdfast, process ${process.pid}, uses the folder ${folder}`,
  )
  first.release()
  open.length = 0
  await take(folder)
})

test('a second process is refused by name, and the lock of a killed one is free at once', async () => {
  const folder = path.join(parent, 'data')
  const first = await takeInAnotherProcess(folder)
  expect(first.said).toBe('held')
  expect((await refusal(openDataFolder(folder))).message).toContain(`another Holdfast, process ${first.child.pid},`)
  first.child.kill('SIGKILL')
  await first.ended
  await take(folder)
})

test('of five processes that race for a folder whose holder was killed, exactly one gets it', async () => {
  const folder = path.join(parent, 'data')
  const first = await takeInAnotherProcess(folder)
  first.child.kill('SIGKILL')
  await first.ended
  const racers = await Promise.all(Array.from({ length: 5 }, () => takeInAnotherProcess(folder)))
  for (const racer of racers) racer.child.kill('SIGKILL')
  await Promise.all(racers.map((racer) => racer.ended))
  expect(racers.filter((racer) => racer.said === 'held')).toHaveLength(1)
  expect(racers.filter((racer) => racer.said.startsWith('refused: another Holdfast'))).toHaveLength(4)
})

test('secrets are made once, and are the same when read again', async () => {
  const [secrets, together] = await Promise.all([readSecrets(parent), readSecrets(parent)])
  expect(together).toEqual(secrets)
  expect(await readSecrets(parent)).toEqual(secrets)
  expect(statSync(path.join(parent, 'secrets.json')).mode & 0o777).toBe(0o600)
  expect(readdirSync(parent)).toEqual(['secrets.json'])
  expect(Object.keys(secrets.passwords).sort()).toEqual([...loginRoles].sort())
  expect(new Set([secrets.superuser, ...Object.values(secrets.passwords)]).size).toBe(loginRoles.length + 1)
  expect(createPrivateKey(secrets.sessionKey).asymmetricKeyType).toBe('ed25519')
  expect(secrets.pepper).toHaveLength(32)
})

test('a new session key takes the place of the old, which is good for a day more', async () => {
  const { previousSessionKeys: none, ...before } = await readSecrets(parent)
  expect(none).toEqual([])
  await replaceSessionKey(parent, new Date())
  const after = await readSecrets(parent)
  expect(after).toEqual({ ...before, sessionKey: expect.any(String), previousSessionKeys: [before.sessionKey] })
  expect(after.sessionKey).not.toBe(before.sessionKey)
  expect(createPrivateKey(after.sessionKey).asymmetricKeyType).toBe('ed25519')
  expect(statSync(path.join(parent, 'secrets.json')).mode & 0o777).toBe(0o600)

  await replaceSessionKey(parent, new Date(Date.now() - 26 * 3_600_000))
  const later = await readSecrets(parent)
  // The last one was replaced too long ago by now; the one before it, just so, is still there.
  expect(later.previousSessionKeys).toEqual([before.sessionKey])
  await replaceSessionKey(parent, new Date())
  expect((await readSecrets(parent)).previousSessionKeys).toEqual([later.sessionKey, before.sessionKey])
})

test('the pepper is read alone, and none is made', async () => {
  expect(keptPepper(parent)).toBeUndefined()
  expect(readdirSync(parent)).toEqual([])
  const { pepper } = await readSecrets(parent)
  expect(keptPepper(parent)).toEqual(pepper)
})

test('what is missing is added, what is there is kept', async () => {
  const before = await readSecrets(parent)
  const file = path.join(parent, 'secrets.json')
  const { pepper: _, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
  delete rest.passwords.prover
  writeFileSync(file, JSON.stringify(rest))
  const after = await readSecrets(parent)
  expect(after.sessionKey).toBe(before.sessionKey)
  expect(after.passwords.app).toBe(before.passwords.app)
  expect(after.passwords.prover).toHaveLength(32)
  expect(after.pepper).not.toEqual(before.pepper)
  expect(await readSecrets(parent)).toEqual(after)
})

test.each(['', '{', '[]', 'null', '{"superuser":"short"}', '{"superuser":12}', '{"unknown":1}', '{"sessionKey":""}'])(
  'damaged secrets (%s) are refused and left alone',
  async (text) => {
    const file = path.join(parent, 'secrets.json')
    writeFileSync(file, text, { mode: 0o600 })
    expect((await refusal(readSecrets(parent))).message).toBe(`${file} is damaged`)
    expect(readFileSync(file, 'utf8')).toBe(text)
  },
)

test('secrets that others may read are refused', async () => {
  await readSecrets(parent)
  const file = path.join(parent, 'secrets.json')
  chmodSync(file, 0o640)
  expect((await refusal(readSecrets(parent))).remedy).toBe(`chmod 600 '${file}'`)
})

test.runIf(process.geteuid?.() === 0)('a folder of somebody else is refused, for root too', async () => {
  const folder = path.join(parent, 'theirs')
  mkdirSync(folder, { mode: 0o700 })
  chownSync(folder, 65534, 65534)
  expect((await refusal(openDataFolder(folder))).message).toContain('belongs to user 65534')
})
