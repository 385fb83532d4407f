import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Finding } from '../kernel/finding.ts'
import type { ProverJob } from '../proving/prover.ts'
import type { FromProver, ToProver } from '../proving/prover-process.ts'

export interface ProverEvents {
  progress(progress: { product: string; done: number; of: number; finding: Finding }): void
  failed(failure: { product: string; message: string }): void
}

export interface RunningProver {
  readonly processId: number
  /** Attacks these claims again, soon; all of them when none is named. */
  again(product: string, only: readonly string[]): void
  stop(): Promise<void>
}

/** The prover in a process of its own. Nothing of the server's environment reaches it but what is sent here. */
export function startProver(jobs: readonly ProverJob[], events: ProverEvents): RunningProver {
  const child = launch(events)
  child.send({ kind: 'watch', jobs } satisfies ToProver)
  let stopping = false
  child.on('exit', (code, signal) => {
    if (!stopping)
      events.failed({ product: '', message: `the prover ended (${signal ?? code}): findings will become stale` })
  })
  return {
    processId: child.pid ?? 0,
    again: (product, only) => {
      if (child.connected) child.send({ kind: 'again', product, only } satisfies ToProver)
    },
    stop: async () => {
      stopping = true
      await ended(child)
    },
  }
}

/** One round, and the end of it. */
export async function proveOnce(
  jobs: readonly ProverJob[],
  only: readonly string[],
  events: ProverEvents,
): Promise<void> {
  const child = launch(events)
  child.send({ kind: 'once', jobs, only } satisfies ToProver)
  await new Promise<void>((resolve, reject) => {
    child.on('message', (message: FromProver) => {
      if (message.kind === 'over') resolve()
    })
    child.on('exit', (code, signal) => reject(new Error(`the prover ended early (${signal ?? code})`)))
  })
  await ended(child)
}

function launch(events: ProverEvents): ChildProcess {
  // Built, both end in .js.
  const script = `../proving/prover-process${path.extname(import.meta.filename)}`
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), [], {
    env: {},
    execArgv: process.execArgv,
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.on('message', (message: FromProver) => {
    if (message.kind === 'progress') events.progress(message)
    if (message.kind === 'failed') events.failed(message)
  })
  return child
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill('SIGKILL'), 3000)
    child.once('exit', () => {
      clearTimeout(force)
      resolve()
    })
    child.kill('SIGTERM')
    if (child.connected) child.disconnect()
  })
}
