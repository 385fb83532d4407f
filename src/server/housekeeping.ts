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
        await options.worker.query(sql`
          select holdfast.sweep_passes(), holdfast.sweep_jobs(), holdfast.sweep_mail(), holdfast.sweep_accounts(),
                 holdfast.sweep_idempotency(), holdfast.sweep_sessions(), holdfast.sweep_factors(), holdfast.sweep_limits(),
                 holdfast.run_recoveries()`)
        swept = performance.now()
      }
      return 'idle'
    },
    options.log,
  )
}
