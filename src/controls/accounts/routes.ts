import { z } from 'zod'
import type { Login } from '../../platform/database/login.ts'
import { type Limit, open, session } from '../../platform/http/route.ts'
import { address, text } from '../input-validation/fields.ts'
import { clientKey } from '../rate-limits/rate-limits.ts'
import { addressKey, type Spend, signUp, verifyAddress, verifyAgain } from './accounts.ts'
import type { Site } from './mails.ts'
import { type Passwords, passwordField } from './passwords.ts'

const signingUp: Limit = { name: 'sign-up', quota: 60, windowSeconds: 3600 }
/** For one address, whoever asks: its owner gets no more mails than this. */
const signingUpOne: Limit = { name: 'sign-up-address', quota: 5, windowSeconds: 3600 }
const verifying: Limit = { name: 'verify', quota: 60, windowSeconds: 600 }
const verifyingAgain: Limit = { name: 'verify-again', quota: 20, windowSeconds: 3600 }

/** Limits that no route carries: the limiter has to know them too. */
export const accountLimits: readonly Limit[] = [signingUpOne]

const nothing = z.strictObject({})

export function accountRoutes(needs: {
  readonly identity: Login
  readonly passwords: Passwords
  readonly site: Site
  readonly spend: Spend
}) {
  const { identity, site, spend } = needs
  return {
    signUp: open({
      method: 'POST',
      path: '/api/sign-up',
      summary: 'A new account. The answer is the same whether or not the address has one already',
      limit: signingUp,
      body: z.strictObject({ name: text({ max: 200 }), address: address(), password: passwordField }),
      response: nothing,
      run: async ({ body }, caller) => {
        await spend(`sign-up ${addressKey(body.address)}`, signingUpOne)
        await signUp(needs, { ...body, client: clientKey(caller.address) })
        return { status: 202, body: {} }
      },
    }),

    verify: open({
      method: 'POST',
      path: '/api/verify',
      summary: 'Confirms the address that a link was mailed to',
      limit: verifying,
      body: z.strictObject({ token: z.string().min(1).max(200) }),
      response: nothing,
      run: async ({ body }) => {
        await verifyAddress(identity, body.token)
        return { body: {} }
      },
    }),

    verifyAgain: session({
      method: 'POST',
      path: '/api/verify/again',
      summary: 'Sends the link that confirms one’s own address again',
      limit: verifyingAgain,
      body: nothing,
      response: nothing,
      run: async (_, { entry }) => {
        await verifyAgain({ identity, site }, entry)
        return { status: 202, body: {} }
      },
    }),
  }
}
