import { createHash } from 'node:crypto'
import { noSession } from '../controls/sessions/refusals.ts'
import { Refusal } from '../kernel/refusal.ts'
import type { Entry, Login } from '../platform/database/login.ts'
import { sql } from '../platform/database/statement.ts'
import { kinds } from '../platform/http/refusals.ts'
import type { Caller, Reply, Route, Transaction, WriteRoute } from '../platform/http/route.ts'
import type { ReadInput } from './input.ts'
import type { Answered } from './pipeline.ts'

export interface Answering {
  /** The application's login role: it enters by pass and reaches nothing without. */
  readonly app: Login
  /** The mask of a permission's bit, as a decimal number. */
  readonly maskOf: (permission: string) => string
}

/** Runs a route in its kind's way. For `read` and `write` the database has verified session, seat and permission first. */
export function createAnswers({ app, maskOf }: Answering) {
  const entry = (route: Route, input: ReadInput, caller: Caller): Entry => {
    if (caller.entry === undefined) throw new Refusal(noSession)
    const { organisation } = input
    return {
      secret: caller.entry,
      organisation,
      need: maskOf(route.needs),
      ...(caller.by === 'key' && { by: 'enter_key' }),
    }
  }

  return async (route: Route, input: ReadInput, caller: Caller, request: Request): Promise<Answered> => {
    switch (route.kind) {
      case 'open':
        return route.run(input, caller)
      case 'session':
        if (caller.entry === undefined) throw new Refusal(noSession)
        return route.run(input, { ...caller, entry: caller.entry })
      case 'read': {
        const { rows, stale } = await app.entered(entry(route, input, caller), route.statement(input))
        return { body: route.answer(rows, input), due: stale }
      }
      case 'write':
        return app.transaction(entry(route, input, caller), async (sql, stale) => {
          const reply = await (route.idempotent
            ? once(sql, route, input, caller, request)
            : route.run(sql, input, caller))
          return stale ? { ...reply, due: true } : reply
        })
    }
  }
}

/** The same Idempotency-Key gets the same answer, and nothing happens twice, also when two arrive together. */
async function once(
  run: Transaction,
  route: WriteRoute,
  input: ReadInput,
  caller: Caller,
  request: Request,
): Promise<Reply<unknown>> {
  const key = request.headers.get('idempotency-key')
  if (key === null) return route.run(run, input, caller)
  if (!/^[A-Za-z0-9_-]{8,100}$/.test(key)) throw new Refusal(kinds.keyMalformed)
  const { pathname, search } = new URL(request.url)
  const fingerprint = createHash('sha256')
    .update(`${route.method} ${pathname}${search}\n`)
    .update(input.raw instanceof Uint8Array ? input.raw : JSON.stringify(input.raw))
    .digest()
  // A second request with the same key waits here until the first has committed, and then finds its answer.
  const [taken] = await run(
    sql<{
      mine: boolean
      same: boolean
      status: number
      answer: unknown
    }>`select * from holdfast.take_key(${key}, ${fingerprint})`,
  )
  const { mine, same, status, answer } = taken!
  if (!mine && !same) throw new Refusal(kinds.keyReused)
  if (!mine) return { status, body: answer, headers: { 'idempotency-replayed': 'true' } }
  const reply = await route.run(run, input, caller)
  await run(sql`select holdfast.keep_answer(${key}, ${reply.status ?? 200}, ${JSON.stringify(reply.body)})`)
  return reply
}
