import { z } from 'zod'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { type Limit, read, session, write } from '../../platform/http/route.ts'
import { addressKey, type Site } from '../accounts/accounts.ts'
import { address, id, text } from '../input-validation/fields.ts'
import type { Decide } from '../rate-limits/rate-limits.ts'
import { memberQuery, pageOfMembers, readMembers } from './member-pages.ts'
import {
  acceptInvitation,
  demandSecondFactor,
  foundOrganisation,
  giveRole,
  handOwnershipOver,
  invite,
  type Me,
  type People,
  readInvited,
  readMe,
  readPlace,
  removeMember,
  resendInvitation,
  resetFactors,
  withdrawInvitation,
} from './organisations.ts'

const looking: Limit = { name: 'me', quota: 600, windowSeconds: 60 }
const founding: Limit = { name: 'found-organisation', quota: 60, windowSeconds: 3600 }
const accepting: Limit = { name: 'accept-invitation', quota: 60, windowSeconds: 3600 }
const listing: Limit = { name: 'members', quota: 300, windowSeconds: 60 }
const inviting: Limit = { name: 'invite', quota: 120, windowSeconds: 3600 }
/** Mails of one organisation, whoever of its members sends them; of those to one address; and to one address from all. */
const invitingAll: Limit = { name: 'invite-organisation', quota: 300, windowSeconds: 86_400 }
const invitingOne: Limit = { name: 'invite-address', quota: 10, windowSeconds: 86_400 }
const invitingEverywhere: Limit = { name: 'invite-address-all', quota: 30, windowSeconds: 86_400 }

/** Limits that no route carries: the limiter has to know them too. */
export const organisationLimits: readonly Limit[] = [invitingAll, invitingOne, invitingEverywhere]
const changing: Limit = { name: 'change-members', quota: 120, windowSeconds: 60 }
const securing: Limit = { name: 'secure-organisation', quota: 60, windowSeconds: 3600 }

/** As JSON functions of PostgreSQL write it: `2026-11-20T08:00:00.123456+00:00`. */
const time = z.iso.datetime({ offset: true })
const nothing = z.strictObject({})

const member = z.strictObject({
  person: id(),
  name: z.string(),
  address: z.string(),
  role: z.string(),
  joinedAt: time,
  /** Whether they have one; null where the caller may not know, who lacks organisation.secure. */
  secondFactor: z.boolean().nullable(),
})
const invitation = z.strictObject({
  id: id(),
  address: z.string(),
  role: z.string(),
  invitedAt: time,
  expiresAt: time,
})
const you = z.strictObject({ person: id(), role: z.string(), permissions: z.array(z.string()) })
/** The key of a role: the product's name for it, or the id of one of the organisation's own. */
const roleKey = text({ max: 60 })

/** For products of either kind. `app`: the application's login role, before it has entered anything. */
export function personRoutes({ app, people }: { readonly app: Login; readonly people: People }) {
  return {
    me: session({
      method: 'GET',
      path: '/api/me',
      summary: 'Who is signed in, and the organisations of that person',
      limit: looking,
      response: z.strictObject({
        person: z.strictObject({ id: id(), name: z.string(), address: z.string(), verified: z.boolean() }),
        organisations: z.array(z.strictObject({ id: id(), name: z.string(), role: z.string(), roleName: z.string() })),
      }),
      run: async (_, { entry }) => {
        const { person, organisations }: Me = await readMe(app, entry, people)
        return { body: { person, organisations: [...organisations] } }
      },
    }),
  }
}

