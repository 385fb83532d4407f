import { z } from 'zod'
import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { type Limit, open, session } from '../../platform/http/route.ts'
import { type Mail, newToken, type Site, tokenHash } from '../accounts/accounts.ts'
import { linkDead } from '../accounts/refusals.ts'
import type { Decide } from '../rate-limits/rate-limits.ts'
import { noFactorToRecover } from './refusals.ts'

const looking: Limit = { name: 'recovery', quota: 300, windowSeconds: 60 }
const opening: Limit = { name: 'recovery-link', quota: 60, windowSeconds: 600 }
/** Each is a mail to the owner. */
const asking: Limit = { name: 'ask-recovery', quota: 3, windowSeconds: 86_400 }

/** Limits that no route carries: the limiter has to know them too. */
export const recoveryLimits: readonly Limit[] = [asking]

const nothing = z.strictObject({})
const token = z.string().min(1).max(200)

/** `identity`: the login role that signs in. `decide`: the exact decision of rate limits. */
export function recoveryRoutes(needs: { readonly identity: Login; readonly site: Site; readonly decide: Decide }) {
  const { identity, site, decide } = needs
  return {
    recovery: session({
      method: 'GET',
      path: '/api/recovery',
      summary: 'Whether the factors of this account are about to be removed, and when',
      limit: looking,
      response: z.strictObject({ dueAt: z.iso.datetime({ offset: true }).nullable() }),
      run: async (_, { entry }) => {
        const [found] = await identity.query(
          sql<{ dueAt: string | null }>`select holdfast.my_recovery(${entry}) as "dueAt"`,
        )
        return { body: { dueAt: found!.dueAt } }
      },
    }),

    askRecovery: session({
      method: 'POST',
      path: '/api/recovery',
      summary: 'Sends a link that begins the removal of all factors, for whoever has lost them and every code',
      limit: looking,
      body: nothing,
      response: nothing,
      run: async (_, { entry }) => {
        const [mine] = await identity.query(sql<{ person: string }>`select person from holdfast.my_factors(${entry})`)
        await decide(mine!.person, asking)
        const link = newToken()
        const mail = askedMail(site, link.token)
        const [answer] = await identity.query(
          sql<{
            asked: boolean
          }>`select holdfast.ask_recovery(${entry}, ${link.hash}, ${mail.subject}, ${mail.text}) as asked`,
        )
        if (!answer!.asked) throw new Refusal(noFactorToRecover)
        return { status: 202, body: {} }
      },
    }),

    beginRecovery: open({
      method: 'POST',
      path: '/api/recovery/begin',
      summary: 'Begins the seven days after which all factors are removed, by the link of a mail',
      limit: opening,
      body: z.strictObject({ token }),
      response: z.strictObject({ dueAt: z.iso.datetime({ offset: true }) }),
      run: async ({ body }) => {
        const stop = newToken()
        const [begun, middle, done] = [begunMail(site, stop.token), middleMail(site, stop.token), doneMail(site)]
        const [answer] = await identity.query(sql<{ dueAt: string | null }>`
          select holdfast.begin_recovery(${tokenHash(body.token)}, ${stop.hash}, ${begun.subject}, ${begun.text},
            ${middle.subject}, ${middle.text}, ${done.subject}, ${done.text}) as "dueAt"`)
        if (answer!.dueAt === null) throw new Refusal(linkDead)
        return { body: { dueAt: answer!.dueAt } }
      },
    }),

    stopRecovery: open({
      method: 'POST',
      path: '/api/recovery/stop',
      summary: 'Stops the removal of all factors, by the link that stands in each mail about it',
      limit: opening,
      body: z.strictObject({ token }),
      response: nothing,
      run: async ({ body }) => {
        const [answer] = await identity.query(
          sql<{ stopped: boolean | null }>`select holdfast.stop_recovery(${tokenHash(body.token)}) as stopped`,
        )
        if (answer!.stopped !== true) throw new Refusal(linkDead)
        return { body: {} }
      },
    }),
  }
}

function askedMail({ title, origin }: Site, begin: string): Mail {
  return {
    subject: `Have you lost every second factor for ${title}?`,
    text: `Somebody who knows your password for ${title} says that they have lost every second factor and every recovery code.

If it was you, begin the recovery here:

${origin}/begin-recovery#${begin}

The link works once, for 30 minutes. The factors are removed seven days after that, and we remind you in between.

If it was not you, change your password: somebody knows it.

${origin}/forgotten
`,
  }
}

function begunMail({ title, origin }: Site, stop: string): Mail {
  return {
    subject: `In seven days your second factors for ${title} will be removed`,
    text: `A recovery of your account with ${title} has begun. In seven days all its second factors are removed.

If it was not you, stop it here, and change your password:

${origin}/stop-recovery#${stop}

Signing in with a second factor or a recovery code stops it too.
`,
  }
}

function middleMail({ title, origin }: Site, stop: string): Mail {
  return {
    subject: `In about three days your second factors for ${title} will be removed`,
    text: `The recovery of your account with ${title} goes on. In about three days all its second factors are removed.

If it was not you, stop it here, and change your password:

${origin}/stop-recovery#${stop}

Signing in with a second factor or a recovery code stops it too.
`,
  }
}

function doneMail({ title, origin }: Site): Mail {
  return {
    subject: `Your second factors for ${title} were removed`,
    text: `The recovery of your account with ${title} is over: all second factors and recovery codes are gone, and all sessions have
ended. Sign in with your password, and set a new second factor up:

${origin}/sign-in

If it was not you, choose a new password at once:

${origin}/forgotten
`,
  }
}
