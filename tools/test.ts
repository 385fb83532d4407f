// npm test [-- arguments of Vitest]. Its last line is the sum over all runners.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { environment } from '../src/platform/config/env.ts'
import { findChromium } from './chromium.ts'
import { addCounts, type Counts, countVitest, formatCounts, isGood, none, oneFailed } from './counts.ts'

const root = path.resolve(import.meta.dirname, '..')

/** Each gets the arguments of the command line and what is to be added to the environment. */
const runners: readonly ((args: readonly string[], env: Readonly<Record<string, string>>) => Promise<Counts>)[] = [
  runVitest,
]

const chromium = await findChromium().catch((error: Error) => {
  console.error(`holdfast: error: ${error.message}`)
  return undefined
})
let counts = chromium === undefined ? oneFailed : none
for (const run of runners)
  counts = addCounts(counts, await run(process.argv.slice(2), chromium ? { HOLDFAST_CHROMIUM: chromium } : {}))
console.log(formatCounts(counts))
process.exitCode = isGood(counts) ? 0 : 1

async function runVitest(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Counts> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hf-report-'))
  const report = path.join(folder, 'report.json')
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  try {
    const status = await runNode(['--conditions=holdfast-source', vitest, 'run', ...reporters, ...args], env)
    return countVitest(JSON.parse(readFileSync(report, 'utf8')), status)
  } catch (error) {
    console.error(`holdfast: error: Vitest left no report: ${(error as Error).message}`)
    return oneFailed
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Null when a signal ended it. */
function runNode(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env: { ...environment(), ...env }, stdio: 'inherit' })
    child.on('error', reject)
    child.on('exit', resolve)
  })
}
