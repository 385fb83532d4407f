// Holdfast, whole: what `npm start` runs for each product, with its log in a file.
import path from 'node:path'
import { createLimits } from '../../../src/controls/rate-limits/rate-limits.ts'
import type { LoginRole } from '../../../src/controls/tenant-isolation/bootstrap.ts'
import { listen } from '../../../src/platform/http/listen.ts'
import { openLog } from '../../../src/platform/log/log.ts'
import { createFoundation, type Foundation } from '../../../src/server/foundation.ts'
import { logOf } from '../../../src/server/log-events.ts'
import type { StartContestant } from '../contestant.ts'
import { product, wide } from '../product/product.ts'

export const start: StartContestant = async ({ port, database, passwords, sessionKey, folder }) => {
  const log = openLog({ level: 'info', to: { file: path.join(folder, 'holdfast.log') }, process: 'server' })
  // One client asks for more than any limit grants. The limiter works as ever, with a quota that it cannot use up.
  const { spendOverall } = createLimits({ overall: { name: 'all', ...wide } })
  const foundation: Foundation = await createFoundation({
    product,
    origin: `http://localhost:${port}`,
    database,
    passwords: passwords as Record<LoginRole, string>,
    sessionKey,
    pepper: Buffer.alloc(32, 7),
    sealingKey: Buffer.alloc(32, 9),
    trustedProxies: [],
    mailer: { send: async () => {} },
    log: logOf(log, product.name),
    commit: 'bench',
    acceptedRisks: [],
    consoleFolder: path.join(import.meta.dirname, '../../../test/world/bare-console'),
    replaceStages: (stages) => ({ ...stages, spendOverall }),
  })
  await listen(foundation.handle, { host: '127.0.0.1', port })
}
