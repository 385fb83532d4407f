import type { Login } from '../database/login.ts'
import { sql } from '../database/statement.ts'
import type { Transaction } from '../http/route.ts'

export interface RunnableJob {
  /** The mask of the permission that the person must still have. */
  readonly need: string
  run(sql: Transaction, payload: Readonly<Record<string, unknown>>): Promise<'done' | 'again'>
}

export interface WorkerOptions {
  /** The worker's login: takes jobs, and reaches no tenant's rows. */
  readonly queue: Login
  /** A login of the app's role that enters by lease: does the work, and can take no job. */
  readonly login: Login
  readonly jobs: Readonly<Record<string, RunnableJob>>
  readonly log: (failure: { kind: string; attempts: number; error: unknown }) => void
  readonly pollMillis?: number
}

export interface Running {
  /** Lets what is under way finish, and starts nothing new. */
  stop(): Promise<void>
}

interface Taken {
  readonly id: string
  readonly organisation_id: string
  readonly kind: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly attempts: number
  readonly secret: Uint8Array
}

/** A lease is longer than the longest transaction may be: what is still running when it ends was cut before. */
const leaseSeconds = 120

/** Takes jobs one after the other. The work and the note that it is done commit together, or neither does. */
export function startWorker({ queue, login, jobs, log, pollMillis = 250 }: WorkerOptions): Running {
  const kinds = Object.keys(jobs)
  return repeat(
    pollMillis,
    async () => {
      const [taken] = await queue.query(
        sql<Taken>`select id, organisation_id, kind, payload, attempts, secret from holdfast.take_job(${kinds}, ${leaseSeconds})`,
      )
      if (taken === undefined) return 'idle'
      const job = jobs[taken.kind]!
      try {
        await login.transaction(
          { secret: taken.secret, organisation: taken.organisation_id, need: job.need },
          async (run) => {
            const outcome = await job.run(run, taken.payload)
            await run(sql`select holdfast.finish_job(${taken.secret}, ${outcome === 'again'})`)
          },
        )
      } catch (error) {
        log({ kind: taken.kind, attempts: taken.attempts, error })
        const { code = '', message } = error as { code?: string; message: string }
        await queue.query(sql`select holdfast.fail_job(${taken.secret}, ${message}, ${code.startsWith('HF4')})`)
      }
      return 'busy'
    },
    (error) => log({ kind: '(queue)', attempts: 0, error }),
  )
}

/** Runs `step` over and over, at once while it is busy, else every `pollMillis`. A step that throws is told and retried. */
export function repeat(
  pollMillis: number,
  step: () => Promise<'busy' | 'idle'>,
  told: (error: unknown) => void,
): Running {
  let stopped = false
  let wake = () => {}
  const over = (async () => {
    while (!stopped) {
      const outcome = await step().catch((error) => {
        if (!stopped) told(error)
        return 'idle' as const
      })
      if (outcome === 'idle' && !stopped)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pollMillis)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
    }
  })()
  return {
    stop() {
      stopped = true
      wake()
      return over
    },
  }
}
