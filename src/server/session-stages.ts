import type { Sessions } from '../controls/sessions/sessions.ts'
import type { Login } from '../platform/database/login.ts'
import { sql } from '../platform/database/statement.ts'
import type { Stages } from './pipeline.ts'

/** What the pipeline does about sessions beside entry itself. Neither stage fails a request: what failed is told to `failed`. */
export function createSessionStages(parts: {
  readonly sessions: Sessions
  readonly identity: Login
  readonly failed: (error: unknown) => void
}): Pick<Stages, 'present' | 'looksDue' | 'touch' | 'reportReuse'> {
  const { sessions, identity, failed } = parts
  return {
    present: sessions.present,

    // Where entry has been, it has said itself whether something is due.
    looksDue: (route, presented) => route.kind === 'session' && sessions.looksDue(presented),

    async touch(reply, request, { address }) {
      // A route that has set a cookie or cleared it has had its own word about the session.
      if (reply.cookies !== undefined) return reply
      try {
        const cookie = await sessions.touch(identity, request.headers.get('cookie'), address)
        return cookie === undefined ? reply : { ...reply, cookies: [cookie] }
      } catch (error) {
        // The answer stands, for its work is committed. The old secret goes on, and the next request asks again.
        failed(error)
        return reply
      }
    },

    async reportReuse(presented) {
      try {
        await sessions.reportReuse(
          identity,
          presented,
          (person, mail) => sql`select holdfast.notify_person(${person}, ${mail.subject}, ${mail.text})`,
        )
      } catch (error) {
        failed(error)
      }
    },
  }
}
