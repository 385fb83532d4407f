import { z } from 'zod'
import type { Login } from '../../platform/database/login.ts'
import { type Limit, open, session } from '../../platform/http/route.ts'
import { address, text } from '../input-validation/fields.ts'
import { clientKey, type Decide } from '../rate-limits/rate-limits.ts'
import { personOf, rename } from './accounts.ts'
import {
  askAddressChange,
  cancelAddress,
  confirmAddress,
  dropAddressChange,
  readAddressChange,
} from './address-changes.ts'
import { addressKey } from './address-key.ts'
import { closeAccount, keepAccount } from './closing.ts'
import type { Site } from './mails.ts'
import { askReset, changePassword, finishReset } from './password-changes.ts'
import { type Passwords, passwordField } from './passwords.ts'
import { confirmSignUp, signUp, signUpAgain, waitingKey } from './sign-up.ts'
import { signUpCookie } from './sign-up-cookie.ts'

const signingUp: Limit = { name: 'sign-up', quota: 60, windowSeconds: 3600 }
/** For one address from one client, mails that are sent again among them. Others' requests must not use it up: the owner of the address signs up too. */
const signingUpOne: Limit = { name: 'sign-up-address', quota: 5, windowSeconds: 3600 }
/** For one address, whoever asks: its owner gets no more mails than this. */
const signingUpAll: Limit = { name: 'sign-up-address-all', quota: 20, windowSeconds: 3600 }
const verifying: Limit = { name: 'verify', quota: 60, windowSeconds: 600 }
const verifyingAgain: Limit = { name: 'verify-again', quota: 20, windowSeconds: 3600 }
const resetting: Limit = { name: 'reset', quota: 60, windowSeconds: 3600 }
const resettingOne: Limit = { name: 'reset-address', quota: 5, windowSeconds: 3600 }
const resettingAll: Limit = { name: 'reset-address-all', quota: 20, windowSeconds: 3600 }
const resetFinishing: Limit = { name: 'reset-finish', quota: 60, windowSeconds: 600 }
const confirmingAddress: Limit = { name: 'confirm-address', quota: 60, windowSeconds: 600 }
const cancellingAddress: Limit = { name: 'cancel-address', quota: 60, windowSeconds: 600 }
const keeping: Limit = { name: 'keep-account', quota: 60, windowSeconds: 600 }
const looking: Limit = { name: 'account', quota: 300, windowSeconds: 60 }
const changing: Limit = { name: 'change-account', quota: 300, windowSeconds: 3600 }
/** Wrong current passwords of one session: each costs a hash. */
const changingPassword: Limit = { name: 'change-password', quota: 10, windowSeconds: 900 }
/** Of one person, in whatever session. Each sends two mails. */
const moving: Limit = { name: 'change-address', quota: 5, windowSeconds: 86_400 }

/** Limits that no route carries: the limiter has to know them too. */
export const accountLimits: readonly Limit[] = [
  signingUpOne,
  signingUpAll,
  resettingOne,
  resettingAll,
  changingPassword,
  moving,
]

const nothing = z.strictObject({})
const token = z.string().min(1).max(200)
const waitsFor = z.enum(['both', 'new', 'old'])

