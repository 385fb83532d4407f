// better-auth with a shortcut: its getSession, and then a named statement of ours on its membership table.
import type { StartContestant } from '../contestant.ts'
import { type MayRead, serveItems } from './better-auth-routes.ts'

const mayRead: MayRead = async (auth, pool, c) => {
  const session = await auth.api.getSession({ headers: c.req.raw.headers })
  if (session === null) return false
  const { rows } = await pool.query({
    name: 'member',
    text: 'select role from member where "userId" = $1 and "organizationId" = $2',
    values: [session.user.id, c.req.param('organisation')],
  })
  return rows.length > 0
}

export const start: StartContestant = (setup) => serveItems(setup, mayRead)
