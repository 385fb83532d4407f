import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** The package's folder: above `src`, or above `dist/src`. */
const root = ['../../', '../../../']
  .map((up) => new URL(up, import.meta.url))
  .find((url) => existsSync(new URL('package.json', url)))!

/** The package's version, `0.1.0`. */
export async function version(): Promise<string> {
  return (JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { version: string }).version
}

/** The commit of the running code, with `+changes` where the work tree differs from it; `unknown` outside a checkout. */
export async function readCommit(): Promise<string> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)('git', args, { cwd: root, timeout: 5000 })).stdout.trim()
  try {
    const commit = await git('rev-parse', '--short=12', 'HEAD')
    return (await git('status', '--porcelain', '--untracked-files=no')) === '' ? commit : `${commit}+changes`
  } catch {
    return 'unknown'
  }
}
