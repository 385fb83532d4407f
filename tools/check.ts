// npm run check: everything that can be found without running the program. Its last line is the sum of the steps.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { environment } from '../src/platform/config/env.ts'
import { addCounts, formatCounts, isGood, none } from './counts.ts'

const root = path.resolve(import.meta.dirname, '..')

interface Step {
  readonly name: string
  readonly run: () => Promise<Result>
}

interface Result {
  readonly status: 'passed' | 'failed' | 'skipped'
  /** Shown unless it passed: what was found, or why it was skipped. */
  readonly output: string
}

const steps: readonly Step[] = [
  { name: 'types', run: () => runProgram('node_modules/.bin/tsc', ['--noEmit']) },
  { name: 'lint and format', run: () => runProgram('node_modules/.bin/biome', ['check', '--error-on-warnings', '.']) },
  { name: 'docs/errors.md', run: () => runTool('tools/errors.ts') },
  { name: 'docs/promises.md', run: () => runTool('tools/promises.ts') },
  { name: 'manifest of rights', run: () => runTool('tools/dump-grants.ts') },
  { name: 'schema.sql', run: () => runTool('tools/dump-schema.ts') },
]

let counts = none
for (const { name, run } of steps) {
  const began = performance.now()
  const { status, output } = await run().catch((error: Error): Result => ({ status: 'failed', output: error.message }))
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`${status.padEnd(7)} ${name} (${seconds} s)`)
  if (status !== 'passed') console.log(output.trim())
  counts = addCounts(counts, { ...none, [status]: 1 })
}
console.log(formatCounts(counts))
process.exitCode = isGood(counts) ? 0 : 1

/** One that writes a document: passed when what is on disk is what it would write. */
function runTool(file: string): Promise<Result> {
  return runProgram(process.execPath, ['--conditions=holdfast-source', file, '--check'])
}

/** Passed when it ends with 0. */
function runProgram(program: string, args: readonly string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(path.resolve(root, program), args, {
      cwd: root,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status: status === 0 ? 'passed' : 'failed', output }))
  })
}