/** `decide`: the exact decision of rate limits. */
export function accountRoutes(needs: {
  readonly product: string
  readonly identity: Login
  readonly passwords: Passwords
  readonly site: Site
  readonly decide: Decide
}) {
  const { product, identity, site, decide } = needs
  const cookie = signUpCookie(product, site.origin.startsWith('https:'))
  const countSignUp = async (key: string, client: string) => {
    await decide(`${key} ${client}`, signingUpOne)
    await decide(key, signingUpAll)
  }
  return {
    signUp: open({
      method: 'POST',
      path: '/api/sign-up',
      summary: 'Asks for an account. The answer is the same whether or not the address has one already',
      limit: signingUp,
      body: z.strictObject({ name: text({ max: 200 }), address: address(), password: passwordField }),
      response: nothing,
      run: async ({ body }, caller) => {
        const client = clientKey(caller.address)
        const count = () => countSignUp(addressKey(body.address), client)
        const { browser } = await signUp(needs, { ...body, client, count })
        return { status: 202, body: {}, cookies: [cookie.set(browser)] }
      },
    }),

    verify: open({
      method: 'POST',
      path: '/api/verify',
      summary:
        'Makes the account that a link was mailed for. In another browser than the one that signed up: by its password',
      limit: verifying,
      body: z.strictObject({ token, password: passwordField.optional() }),
      response: nothing,
      run: async ({ body }, caller) => {
        const browser = cookie.read(caller.cookieHeader ?? '')
        await confirmSignUp(needs, { ...body, browser, client: clientKey(caller.address) })
        return { body: {} }
      },
    }),

    verifyAgain: open({
      method: 'POST',
      path: '/api/verify/again',
      summary: 'Sends the mail of this browser’s sign-up again',
      limit: verifyingAgain,
      body: nothing,
      response: nothing,
      run: async (_, caller) => {
        const browser = cookie.read(caller.cookieHeader ?? '')
        const key = browser && (await waitingKey(identity, browser))
        if (key) await countSignUp(key, clientKey(caller.address))
        await signUpAgain(needs, browser)
        return { status: 202, body: {} }
      },
    }),

    askReset: open({
      method: 'POST',
      path: '/api/reset',
      summary: 'Sends a link to reset the password. The answer is the same whether or not the address has an account',
      limit: resetting,
      body: z.strictObject({ address: address() }),
      response: nothing,
      run: async ({ body }, caller) => {
        await decide(`${addressKey(body.address)} ${clientKey(caller.address)}`, resettingOne)
        await decide(addressKey(body.address), resettingAll)
        await askReset(needs, body.address)
        return { status: 202, body: {} }
      },
    }),

    finishReset: open({
      method: 'POST',
      path: '/api/reset/finish',
      summary: 'Sets a new password by the link of a mail; every session ends',
      limit: resetFinishing,
      body: z.strictObject({ token, password: passwordField }),
      response: nothing,
      run: async ({ body }, caller) => {
        await finishReset(needs, { ...body, client: clientKey(caller.address) })
        return { body: {} }
      },
    }),

    account: session({
      method: 'GET',
      path: '/api/account',
      summary: 'What is under way for one’s own account',
      limit: looking,
      response: z.strictObject({
        addressChange: z
          .strictObject({ address: z.string(), waitsFor, expiresAt: z.iso.datetime({ offset: true }) })
          .nullable(),
      }),
      run: async (_, { entry }) => ({ body: { addressChange: (await readAddressChange(identity, entry)) ?? null } }),
    }),

    rename: session({
      method: 'PUT',
      path: '/api/account/name',
      summary: 'Changes one’s own name, in the organisations too',
      limit: changing,
      body: z.strictObject({ name: text({ max: 200 }) }),
      response: nothing,
      run: async ({ body }, { entry }) => {
        await rename(identity, entry, body.name)
        return { body: {} }
      },
    }),

    changePassword: session({
      method: 'POST',
      path: '/api/account/password',
      summary: 'Changes one’s own password; every other session ends',
      limit: changing,
      body: z.strictObject({ current: passwordField, password: passwordField }),
      response: nothing,
      run: async ({ body }, { entry, session, ...caller }) => {
        await decide(`session ${session}`, changingPassword)
        await changePassword(needs, { ...body, entry, client: clientKey(caller.address) })
        return { body: {} }
      },
    }),

    askAddressChange: session({
      method: 'POST',
      path: '/api/account/address',
      summary: 'Asks for another email address. Nothing changes before it is confirmed',
      limit: changing,
      body: z.strictObject({ address: address() }),
      response: z.strictObject({ waitsFor }),
      run: async ({ body }, { entry }) => {
        await decide(await personOf(identity, entry), moving)
        return { status: 202, body: await askAddressChange(needs, { ...body, entry }) }
      },
    }),

    dropAddressChange: session({
      method: 'DELETE',
      path: '/api/account/address',
      summary: 'Gives a change of one’s email address up, as long as it waits',
      limit: changing,
      response: z.undefined(),
      run: async (_, { entry }) => {
        await dropAddressChange(identity, entry)
        return { status: 204, body: undefined }
      },
    }),

    confirmAddress: open({
      method: 'POST',
      path: '/api/address/confirm',
      summary: 'Says yes to a change of email address, by the link that was mailed to one of the two',
      limit: confirmingAddress,
      body: z.strictObject({ token }),
      response: z.strictObject({ came: z.enum(['waiting', 'changed']) }),
      run: async ({ body }, { entry }) => ({ body: { came: await confirmAddress(needs, body.token, entry) } }),
    }),

    cancelAddress: open({
      method: 'POST',
      path: '/api/address/cancel',
      summary: 'Stops a change of email address, or takes it back for seven days, by the link mailed to the old one',
      limit: cancellingAddress,
      body: z.strictObject({ token }),
      response: z.strictObject({ came: z.enum(['stopped', 'undone']) }),
      run: async ({ body }) => ({ body: { came: await cancelAddress(needs, body.token) } }),
    }),

    closeAccount: session({
      method: 'POST',
      path: '/api/account/close',
      summary: 'Closes one’s own account at once, and deletes it after fourteen days',
      limit: changing,
      body: nothing,
      response: nothing,
      run: async (_, { entry }) => {
        await closeAccount(needs, entry)
        return { body: {} }
      },
    }),

    keepAccount: open({
      method: 'POST',
      path: '/api/account/keep',
      summary: 'Opens an account again that its owner had closed, by the link of the mail',
      limit: keeping,
      body: z.strictObject({ token }),
      response: nothing,
      run: async ({ body }) => {
        await keepAccount(needs, body.token)
        return { body: {} }
      },
    }),
  }
}
