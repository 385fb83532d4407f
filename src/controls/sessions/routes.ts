import { z } from 'zod'
import type { Login } from '../../platform/database/login.ts'
import { notFound } from '../../platform/http/refusals.ts'
import { type Limit, open, session } from '../../platform/http/route.ts'
import { endOtherSessions, endOwnSession, endSession, ownSessions, type Sessions } from './sessions.ts'

const signingOut: Limit = { name: 'sign-out', quota: 120, windowSeconds: 60 }
const lookingAtOwn: Limit = { name: 'sessions', quota: 120, windowSeconds: 60 }
const endingOwn: Limit = { name: 'end-sessions', quota: 120, windowSeconds: 600 }
const readingKeys: Limit = { name: 'session-keys', quota: 120, windowSeconds: 60 }

/** `identity`: the login role that mints and ends sessions. */
export function sessionRoutes({ identity, sessions }: { readonly identity: Login; readonly sessions: Sessions }) {
  return {
    signOut: session({
      method: 'POST',
      path: '/api/sign-out',
      summary: 'Ends this session, from the next request on',
      limit: signingOut,
      body: z.strictObject({}),
      response: z.undefined(),
      run: async (_, caller) => {
        // A session that had ended already is signed out of too: the cookie goes either way.
        await endSession(identity, caller.entry)
        return { status: 204, body: undefined, cookies: [sessions.clear()] }
      },
    }),

    ownSessions: session({
      method: 'GET',
      path: '/api/sessions',
      summary: 'One’s own live sessions',
      limit: lookingAtOwn,
      response: z.strictObject({
        sessions: z.array(
          z.strictObject({
            session: z.uuid(),
            device: z.string(),
            address: z.string(),
            startedAt: z.string(),
            usedAt: z.string(),
            current: z.boolean(),
          }),
        ),
      }),
      run: async (_, { entry }) => ({ body: { sessions: await ownSessions(identity, entry) } }),
    }),

    endOwnSession: session({
      method: 'DELETE',
      path: '/api/sessions/:session',
      summary: 'Ends one of one’s own sessions, from the next request on',
      limit: endingOwn,
      params: z.strictObject({ session: z.uuid() }),
      response: z.undefined(),
      run: async ({ params }, caller) => {
        if (!(await endOwnSession(identity, caller.entry, params.session))) throw notFound()
        const own = params.session === caller.session
        return { status: 204, body: undefined, ...(own ? { cookies: [sessions.clear()] } : {}) }
      },
    }),

    endOtherSessions: session({
      method: 'POST',
      path: '/api/sessions/end-others',
      summary: 'Ends all of one’s sessions but this one, from the next request on',
      limit: endingOwn,
      body: z.strictObject({}),
      response: z.strictObject({ ended: z.int() }),
      run: async (_, { entry }) => ({ body: { ended: await endOtherSessions(identity, entry) } }),
    }),

    sessionKeys: open({
      method: 'GET',
      path: '/api/session-keys',
      summary: 'The public keys that session tokens are signed with (RFC 7517)',
      limit: readingKeys,
      response: z.strictObject({
        keys: z.array(
          z.strictObject({
            kty: z.literal('OKP'),
            crv: z.literal('Ed25519'),
            x: z.string(),
            kid: z.string(),
            alg: z.literal('EdDSA'),
            use: z.literal('sig'),
          }),
        ),
      }),
      run: async () => ({ body: { keys: [...sessions.publicKeys] } }),
    }),
  }
}
