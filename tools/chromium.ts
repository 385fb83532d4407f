// Finds a Chromium for the browser tests, and installs one where there is none. Says on stderr what it does.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { environment } from '../src/platform/config/env.ts'

/**
 * The path of a Chromium that starts: HOLDFAST_CHROMIUM, else one on the PATH or in macOS's usual place, else one that
 * was installed here earlier, else one that is installed now. Throws, with a remedy, where nothing helps.
 */
export async function findChromium(): Promise<string> {
  const env = environment()
  if (env.HOLDFAST_CHROMIUM !== undefined) return refuseUnlessStarts(env.HOLDFAST_CHROMIUM)
  const found = findInstalled(env.PATH ?? '') ?? (await installWithApt(env.PATH ?? '')) ?? (await installWithNpm())
  if (found !== undefined) return found
  throw new Error(
    `there is no Chromium here, and none for ${process.platform} on ${process.arch} that could be installed. ` +
      'Install Chromium or Google Chrome, or let HOLDFAST_CHROMIUM name one.',
  )
}

/** How Playwright launches it; left to itself, Playwright always turns the sandbox off. */
export async function findLaunchOptions(): Promise<{
  executablePath: string
  args: string[]
  chromiumSandbox: boolean
}> {
  const args = listChromiumFlags()
  return { executablePath: await findChromium(), args, chromiumSandbox: !args.includes('--no-sandbox') }
}

/** The flags to launch it with. Nothing in the background, no network of its own, the same rendering everywhere. */
export function listChromiumFlags(): string[] {
  return [
    '--headless=new',
    ...(canSandbox() ? [] : ['--no-sandbox']),
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // A container's /dev/shm has 64 MB; a page that needs more would crash.
    '--disable-dev-shm-usage',
  ]
}

/** Not as root, and on Linux only where an ordinary user may make user namespaces. The tests open our own pages alone. */
function canSandbox(): boolean {
  if (process.geteuid?.() === 0) return false
  return process.platform !== 'linux' || spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0
}

function findInstalled(searchPath: string): string | undefined {
  const onPath = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].flatMap((name) =>
    searchPath
      .split(path.delimiter)
      .filter((folder) => path.isAbsolute(folder))
      .map((folder) => path.join(folder, name)),
  )
  const onMac = ['Google Chrome', 'Chromium'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`)
  return [...onPath, ...(process.platform === 'darwin' ? onMac : []), ownInstall].find(starts)
}

/** Some are only stubs that tell how to install the real one. */
function starts(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
  } catch {
    return false
  }
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 20_000 })
  return /\b(Chromium|Google Chrome|HeadlessChrome) \d+/.test(stdout)
}

function refuseUnlessStarts(file: string): string {
  if (starts(file)) return file
  throw new Error(
    `HOLDFAST_CHROMIUM names ${file}, which is no Chromium that starts here. Correct it, or do not set it.`,
  )
}

async function installWithApt(searchPath: string): Promise<string | undefined> {
  if (process.geteuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined
  say('installing Chromium with apt-get')
  const install = ['install', '-y', '--no-install-recommends', 'chromium']
  const isDone =
    (await run('/usr/bin/apt-get', install)) ||
    ((await run('/usr/bin/apt-get', ['update'])) && (await run('/usr/bin/apt-get', install)))
  if (!isDone) say('apt-get could not install it')
  return isDone ? findInstalled(`/usr/bin:${searchPath}`) : undefined
}

const cache = path.resolve(import.meta.dirname, '../node_modules/.cache/holdfast-chromium')
const version = '153.0.0'
/** Of the compressed program in the package: a registry cannot give us another one under the same number. */
const digest = '38e1e1649db20fa4ea644bf5987688ce81a4c9eb10e7eae8380b74fc0d699fea'
const ownInstall = path.join(cache, version, 'chromium.sh')

/** The package @sparticuz/chromium carries the program, its libraries and a font; there is one for Linux on x64 only. */
async function installWithNpm(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  say(`installing Chromium from npm (@sparticuz/chromium ${version}, 72 MB) into ${cache}`)
  const workshop = path.join(cache, `unfinished-${process.pid}`)
  const unpacked = path.join(workshop, 'unpacked')
  mkdirSync(unpacked, { recursive: true })
  try {
    writeFileSync(path.join(workshop, 'package.json'), '{"private":true,"type":"module"}')
    const wanted = `@sparticuz/chromium@${version}`
    const quiet = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    if (!(await run('npm', ['install', '--prefix', workshop, ...quiet, wanted])))
      throw new Error(`npm could not install ${wanted}. Install Chromium, or let HOLDFAST_CHROMIUM name one.`)
    refuseOtherProgram(path.join(workshop, 'node_modules/@sparticuz/chromium/bin/chromium.br'))
    await unpack(workshop, unpacked)
    rmSync(path.join(cache, version), { recursive: true, force: true })
    renameSync(unpacked, path.join(cache, version))
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
  if (starts(ownInstall)) return ownInstall
  throw new Error(
    `${ownInstall} was installed, but does not start. Install Chromium, or let HOLDFAST_CHROMIUM name one.`,
  )
}

function refuseOtherProgram(file: string): void {
  const found = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (found !== digest) throw new Error(`@sparticuz/chromium ${version} has another content than expected: ${found}`)
}

/**
 * The package unpacks into the folder for temporary files, under names that anybody could have taken; so it gets a
 * folder of its own. Told that it is on Amazon's system, it unpacks the libraries that a small system lacks.
 */
async function unpack(workshop: string, folder: string): Promise<void> {
  const script = "import('@sparticuz/chromium').then((module) => module.default.executablePath())"
  const env = { PATH: '/usr/bin:/bin', TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }
  if (!(await run(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], { cwd: workshop, env })))
    throw new Error('@sparticuz/chromium could not be unpacked')
  const lines = [
    '#!/bin/sh',
    'here=$(dirname "$0")',
    'export LD_LIBRARY_PATH="$here/al2023/lib" FONTCONFIG_PATH="$here/fonts"',
    'exec "$here/chromium" "$@"',
  ]
  writeFileSync(path.join(folder, 'chromium.sh'), `${lines.join('\n')}\n`, { mode: 0o755 })
}

/** True when it ended well. What it prints goes to stderr: stdout is for answers. */
function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...options,
      env: options.env ?? { ...environment(), DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 2, 2],
    })
    child.on('error', (error) => {
      say(`${program}: ${error.message}`)
      resolve(false)
    })
    child.on('exit', (status) => resolve(status === 0))
  })
}

function say(line: string): void {
  console.error(`holdfast: ${line}`)
}
