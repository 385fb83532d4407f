// The process in which the prover lives: `start` and `prove` fork it, and send it what it may know over the channel.
import { controls } from '../controls.ts'
import { proving } from './control.ts'
import { type ProverJob, prove, proveForEver } from './prover.ts'

/** What the parent sends. */
export type ToProver =
  | { readonly kind: 'watch'; readonly jobs: readonly ProverJob[] }
  | { readonly kind: 'once'; readonly jobs: readonly ProverJob[]; readonly only: readonly string[] }
  | { readonly kind: 'again'; readonly product: string; readonly only: readonly string[] }

/** What it answers. */
export type FromProver =
  | {
      readonly kind: 'progress'
      readonly product: string
      readonly done: number
      readonly of: number
      readonly finding: import('../kernel/finding.ts').Finding
    }
  | { readonly kind: 'failed'; readonly product: string; readonly message: string }
  | { readonly kind: 'over' }

const all = [...controls, proving]
const asked = new Map<string, readonly string[]>()
const stop = new AbortController()
const say = (message: FromProver) => process.send?.(message, undefined, undefined, endWithoutParent)

process.on('message', (message: ToProver) => {
  if (message.kind === 'again') asked.set(message.product, message.only)
  else
    run(message).then(
      () => say({ kind: 'over' }),
      (error) => {
        say({ kind: 'failed', product: '', message: (error as Error).message })
        say({ kind: 'over' })
      },
    )
})
// When the parent is gone, so is the channel: end, whatever is under way.
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => stop.abort())
process.on('SIGINT', () => {})

/** A parent that is going no longer listens, a moment before the channel says so: nobody is left to tell. */
function endWithoutParent(error: Error | null): void {
  if (error) process.exit(0)
}

async function run(message: Exclude<ToProver, { kind: 'again' }>): Promise<void> {
  for (const job of message.jobs) {
    const told = (progress: Omit<Extract<FromProver, { kind: 'progress' }>, 'kind'>) =>
      say({ kind: 'progress', ...progress })
    if (message.kind === 'once') await prove(job, all, message.only, told)
    else
      void proveForEver(job, all, {
        signal: stop.signal,
        told,
        failed: (error) => say({ kind: 'failed', product: job.product, message: (error as Error).message }),
        wanted: () => {
          const wanted = asked.get(job.product)
          asked.delete(job.product)
          return wanted
        },
      })
  }
  if (message.kind === 'watch')
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()))
}
