import { z } from 'zod'
import { type Caller, type Limit, open, session } from '../../platform/http/route.ts'
import { passwordField } from '../accounts/accounts.ts'
import { address } from '../input-validation/fields.ts'
import { clientKey } from '../rate-limits/rate-limits.ts'
import type { Issued } from '../sessions/sessions.ts'
import {
  type From,
  type SignInParts,
  secondStepOf,
  showFactor,
  showPassword,
  signIn,
  signInByPasskey,
} from './sign-in.ts'

/** From one client address: an office behind one address signs in by it too. */
const signingIn: Limit = { name: 'sign-in', quota: 60, windowSeconds: 600 }
const showing: Limit = { name: 'show-factor', quota: 60, windowSeconds: 600 }
const asking: Limit = { name: 'ask-for-passkey', quota: 120, windowSeconds: 600 }

const nothing = z.strictObject({})
const base64url = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[\w-]+$/)
/** Six digits, as they are typed: apps show them in two groups. */
const code = z
  .string()
  .max(20)
  .overwrite((typed) => typed.replace(/\s+/g, ''))
  .regex(/^\d{6}$/, { error: 'must be six digits' })
const passkey = z.strictObject({
  id: base64url(1364),
  clientDataJSON: base64url(4096),
  authenticatorData: base64url(4096),
  signature: base64url(4096),
  userHandle: base64url(128).optional(),
})
/** As `navigator.credentials.get` takes it, in JSON. */
const passkeyOptions = z.record(z.string(), z.unknown())
const secondStep = z.strictObject({ totp: z.boolean(), passkey: z.boolean(), recoveryCode: z.boolean() })

export function signInRoutes(parts: SignInParts) {
  const shown = ({ cookie }: Issued) => ({ status: 204, body: undefined, cookies: [cookie] })
  return {
    signIn: open({
      method: 'POST',
      path: '/api/sign-in',
      summary: 'A session, as a cookie. Where there is a second factor it opens nothing but the second step',
      limit: signingIn,
      body: z.strictObject({ address: address(), password: passwordField }),
      response: z.strictObject({ verified: z.boolean(), secondStep: secondStep.nullable() }),
      run: async ({ body }, caller) => {
        const client = clientKey(caller.address)
        const { cookies, verified, secondStep = null } = await signIn(parts, { ...body, client, from: fromOf(caller) })
        return { body: { verified, secondStep }, cookies }
      },
    }),

    signInPasskeyOptions: open({
      method: 'POST',
      path: '/api/sign-in/passkey/options',
      summary: 'What the browser needs to sign in by a passkey alone (WebAuthn). For one answer, within five minutes',
      limit: asking,
      body: nothing,
      response: passkeyOptions,
      run: async () => ({ body: { ...(await parts.twoFactor.askForPasskey()) } }),
    }),

    signInByPasskey: open({
      method: 'POST',
      path: '/api/sign-in/passkey',
      summary: 'A session by a passkey alone, whose authenticator has verified its user: both factors at once',
      limit: signingIn,
      body: passkey,
      response: z.strictObject({ verified: z.boolean() }),
      run: async ({ body }, caller) => {
        const { cookies, verified } = await signInByPasskey(parts, body, fromOf(caller))
        return { body: { verified }, cookies }
      },
    }),

    secondStep: session({
      method: 'GET',
      path: '/api/session/second-step',
      summary: 'Which second factors one may show',
      limit: asking,
      response: secondStep,
      run: async (_, { entry }) => ({ body: await secondStepOf(parts, entry) }),
    }),

    showCode: session({
      method: 'POST',
      path: '/api/session/code',
      summary: 'Shows a code of one’s authenticator app: the second step, or once more who one is. A new session',
      limit: showing,
      body: z.strictObject({ code }),
      response: z.undefined(),
      run: async ({ body }, { entry, ...where }) =>
        shown(await showFactor(parts, entry, { by: 'totp', code: body.code }, where)),
    }),

    showRecoveryCode: session({
      method: 'POST',
      path: '/api/session/recovery-code',
      summary: 'Shows a recovery code, which is then used up. A new session',
      limit: showing,
      body: z.strictObject({ code: z.string().min(1).max(100) }),
      response: z.undefined(),
      run: async ({ body }, { entry, ...where }) =>
        shown(await showFactor(parts, entry, { by: 'recovery-code', code: body.code }, where)),
    }),

    showPasskeyOptions: session({
      method: 'POST',
      path: '/api/session/passkey/options',
      summary: 'What the browser needs to show one of one’s passkeys (WebAuthn). For one answer, within five minutes',
      limit: asking,
      body: nothing,
      response: passkeyOptions,
      run: async (_, { entry }) => ({ body: { ...(await parts.twoFactor.askForPasskey(entry)) } }),
    }),

    showPasskey: session({
      method: 'POST',
      path: '/api/session/passkey',
      summary: 'Shows one of one’s passkeys. A new session',
      limit: showing,
      body: passkey,
      response: z.undefined(),
      run: async ({ body }, { entry, ...where }) =>
        shown(await showFactor(parts, entry, { by: 'passkey', passkey: body }, where)),
    }),

    showPassword: session({
      method: 'POST',
      path: '/api/session/password',
      summary: 'Shows once more who one is, where the password is all there is. A new session',
      limit: showing,
      body: z.strictObject({ password: passwordField }),
      response: z.undefined(),
      run: async ({ body }, { entry, ...where }) =>
        shown(await showPassword(parts, entry, body.password, { ...where, client: clientKey(where.address) })),
    }),
  }
}

function fromOf({ userAgent, address, cookieHeader, entry }: Caller): From {
  return { userAgent, address, cookies: cookieHeader, ...(entry && { entry }) }
}
