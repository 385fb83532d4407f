import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Running, Setup } from '../isolation/contestant.ts'
import type { Dataset, DatasetOptions } from '../isolation/dataset.ts'
import { peersFolder } from '../peers.ts'

const root = path.join(import.meta.dirname, '../..')
const folder = path.join(peersFolder, 'before')

/** The code of an older commit, with its own copy of the benchmark's dataset and contestant, and today's dependencies. */
export interface Before {
  /** What the commit is called. */
  readonly commit: string
  makeDataset(options: DatasetOptions): Promise<Dataset>
  start(setup: Setup): Promise<Running<'before'>>
  remove(): void
}

/**
 * Unpacks `commit` into bench/.peers/before. Not by `git worktree`: a run that is killed must leave nothing behind that git knows of.
 * Returns why it could not: without git, or without that commit, as in a published package.
 */
export async function unpackBefore(commit: string): Promise<Before | string> {
  if (!/^[\w./~^-]+$/.test(commit) || commit.startsWith('-')) return `«${commit}» is no commit`
  if (!existsSync(path.join(root, '.git'))) return 'this is no checkout of the repository, so there is no older commit'
  const named = await run('git', ['log', '-1', '--format=%h %s', commit, '--'])
  if ('failure' in named) return `git does not give the commit ${commit}: ${named.failure}`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const unpacked = await run('sh', ['-c', 'git archive --format=tar "$1" | tar -x -C "$2"', 'sh', commit, folder])
  if ('failure' in unpacked) {
    remove()
    return `the commit ${commit} could not be unpacked: ${unpacked.failure}`
  }
  // Nearer than what is installed for the peers.
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  try {
    const { makeDataset } = await load<{ makeDataset: Before['makeDataset'] }>('dataset.ts')
    const { startContestant } = await load<{ startContestant(setup: Setup): Promise<Running> }>('contestant.ts')
    return {
      commit: named.said.trim(),
      makeDataset,
      start: async (setup) => ({ ...(await startContestant({ ...setup, name: 'protected' })), name: 'before' }),
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

function load<T>(file: string): Promise<T> {
  return import(pathToFileURL(path.join(folder, 'bench/isolation', file)).href)
}

function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly said: string } | { readonly failure: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    let complained = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complained = (complained + text).slice(-2000)
    })
    child.on('error', (error) => resolve({ failure: error.message }))
    child.on('close', (code) =>
      resolve(
        code === 0 && complained === '' ? { said } : { failure: complained.trim() || `${program} ended with ${code}` },
      ),
    )
  })
}
