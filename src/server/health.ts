import { z } from 'zod'
import { open } from '../platform/http/route.ts'

/** ok: answered soon. slow: answered late. failing: did not answer, and what needs it is refused. */
const part = z.enum(['ok', 'slow', 'failing'])

/**
 * `GET /api/health`, for whoever watches or balances: 200 while requests can be answered, `degraded` where a part is slow, and
 * 503 `failing` where one does not answer, because then requests are refused. It tells no versions, names or addresses.
 */
export function healthRoute(parts: {
  readonly counter: 'postgresql' | 'redis'
  readonly database: () => Promise<unknown>
  /** The counter that all processes share. */
  readonly limits: () => Promise<unknown>
}) {
  const look = shared(async () => ({ database: await stateOf(parts.database), limits: await stateOf(parts.limits) }))
  return open({
    method: 'GET',
    path: '/api/health',
    summary: 'Whether requests can be answered, and where limits are counted',
    limit: { name: 'health', quota: 240, windowSeconds: 60 },
    response: z.strictObject({
      status: z.enum(['ok', 'degraded', 'failing']),
      parts: z.strictObject({ database: part, limits: part }),
      counter: z.enum(['postgresql', 'redis']),
    }),
    run: async () => {
      const found = await look()
      const states = Object.values(found)
      const status = states.includes('failing') ? 'failing' : states.includes('slow') ? 'degraded' : 'ok'
      const body = { status, parts: found, counter: parts.counter } as const
      return status === 'failing' ? { status: 503, body, headers: { 'retry-after': '2' } } : { body }
    },
  })
}

const slowMillis = 250
const longestMillis = 1000
const keptMillis = 500

async function stateOf(ask: () => Promise<unknown>): Promise<z.output<typeof part>> {
  const began = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), longestMillis)
  })
  const answered = await Promise.race([
    ask().then(
      () => true,
      () => false,
    ),
    late,
  ])
  clearTimeout(timer)
  if (!answered) return 'failing'
  return performance.now() - began > slowMillis ? 'slow' : 'ok'
}

/** However many ask, one looks, and what it saw is told for half a second. */
function shared<T>(look: () => Promise<T>): () => Promise<T> {
  let seen: Promise<T> | undefined
  return () => {
    seen ??= look().finally(() => {
      setTimeout(() => {
        seen = undefined
      }, keptMillis).unref()
    })
    return seen
  }
}
