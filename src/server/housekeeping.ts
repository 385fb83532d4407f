import type { Login } from '../platform/database/login.ts'
import { sql } from '../platform/database/statement.ts'
import { type Running, repeat } from '../platform/jobs/worker.ts'

/** A client transaction may take this long; statement_timeout alone can be lifted by whoever writes SQL. */
const longestTransactionSeconds = 40

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
          select holdfast.sweep_passes(), holdfast.sweep_jobs(), holdfast.sweep_mail(), holdfast.sweep_address_tokens(),
                 holdfast.sweep_idempotency(), holdfast.sweep_sessions(), holdfast.sweep_factors()`)
        swept = performance.now()
      }
      return 'idle'
    },
    options.log,
  )
}
