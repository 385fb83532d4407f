import { z } from 'zod'
import { type Limit, session } from '../../platform/http/route.ts'
import type { CsrfTokens } from './csrf-token.ts'

const readingToken: Limit = { name: 'csrf-token', quota: 120, windowSeconds: 60 }

export function csrfTokenRoutes({ tokens }: { readonly tokens: CsrfTokens }) {
  return {
    // The database is not asked: for a session that has ended, the token is worth as little as the session.
    csrfToken: session({
      method: 'GET',
      path: '/api/csrf-token',
      summary: 'What X-CSRF-Token must carry where a browser sends neither Sec-Fetch-Site nor Origin',
      limit: readingToken,
      response: z.strictObject({ token: z.string() }),
      // Whoever presents a session presents its id.
      run: async (_, caller) => ({ body: { token: tokens.write(caller.session!) } }),
    }),
  }
}
