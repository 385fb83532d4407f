import type { Login } from '../platform/database/login.ts'
import { sql } from '../platform/database/statement.ts'
import { type Running, repeat } from '../platform/jobs/worker.ts'

/** A client transaction may take this long; statement_timeout alone can be lifted by whoever writes SQL. */
const longestTransactionSeconds = 40

/** Sends, or does not send, what strangers asked for with an address: they must not learn by the time which of the two. */
export function startMailRequests(options: {
  readonly worker: Login
  readonly log: (error: unknown) => void
}): Running {
  return repeat(
    250,
    async () => {
      const [answered] = await options.worker.query(
        sql<{ count: number }>`select holdfast.answer_mail_requests(20) as count`,
      )
      return answered!.count > 0 ? 'busy' : 'idle'
    },
    options.log,
  )
}

/** Each in a statement of its own: one that fails, or takes too long, must not keep the others from being swept. */
const sweeps = [
  sql`select holdfast.sweep_passes()`,
  sql`select holdfast.sweep_keys()`,
  sql`select holdfast.sweep_jobs()`,
  sql`select holdfast.sweep_mail()`,
  sql`select holdfast.sweep_accounts()`,
  sql`select holdfast.sweep_idempotency()`,
  sql`select holdfast.sweep_sessions()`,
  sql`select holdfast.sweep_factors()`,
  sql`select holdfast.sweep_limits()`,
  sql`select holdfast.run_recoveries()`,
]

/** Ends what runs too long every five seconds, and sweeps what is past its retention every hour. */
export function startHousekeeping(options: {
  readonly worker: Login
  readonly log: (error: unknown) => void
}): Running {
  let swept = 0
  return repeat(
    5000,
    async () => {
      await options.worker.query(sql`select holdfast.end_overdue(${longestTransactionSeconds})`)
      if (performance.now() - swept > 3_600_000 || swept === 0) {
        swept = performance.now()
        for (const sweep of sweeps) await options.worker.query(sweep).catch(options.log)
      }
      return 'idle'
    },
    options.log,
  )
}
