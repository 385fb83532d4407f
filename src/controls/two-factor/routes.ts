import { z } from 'zod'
import type { Login } from '../../platform/database/login.ts'
import { type Caller, type Limit, session } from '../../platform/http/route.ts'
import { id, text } from '../input-validation/fields.ts'
import type { Evidence, Sessions } from '../sessions/sessions.ts'
import type { TwoFactor } from './two-factor.ts'

const looking: Limit = { name: 'factors', quota: 300, windowSeconds: 60 }
const changing: Limit = { name: 'change-factors', quota: 60, windowSeconds: 3600 }

const nothing = z.strictObject({})
const time = z.iso.datetime({ offset: true })
/** Six digits, as they are typed: apps show them in two groups. */
export const code = z
  .string()
  .max(20)
  .overwrite((typed) => typed.replace(/\s+/g, ''))
  .regex(/^\d{6}$/, { error: 'must be six digits' })
export const base64url = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[\w-]+$/)
const passkeyId = base64url(1364)

const factors = z.strictObject({
  factors: z.array(
    z.strictObject({
      kind: z.enum(['totp', 'passkey']),
      id: z.string().nullable(),
      name: z.string().nullable(),
      enrolledAt: time,
      usedAt: time.nullable(),
      backedUp: z.boolean().nullable(),
    }),
  ),
  codesLeft: z.int(),
  demanded: z.boolean(),
})
/** Empty where the person has some already. */
const codes = z.strictObject({ recoveryCodes: z.array(z.string()) })

/** One's own factors. `identity`: the login role that replaces sessions. */
export function twoFactorRoutes(parts: {
  readonly identity: Login
  readonly sessions: Sessions
  readonly twoFactor: TwoFactor
}) {
  const { identity, sessions, twoFactor } = parts
  const replace = ({ entry, userAgent, address }: Caller & { entry: Uint8Array }, evidence: Evidence) =>
    sessions.replace(identity, entry, evidence, { userAgent, address })

  /** The session that has added a factor goes on as one that has shown it; whoever has no recovery codes gets some. */
  const afterAdding = async (caller: Caller & { entry: Uint8Array }, shown: string) => {
    const issued = await replace(caller, { assurance: 2, shown })
    const { codesLeft } = await twoFactor.factorsOf(issued.entry)
    const recoveryCodes = codesLeft > 0 ? [] : await twoFactor.renewRecoveryCodes(issued.entry)
    return { body: { recoveryCodes: [...recoveryCodes] }, cookies: [issued.cookie] }
  }
  const remove = async (caller: Caller & { entry: Uint8Array }, passkey: string | undefined) => {
    const left = await twoFactor.removeFactor(caller.entry, passkey)
    const alone = !left.totp && left.passkeys === 0
    const { cookie } = await replace(
      caller,
      alone ? { assurance: 1, shown: 'password' } : { assurance: 2, shown: 'factor' },
    )
    return { status: 204, body: undefined, cookies: [cookie] }
  }

  return {
    factors: session({
      method: 'GET',
      path: '/api/account/factors',
      summary: 'One’s own second factors, and how many recovery codes are left',
      limit: looking,
      response: factors,
      run: async (_, { entry }) => {
        const list = await twoFactor.listFactors(entry)
        const { codesLeft, demanded } = await twoFactor.factorsOf(entry)
        return { body: { factors: list, codesLeft, demanded } }
      },
    }),

    beginTotp: session({
      method: 'POST',
      path: '/api/account/factors/totp',
      summary: 'A key for an authenticator app, shown once. It counts after one of its codes was confirmed',
      limit: changing,
      body: nothing,
      response: z.strictObject({ enrolment: id(), link: z.string(), key: z.string(), qr: z.array(z.string()) }),
      run: async (_, { entry }) => ({ status: 201, body: await twoFactor.beginTotp(entry) }),
    }),

    confirmTotp: session({
      method: 'POST',
      path: '/api/account/factors/totp/confirm',
      summary: 'The authenticator app becomes a second factor. All other sessions end',
      limit: changing,
      body: z.strictObject({ enrolment: id(), code }),
      response: codes,
      run: async ({ body }, caller) => {
        await twoFactor.confirmTotp(caller.entry, body.enrolment, body.code)
        return afterAdding(caller, 'password totp')
      },
    }),

    removeTotp: session({
      method: 'DELETE',
      path: '/api/account/factors/totp',
      summary: 'Removes the authenticator app. All other sessions end',
      limit: changing,
      response: z.undefined(),
      run: (_, caller) => remove(caller, undefined),
    }),

    newPasskeyOptions: session({
      method: 'POST',
      path: '/api/account/factors/passkeys/options',
      summary: 'What the browser needs to make a passkey (WebAuthn). For one answer, within five minutes',
      limit: changing,
      body: nothing,
      response: z.record(z.string(), z.unknown()),
      run: async (_, { entry }) => ({ body: { ...(await twoFactor.askForNewPasskey(entry)) } }),
    }),

    addPasskey: session({
      method: 'POST',
      path: '/api/account/factors/passkeys',
      summary: 'The passkey becomes a factor. All other sessions end',
      limit: changing,
      body: z.strictObject({
        name: text({ max: 60 }),
        id: passkeyId,
        clientDataJSON: base64url(4096),
        attestationObject: base64url(20_000),
        transports: z.array(z.enum(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'])).max(7),
      }),
      response: codes,
      run: async ({ body: { name, ...sent } }, caller) => {
        await twoFactor.addPasskey(caller.entry, name, sent)
        return afterAdding(caller, 'password passkey')
      },
    }),

    renamePasskey: session({
      method: 'PATCH',
      path: '/api/account/factors/passkeys/:passkey',
      summary: 'Another name for a passkey',
      limit: changing,
      params: z.strictObject({ passkey: passkeyId }),
      body: z.strictObject({ name: text({ max: 60 }) }),
      response: z.undefined(),
      run: async ({ params, body }, { entry }) => {
        await twoFactor.renamePasskey(entry, params.passkey, body.name)
        return { status: 204, body: undefined }
      },
    }),

    removePasskey: session({
      method: 'DELETE',
      path: '/api/account/factors/passkeys/:passkey',
      summary: 'Removes a passkey. All other sessions end',
      limit: changing,
      params: z.strictObject({ passkey: passkeyId }),
      response: z.undefined(),
      run: ({ params }, caller) => remove(caller, params.passkey),
    }),

    renewRecoveryCodes: session({
      method: 'POST',
      path: '/api/account/recovery-codes',
      summary: 'Ten new recovery codes, shown this once. The old ones are dead',
      limit: changing,
      body: nothing,
      response: codes,
      run: async (_, { entry }) => ({ body: { recoveryCodes: [...(await twoFactor.renewRecoveryCodes(entry))] } }),
    }),
  }
}
