import { z } from 'zod'
import type { Login } from '../../platform/database/login.ts'
import { type Limit, open, session } from '../../platform/http/route.ts'
import { endSession, type Sessions } from './sessions.ts'

const signingOut: Limit = { name: 'sign-out', quota: 120, windowSeconds: 60 }
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
