import path from 'node:path'
import { createLimits } from '../../../src/controls/rate-limits/rate-limits.ts'
import type { LoginRole } from '../../../src/controls/tenant-isolation/bootstrap.ts'
import { listen } from '../../../src/platform/http/listen.ts'
import { openLog } from '../../../src/platform/log/log.ts'
import { createFoundation, type Foundation, type FoundationOptions } from '../../../src/server/foundation.ts'
import { logOf } from '../../../src/server/log-events.ts'
import type { Setup } from '../contestant.ts'
import { product, wide } from '../product/product.ts'

/** Of every Holdfast that is measured: what is hashed for one opens the others. */
export const pepper = Buffer.alloc(32, 7)

/** Holdfast, whole: what `npm start` runs for each product, with its log in a file. `changes`: what else is measured of it. */
export async function serveHoldfast(
  { port, database, passwords, sessionKey, folder }: Setup,
  changes: Partial<Pick<FoundationOptions, 'trustedProxies' | 'replaceStages' | 'passwordCost'>> = {},
): Promise<void> {
  const log = openLog({ level: 'info', to: { file: path.join(folder, 'holdfast.log') }, process: 'server' })
  // One client asks for more than any limit grants. The limiter works as ever, with a quota that it cannot use up.
  const { spendOverall } = createLimits({ overall: { name: 'all', ...wide } })
  const foundation: Foundation = await createFoundation({
    product,
    origin: `http://localhost:${port}`,
    database,
    passwords: passwords as Record<LoginRole, string>,
    sessionKey,
    pepper,
    sealingKey: Buffer.alloc(32, 9),
    trustedProxies: [],
    mailer: { send: async () => {} },
    log: logOf(log, product.name),
    commit: 'bench',
    acceptedRisks: [],
    consoleFolder: path.join(import.meta.dirname, '../../../test/world/bare-console'),
    replaceStages: (stages) => ({ ...stages, spendOverall }),
    ...changes,
  })
  await listen(foundation.handle, { host: '127.0.0.1', port })
}
