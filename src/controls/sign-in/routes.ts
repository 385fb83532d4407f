import { z } from 'zod'
import type { Login } from '../../platform/database/login.ts'
import { type Limit, open } from '../../platform/http/route.ts'
import { type Passwords, passwordField, type Spend } from '../accounts/accounts.ts'
import { address } from '../input-validation/fields.ts'
import { clientKey } from '../rate-limits/rate-limits.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { signIn } from './sign-in.ts'

/** From one client address: an office behind one address signs in by it too. */
const signingIn: Limit = { name: 'sign-in', quota: 60, windowSeconds: 600 }

export function signInRoutes(parts: {
  readonly identity: Login
  readonly sessions: Sessions
  readonly passwords: Passwords
  readonly spend: Spend
}) {
  return {
    signIn: open({
      method: 'POST',
      path: '/api/sign-in',
      summary: 'A session, as a cookie. An unverified person gets one that opens nothing yet',
      limit: signingIn,
      body: z.strictObject({ address: address(), password: passwordField }),
      response: z.strictObject({ verified: z.boolean() }),
      run: async ({ body }, { entry, ...caller }) => {
        const client = clientKey(caller.address)
        const { cookie, verified } = await signIn(parts, {
          ...body,
          client,
          where: caller,
          ...(entry && { current: entry }),
        })
        return { body: { verified }, cookies: [cookie] }
      },
    }),
  }
}
