import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const pinned = path.join(import.meta.dirname, 'peers')
export const peersFolder = path.join(import.meta.dirname, '.peers')

/**
 * Installs what bench/peers pins into bench/.peers, without install scripts, unless it is there already. Returns why it
 * could not, or undefined.
 */
export async function installPeers(told: (line: string) => void): Promise<string | undefined> {
  if (isInstalled()) return undefined
  told('peers: installing better-auth into bench/.peers')
  mkdirSync(peersFolder, { recursive: true })
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(path.join(pinned, file), path.join(peersFolder, file))
  const failure = await run('npm', ['ci', '--prefix', peersFolder, '--ignore-scripts', '--no-audit', '--no-fund'])
  return failure ?? (isInstalled() ? undefined : 'npm ended without an error, but the package is not there')
}

/** The version that is pinned. */
export function pinnedVersion(name: string): string {
  const { dependencies } = JSON.parse(readFileSync(path.join(pinned, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return dependencies[name]!
}

function isInstalled(): boolean {
  const manifest = path.join(peersFolder, 'node_modules/better-auth/package.json')
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === pinnedVersion('better-auth')
}

function run(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: peersFolder, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000)
    })
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code) => resolve(code === 0 ? undefined : said.trim() || `npm ended with ${code}`))
  })
}