/** For products of organisations alone: they need the permissions members.read, .invite and .remove, organisation.secure and roles.manage. */
export function organisationRoutes(needs: { readonly app: Login; readonly site: Site; readonly decide: Decide }) {
  const { app, site, decide } = needs
  return {
    createOrganisation: session({
      method: 'POST',
      path: '/api/organisations',
      summary: 'A new organisation, owned by whoever asks',
      limit: founding,
      body: z.strictObject({ name: text({ max: 200 }) }),
      response: z.strictObject({ id: id() }),
      run: async ({ body }, { entry }) => ({
        status: 201,
        body: { id: await foundOrganisation(app, entry, body.name) },
      }),
    }),

    acceptInvitation: session({
      method: 'POST',
      path: '/api/invitations/accept',
      summary: 'Becomes a member by an invitation to one’s own address',
      limit: accepting,
      body: z.strictObject({ token: z.string().min(1).max(200) }),
      response: z.strictObject({ organisation: id() }),
      run: async ({ body }, { entry }) => ({ body: { organisation: await acceptInvitation(app, entry, body.token) } }),
    }),

    place: session({
      method: 'GET',
      path: '/api/organisations/:id',
      summary: 'One’s own place in an organisation: the role, and what it may',
      limit: looking,
      params: z.strictObject({ id: id() }),
      response: z.strictObject({
        id: id(),
        name: z.string(),
        person: id(),
        role: z.string(),
        permissions: z.array(z.string()),
      }),
      run: async ({ params }, { entry }) => {
        const place = await readPlace(app, entry, params.id)
        return { body: { ...place, permissions: [...place.permissions] } }
      },
    }),

    members: read({
      method: 'GET',
      path: '/api/o/:organisation/members',
      summary: 'The members, a hundred at a time, the open invitations, and what one may do oneself',
      needs: 'members.read',
      limit: listing,
      query: memberQuery,
      response: z.strictObject({
        members: z.array(member),
        /** The cursor of the next page; null on the last one. */
        next: z.string().nullable(),
        /** On the first page; empty on the others. */
        invitations: z.array(invitation),
        you,
      }),
      statement: ({ query }) => readMembers<z.output<typeof invitation>, z.output<typeof you>>(query),
      answer: ([row]) => pageOfMembers(row!),
    }),

    invite: write({
      method: 'POST',
      path: '/api/o/:organisation/invitations',
      summary: 'Invites an address; a mail with a link that works once is sent there',
      needs: 'members.invite',
      limit: inviting,
      // Whom a key invited would stay when it is withdrawn.
      onlySessions: true,
      idempotent: true,
      body: z.strictObject({ address: address(), role: roleKey }),
      response: z.strictObject({ id: id() }),
      run: async (transaction, { body }, { entry }) => {
        await decideMail(decide, transaction.organisation, body.address)
        return { status: 201, body: { id: await invite(transaction, entry!, site, body) } }
      },
    }),

    resendInvitation: write({
      method: 'POST',
      path: '/api/o/:organisation/invitations/:id/resend',
      summary: 'Sends an invitation again: the link before is dead, and the new one works for seven days',
      needs: 'members.invite',
      limit: inviting,
      // Whom a key invited would stay when it is withdrawn.
      onlySessions: true,
      idempotent: true,
      params: z.strictObject({ id: id() }),
      body: nothing,
      response: z.undefined(),
      run: async (transaction, { params }) => {
        await decideMail(decide, transaction.organisation, await readInvited(transaction, params.id))
        await resendInvitation(transaction, site, params.id)
        return { status: 204, body: undefined }
      },
    }),

    withdrawInvitation: write({
      method: 'DELETE',
      path: '/api/o/:organisation/invitations/:id',
      summary: 'Withdraws an invitation: its link opens nothing any more',
      needs: 'members.invite',
      limit: changing,
      params: z.strictObject({ id: id() }),
      response: z.undefined(),
      run: async (transaction, { params }) => {
        await withdrawInvitation(transaction, params.id)
        return { status: 204, body: undefined }
      },
    }),

    giveRole: write({
      method: 'PUT',
      path: '/api/o/:organisation/members/:person/role',
      summary: 'Gives a member another role, from their next request on',
      needs: 'roles.manage',
      limit: changing,
      onlySessions: true,
      params: z.strictObject({ person: id() }),
      body: z.strictObject({ role: roleKey }),
      response: z.undefined(),
      run: async (transaction, { params, body }, { entry }) => {
        await giveRole(transaction, entry!, { ...params, ...body })
        return { status: 204, body: undefined }
      },
    }),

    handOwnershipOver: write({
      method: 'POST',
      path: '/api/o/:organisation/ownership',
      summary: 'Makes a member the owner in one’s own place; both get a mail',
      needs: 'roles.manage',
      limit: securing,
      onlySessions: true,
      body: z.strictObject({ person: id(), keep: roleKey }),
      response: z.undefined(),
      run: async (transaction, { body }, { entry }) => {
        await handOwnershipOver(transaction, entry!, site, body)
        return { status: 204, body: undefined }
      },
    }),

    removeMember: write({
      method: 'DELETE',
      path: '/api/o/:organisation/members/:person',
      summary: 'Ends a membership: the organisation is closed to that person from the next request on',
      needs: 'members.remove',
      limit: changing,
      params: z.strictObject({ person: id() }),
      response: z.undefined(),
      run: async (transaction, { params }) => {
        await removeMember(transaction, params.person)
        return { status: 204, body: undefined }
      },
    }),

    leave: write({
      method: 'POST',
      path: '/api/o/:organisation/leave',
      summary: 'Ends one’s own membership',
      needs: 'members.read',
      limit: changing,
      body: nothing,
      response: z.undefined(),
      run: async (transaction) => {
        await removeMember(transaction, transaction.person)
        return { status: 204, body: undefined }
      },
    }),

    secondFactors: read({
      method: 'GET',
      path: '/api/o/:organisation/second-factor',
      summary:
        'Whether a second factor is demanded of every member, how many have none, and whether one has one oneself',
      needs: 'organisation.secure',
      limit: listing,
      response: z.strictObject({ demanded: z.boolean(), without: z.int(), own: z.boolean() }),
      statement: () => sql<{ demanded: boolean; without: number; own: boolean }>`
        select exists (select from holdfast.mandate) as demanded, holdfast.count_without_factor() as without,
               holdfast.members_with_factor(array[holdfast.person()]) <> '{}' as own`,
      answer: ([row]) => row!,
    }),

    demandSecondFactor: write({
      method: 'PUT',
      path: '/api/o/:organisation/second-factor',
      summary: 'Demands a second factor of every member, from the next request on, or no longer',
      needs: 'organisation.secure',
      limit: securing,
      onlySessions: true,
      body: z.strictObject({ demanded: z.boolean() }),
      response: z.undefined(),
      run: async (transaction, { body }, { entry }) => {
        await demandSecondFactor(transaction, entry!, body.demanded)
        return { status: 204, body: undefined }
      },
    }),

    resetFactors: write({
      method: 'POST',
      path: '/api/o/:organisation/members/:person/reset-factors',
      summary:
        'Takes the second factors of a member away, who has lost them. All their sessions end, and they get a mail',
      needs: 'organisation.secure',
      limit: securing,
      onlySessions: true,
      params: z.strictObject({ person: id() }),
      body: nothing,
      response: z.undefined(),
      run: async (transaction, { params }, { entry }) => {
        await resetFactors(transaction, entry!, site, params.person)
        return { status: 204, body: undefined }
      },
    }),
  }
}

/** What may be mailed to one address, and by one organisation: before anything is sent. */
async function decideMail(decide: Decide, organisation: string, to: string): Promise<void> {
  await decide(organisation, invitingAll)
  await decide(`${organisation} ${addressKey(to)}`, invitingOne)
  await decide(addressKey(to), invitingEverywhere)
}
