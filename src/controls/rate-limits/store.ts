import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import type { Limit } from '../../platform/http/route.ts'

/** One bucket, and what is spent from it. */
export interface Asked {
  /** In clear text; stores keep a keyed hash of it. */
  readonly bucket: string
  readonly limit: Pick<Limit, 'quota' | 'windowSeconds'>
  /** How many requests; 1 where the decision is exact. */
  readonly spend: number
}

export interface Taken {
  /** Exact: whether it was there. Else always true: it has been debited, if need be as a debt of up to one quota. */
  readonly granted: boolean
  readonly remaining: number
  /** Until there is one more, where none is left. */
  readonly waitMillis: number
}

/**
 * A counter that all processes share: one generic cell rate per bucket, by the store's own clock, decided in one step. Whatever
 * is asked is answered within `longestMillis`, or the promise rejects; it never grants because it does not know.
 */
export interface Store {
  take(asked: readonly Asked[], exact: boolean): Promise<readonly Taken[]>
  close(): Promise<void>
}

/** Past this a store counts as lost for the request that waits for it. */
export const longestMillis = 1000

/** In PostgreSQL, by a login role that may call `holdfast.take_quota`; `login` should be the limiter's own. */
export function postgresqlStore(login: Login): Store {
  return {
    async take(asked, exact) {
      if (asked.length === 0) return []
      const rows = await inTime(
        login.query(sql<{ place: number; granted: boolean; remaining: number; wait_us: string }>`
          select place, granted, remaining, wait_us::text from holdfast.take_quota(
            ${asked.map(({ bucket }) => bucket)}, ${asked.map(({ limit }) => limit.quota)},
            ${asked.map(({ limit }) => limit.windowSeconds)}, ${asked.map(({ spend }) => spend)}, ${exact})`),
      )
      const taken: Taken[] = []
      for (const { place, granted, remaining, wait_us } of rows)
        taken[place - 1] = { granted, remaining, waitMillis: Number(wait_us) / 1000 }
      return taken
    },
    close: () => login.close(),
  }
}

/** Rejects when the answer takes longer than `longestMillis`. A late answer is dropped; what it spent stays spent. */
export async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the limiter's counter did not answer within ${longestMillis} ms`)),
      longestMillis,
    )
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
