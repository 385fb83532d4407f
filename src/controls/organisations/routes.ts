import { z } from 'zod'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { type Limit, read, session, write } from '../../platform/http/route.ts'
import { addressKey, type Site } from '../accounts/accounts.ts'
import { address, id, text } from '../input-validation/fields.ts'
import type { Decide } from '../rate-limits/rate-limits.ts'
import {
  acceptInvitation,
  demandSecondFactor,
  foundOrganisation,
  invite,
  type Me,
  type People,
  readMe,
  removeMember,
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
const changing: Limit = { name: 'change-members', quota: 60, windowSeconds: 60 }
const securing: Limit = { name: 'secure-organisation', quota: 60, windowSeconds: 3600 }

/** As JSON functions of PostgreSQL write it: `2026-11-20T08:00:00.123456+00:00`. */
const time = z.iso.datetime({ offset: true })
const nothing = z.strictObject({})

const member = z.strictObject({ person: id(), name: z.string(), address: z.string(), role: z.string(), joinedAt: time })
const invitation = z.strictObject({
  id: id(),
  address: z.string(),
  role: z.string(),
  invitedAt: time,
  expiresAt: time,
})
const members = z.strictObject({
  members: z.array(member),
  invitations: z.array(invitation),
  you: z.strictObject({ person: id(), role: z.string(), permissions: z.array(z.string()) }),
})

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
        organisations: z.array(z.strictObject({ id: id(), name: z.string(), role: z.string() })),
      }),
      run: async (_, { entry }) => {
        const { person, organisations }: Me = await readMe(app, entry, people)
        return { body: { person, organisations: [...organisations] } }
      },
    }),
  }
}

/** For products of organisations alone: they need the permissions members.read, .invite and .remove, and organisation.secure. */
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

    members: read({
      method: 'GET',
      path: '/api/o/:organisation/members',
      summary: 'The members, the open invitations, and what one may do oneself',
      needs: 'members.read',
      limit: listing,
      response: members,
      statement: () => sql<z.output<typeof members>>`
        select (select json_agg(json_build_object('person', m.person_id, 'name', m.name, 'address', m.address, 'role', m.role,
                                                  'joinedAt', m.joined_at) order by m.name, m.person_id)
                  from holdfast.member m) as members,
               (select coalesce(json_agg(json_build_object('id', i.id, 'address', i.address, 'role', i.role, 'invitedAt', i.created_at,
                                                           'expiresAt', i.expires_at) order by i.created_at, i.id), '[]')
                  from holdfast.invitation i where i.expires_at > clock_timestamp()) as invitations,
               (select json_build_object('person', m.person_id, 'role', r.name, 'permissions',
                         (select coalesce(json_agg(p.name order by p.name), '[]') from holdfast.permission p
                           where (r.permissions >> p.bit) & 1 = 1))
                  from holdfast.member m join holdfast.role r on r.name = m.role
                 where m.person_id = holdfast.person()) as you`,
      answer: ([row]) => row!,
    }),

    invite: write({
      method: 'POST',
      path: '/api/o/:organisation/invitations',
      summary: 'Invites an address; a mail with a link that works once is sent there',
      needs: 'members.invite',
      limit: inviting,
      idempotent: true,
      body: z.strictObject({ address: address(), role: text({ max: 60 }) }),
      response: z.strictObject({ id: id() }),
      run: async (transaction, { body }) => {
        await decide(transaction.organisation, invitingAll)
        await decide(`${transaction.organisation} ${addressKey(body.address)}`, invitingOne)
        await decide(addressKey(body.address), invitingEverywhere)
        return { status: 201, body: { id: await invite(transaction, site, body) } }
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
      summary: 'Whether a second factor is demanded of every member, and who has none',
      needs: 'organisation.secure',
      limit: listing,
      response: z.strictObject({ demanded: z.boolean(), without: z.array(id()) }),
      statement: () => sql<{ demanded: boolean; without: string[] }>`
        select exists (select from holdfast.mandate) as demanded,
               (select coalesce(json_agg(w.person order by w.person), '[]') from holdfast.members_without_factor() w) as without`,
      answer: ([row]) => row!,
    }),

    demandSecondFactor: write({
      method: 'PUT',
      path: '/api/o/:organisation/second-factor',
      summary: 'Demands a second factor of every member, from the next request on, or no longer',
      needs: 'organisation.secure',
      limit: securing,
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
