// better-auth with its organisation plugin, by its own interface: one call finds session, membership and permission.
import type { StartContestant } from '../contestant.ts'
import { type MayRead, serveItems } from './better-auth-routes.ts'

export const mayRead: MayRead = async (auth, _, c) => {
  try {
    const { success } = await auth.api.hasPermission({
      headers: c.req.raw.headers,
      // Its schema wants the old name of this field spelled out as absent.
      body: { organizationId: c.req.param('organisation')!, permission: undefined, permissions: { item: ['read'] } },
    })
    return success
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 401) return false
    throw error
  }
}

export const start: StartContestant = (setup) => serveItems(setup, mayRead)
