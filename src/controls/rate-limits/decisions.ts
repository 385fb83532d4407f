import { Refusal } from '../../kernel/refusal.ts'
import type { Limit } from '../../platform/http/route.ts'
import { counterDown, tooManyRequests } from './refusals.ts'
import type { Store } from './store.ts'

/**
 * Takes one request of the quota that `key` names under `limit`, exactly, counted across all processes, in a transaction of its
 * own: for what is guessed or sent by mail. `key` is of any length and stored as a hash; the name of the limit keeps the keys of
 * two limits apart. Call it before anything costly, such as a password hash.
 *
 * Throws a `Refusal`: 429 with `Retry-After`, `RateLimit-Policy` and `RateLimit` where nothing is left (which costs nothing), and
 * 503 with `Retry-After` where the counter cannot be reached within a second.
 */
export type Decide = (key: string, limit: Limit) => Promise<void>

export function createDecisions(store: Store): Decide {
  return async (key, limit) => {
    const [taken] = await store
      .take([{ bucket: `${limit.name} ${key}`, limit, spend: 1 }], true)
      .catch((error: unknown) => {
        throw new Refusal(counterDown, { headers: { 'retry-after': '2' }, cause: error })
      })
    if (!taken!.granted) throw refuseUntil(limit, limit.name, limit.quota, taken!.waitMillis)
  }
}

/** The 429 of a quota that all processes share. `waitMillis`: until there is one more. */
export function refuseUntil(limit: Limit, name: string, quota: number, waitMillis: number): Refusal {
  const seconds = Math.max(1, Math.ceil(waitMillis / 1000))
  return new Refusal(tooManyRequests, {
    headers: {
      'retry-after': String(seconds),
      'ratelimit-policy': `"${name}";q=${quota};w=${limit.windowSeconds}`,
      ratelimit: `"${name}";r=0;t=${seconds}`,
    },
  })
}
