import { createDecisions } from '../controls/rate-limits/decisions.ts'
import { createLeases, type Leases } from '../controls/rate-limits/leases.ts'
import type { Decide } from '../controls/rate-limits/rate-limits.ts'
import { postgresqlStore } from '../controls/rate-limits/store.ts'
import { type RedisPlace, redisStore } from '../controls/rate-limits/store-redis.ts'
import { loginOptions } from '../controls/tenant-isolation/tenant-isolation.ts'
import { Login } from '../platform/database/login.ts'
import { sql } from '../platform/database/statement.ts'
import type { Stages } from './pipeline.ts'

/** What is counted over all processes. */
export interface Limiting {
  readonly decide: Decide
  readonly leases: Leases
  readonly counter: 'postgresql' | 'redis'
  /** Asks the counter something that spends nothing. Rejects where it does not answer. */
  ask(): Promise<void>
  stop(): Promise<void>
}

/**
 * Opens the counter that all processes share: Redis or Valkey where one is named, else the product's own database, by a pool of
 * its own, so that nobody waits for it behind anything else. `key`: 32 secret bytes, the same in all processes.
 */
export async function openLimiting(options: {
  readonly database: { readonly host: string; readonly port: number; readonly database: string }
  readonly workerPassword: string
  readonly redis?: RedisPlace
  readonly key: Uint8Array
  readonly log: (error: unknown) => void
}): Promise<Limiting> {
  const { database, workerPassword, redis, key, log } = options
  const login = new Login(
    loginOptions('worker', database, {
      password: workerPassword,
      most: 3,
      waitMillis: 1000,
      settings: { statement_timeout: '1s', lock_timeout: '1s' },
    }),
  )
  const store = redis === undefined ? postgresqlStore(login) : await redisStore(redis, key, log)
  const leases = createLeases({
    store,
    personsOf: (holders) => personsOf(login, holders),
    log,
  })
  return {
    decide: createDecisions(store),
    leases,
    counter: redis === undefined ? 'postgresql' : 'redis',
    async ask() {
      await store.take([{ bucket: 'health', limit: { quota: 1, windowSeconds: 1 }, spend: 0 }], false)
    },
    async stop() {
      await leases.stop()
      await store.close()
      await login.close()
    },
  }
}

/** Sessions by their ids, and keys by their hashes, which are longer: both spend the quota of the person that they act as. */
async function personsOf(login: Login, holders: readonly string[]): Promise<{ family: string; person: string }[]> {
  const keys = holders.filter((holder) => holder.length === 64)
  const sessions = holders.filter((holder) => holder.length !== 64)
  const ofSessions =
    sessions.length === 0
      ? []
      : await login.query(sql<{ family: string; person: string }>`
          select family, person from holdfast.persons_of_sessions(${sessions})`)
  const ofKeys =
    keys.length === 0
      ? []
      : await login.query(sql<{ family: string; person: string }>`
          select key as family, person from holdfast.persons_of_keys(${keys})`)
  return [...ofSessions, ...ofKeys]
}

/** What enters an organisation is counted for it as well. */
export function countedByOrganisation(leases: Leases, answer: Stages['answer']): Stages['answer'] {
  return (route, input, caller, request) => {
    const enters = route.kind === 'read' || route.kind === 'write'
    const holder = caller.key ?? caller.session
    if (!enters || holder === undefined) return answer(route, input, caller, request)
    const who = { session: holder, organisation: input.organisation }
    return leases.spendByOrganisation(who, route.limit, () => answer(route, input, caller, request))
  }
}
