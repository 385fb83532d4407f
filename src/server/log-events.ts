import { defineEvent, type Log } from '../platform/log/log.ts'
import type { FoundationLog } from './foundation.ts'

const request = defineEvent('server/request', {
  product: 'text',
  requestId: 'text',
  method: 'text',
  route: 'text',
  status: 'number',
  milliseconds: 'number',
  address: 'text',
  session: 'text',
  // Of a key the first characters of its hash: docs/operating/api-keys.md says how to find it by them.
  by: 'text',
  code: 'text',
})
const failure = defineEvent('server/failure', { product: 'text', part: 'text' })

/** One product's view of the log. A fault of ours is an error, a refusal is a line like any other. */
export function logOf(log: Log, product: string): FoundationLog {
  return {
    request: ({ requestId, method, route, status, milliseconds, address, session, key, code, error }) => {
      const by = key === undefined ? undefined : `key-${key.slice(0, 16)}`
      const values = { product, requestId, method, route, status, milliseconds, address, session, by, code }
      if (status >= 500) log.error(request, values, error)
      else log.info(request, values, error)
    },
    failure: ({ part, error }) => log.error(failure, { product, part }, error),
  }
}
