import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { notFound } from '../../platform/http/refusals.ts'
import type { Transaction } from '../../platform/http/route.ts'
import { addressKey, newToken, type Site, tokenHash } from '../accounts/accounts.ts'
import { factorResetMail, invitationMail, ownershipGivenMail, ownershipTakenMail } from './mails.ts'
import {
  invitationDead,
  lastOwner,
  memberAlready,
  memberElsewhere,
  noFactorToReset,
  oneselfReset,
  ownerAlready,
  ownFactorFirst,
  roleUnknown,
} from './refusals.ts'

/** organisations: people found them and invite others. individuals: each person silently has one of their own. */
export type People = 'organisations' | 'individuals'

/** What the bearer of a live session is told about himself. Times, roles and ids as the database has them. */
export interface Me {
  readonly person: { readonly id: string; readonly name: string; readonly address: string; readonly verified: boolean }
  readonly organisations: readonly {
    readonly id: string
    readonly name: string
    /** The key of the role. */
    readonly role: string
    /** What the organisation calls a role of its own; the key, for those of the product. */
    readonly roleName: string
  }[]
}

// The verbs below take D, the session's own secret, or run inside an entered transaction. They throw DatabaseErrors: HF401 no
// live session, HF403 not permitted, HF404 no such member, HF412 address not verified, HF429 past a cap.

/** For individuals the organisation of one is founded here, when a verified person first looks. */
export async function readMe(app: Login, entry: Uint8Array, people: People): Promise<Me> {
  const me = await askMe(app, entry)
  if (people === 'organisations' || me.organisations.length > 0 || !me.person.verified) return me
  await app.query(sql`select holdfast.own_organisation(${entry})`)
  return askMe(app, entry)
}

async function askMe(app: Login, entry: Uint8Array): Promise<Me> {
  const [me] = await app.query(sql<Me>`
    select json_build_object('id', a.person, 'name', a.name, 'address', a.address, 'verified', a.verified) as person,
           (select coalesce(json_agg(json_build_object('id', o.id, 'name', o.name, 'role', o.role, 'roleName', o.role_name)), '[]')
              from holdfast.my_organisations(${entry}) o) as organisations
      from holdfast.my_account(${entry}) a`)
  return me!
}

/** Returns the new organisation's id; whoever presents `entry` is its owner. */
export async function foundOrganisation(app: Login, entry: Uint8Array, name: string): Promise<string> {
  const [made] = await app.query(sql<{ id: string }>`select holdfast.found_organisation(${entry}, ${name}) as id`)
  return made!.id
}

/** Returns the organisation that opened. Throws a 410 `Refusal` for a token that opens nothing for this person. */
export async function acceptInvitation(app: Login, entry: Uint8Array, token: string): Promise<string> {
  const [accepted] = await app.query(
    sql<{ organisation: string | null }>`select holdfast.accept(${entry}, ${tokenHash(token)}) as organisation`,
  )
  if (accepted!.organisation === null) throw new Refusal(invitationDead)
  return accepted!.organisation
}

/** One's own place in an organisation. */
export interface Place {
  readonly id: string
  readonly name: string
  readonly person: string
  /** The key of one's role: the product's name for it, or the id of one of the organisation's own. */
  readonly role: string
  readonly permissions: readonly string[]
}

/** Enters, for membership alone: a role that may nothing has a place too. Throws as entry does; 404 for whoever is no member. */
export async function readPlace(app: Login, entry: Uint8Array, organisation: string): Promise<Place> {
  const { rows } = await app.entered(
    { secret: entry, organisation, need: '0' },
    sql<Place>`
      select holdfast.organisation() as id, holdfast.organisation_name() as name, holdfast.person() as person, s.role,
             to_json(s.permissions) as permissions
        from holdfast.standing() s`,
  )
  return rows[0]!
}

/** Invites, inside an organisation, and queues the mail. `role`: its key. Returns the invitation's id. */
export async function invite(
  transaction: Transaction,
  entry: Uint8Array,
  site: Site,
  invited: { readonly address: string; readonly role: string },
): Promise<string> {
  const { address, role } = invited
  const { token, hash } = newToken()
  const { subject, text } = invitationMail(site, { ...(await readInviting(transaction)), token })
  const [made] = await transaction(sql<{ id: string | null }>`
    select holdfast.invite(${entry}, ${address}, ${addressKey(address)}, ${role}, ${hash}, ${subject}, ${text}) as id`).catch(
    roleUnknownAt('/body/role'),
  )
  if (made!.id === null) throw new Refusal(memberAlready)
  return made!.id
}

/** Who invites, and into what. */
async function readInviting(transaction: Transaction): Promise<{ readonly by: string; readonly organisation: string }> {
  const [inviting] = await transaction(sql<{ by: string; organisation: string }>`
    select m.name as by, holdfast.organisation_name() as organisation
      from holdfast.member m where m.person_id = holdfast.person()`)
  return inviting!
}

/** The verbs say of a role that is not there, and of another organisation's, the same. */
function roleUnknownAt(pointer: string): (error: { code?: string }) => never {
  return (error) => {
    if (error.code !== 'HF422') throw error
    throw new Refusal(roleUnknown, {
      fields: [{ pointer, reason: 'is not a role of this organisation' }],
      cause: error,
    })
  }
}

/** The address that an invitation was sent to. Throws 404 where there is none (any more). */
export async function readInvited(transaction: Transaction, id: string): Promise<string> {
  const [invited] = await transaction(sql<{ address: string }>`
    select i.address from holdfast.invitation i where i.id = ${id}`)
  if (invited === undefined) throw notFound()
  return invited.address
}

/** Sends an invitation anew: another link, for seven days from now; the one before is dead. Throws 404 where there is none. */
export async function resendInvitation(transaction: Transaction, site: Site, id: string): Promise<void> {
  const { token, hash } = newToken()
  const { subject, text } = invitationMail(site, { ...(await readInviting(transaction)), token })
  const [sent] = await transaction(sql<{ address: string | null }>`
    select holdfast.resend_invitation(${id}, ${hash}, ${subject}, ${text}) as address`)
  if (sent!.address === null) throw notFound()
}

/** Throws 404 where there is no such invitation (any more). */
export async function withdrawInvitation(transaction: Transaction, id: string): Promise<void> {
  const [gone] = await transaction(sql<{ there: boolean }>`select holdfast.revoke_invitation(${id}) as there`)
  if (!gone!.there) throw notFound()
}

/** Ends a membership, one's own included. Throws 409 for the last owner. */
export async function removeMember(transaction: Transaction, person: string): Promise<void> {
  const [done] = await transaction(sql<{ outcome: string }>`select holdfast.remove_member(${person}) as outcome`)
  if (done!.outcome === 'last-owner') throw new Refusal(lastOwner)
}

/**
 * Gives a member another role, by its key: from their next request on that is what they may. `entry`: the session that this
 * transaction was entered by, which must have shown within a quarter of an hour who it is (HF440). Throws 403 where the member or
 * the role may more than oneself, 404 for nobody, 409 for the last owner, 422.
 */
export async function giveRole(
  transaction: Transaction,
  entry: Uint8Array,
  given: { readonly person: string; readonly role: string },
): Promise<void> {
  const [done] = await transaction(
    sql<{ outcome: string }>`select holdfast.change_role(${entry}, ${given.person}, ${given.role}) as outcome`,
  ).catch(roleUnknownAt('/body/role'))
  if (done!.outcome === 'last-owner') throw new Refusal(lastOwner)
}

/**
 * Makes a member the owner in one's own place, and keeps the role `keep` oneself. Both get a mail. For owners alone; `entry` as
 * above. Throws 403, 404 for nobody, 409 for oneself, 422.
 */
export async function handOwnershipOver(
  transaction: Transaction,
  entry: Uint8Array,
  site: Site,
  to: { readonly person: string; readonly keep: string },
): Promise<void> {
  const [names] = await transaction(sql<{ organisation: string; from: string; to: string }>`
    select holdfast.organisation_name() as organisation, mine.name as "from", theirs.name as "to"
      from holdfast.member mine join holdfast.member theirs on theirs.organisation_id = mine.organisation_id
     where mine.person_id = holdfast.person() and theirs.person_id = ${to.person}`)
  if (names === undefined) throw notFound()
  const [given, taken] = [ownershipGivenMail(site, names), ownershipTakenMail(site, names)]
  const [done] = await transaction(sql<{ outcome: string }>`
    select holdfast.transfer_ownership(${entry}, ${to.person}, ${to.keep}, ${given.subject}, ${given.text},
                                       ${taken.subject}, ${taken.text}) as outcome`).catch(roleUnknownAt('/body/keep'))
  if (done!.outcome === 'same-person') throw new Refusal(ownerAlready)
}

/**
 * Demands a second factor of everybody in the organisation, or no longer: entry obeys from the next transaction on. `entry`: the
 * session that this transaction was entered by, which must have shown within a quarter of an hour who it is (HF440). Throws
 * 409 where whoever asks has no factor.
 */
export async function demandSecondFactor(
  transaction: Transaction,
  entry: Uint8Array,
  demanded: boolean,
): Promise<void> {
  const [done] = await transaction(
    sql<{ outcome: string }>`select holdfast.demand_second_factor(${entry}, ${demanded}) as outcome`,
  )
  if (done!.outcome === 'own-first') throw new Refusal(ownFactorFirst)
}

/**
 * Takes the factors and codes of a member away, ends all their sessions and mails them. Throws 409 for oneself, for whoever has
 * none, and for whoever belongs to another organisation too: that one's doors are not ours to loosen.
 */
export async function resetFactors(
  transaction: Transaction,
  entry: Uint8Array,
  site: Site,
  person: string,
): Promise<void> {
  const { subject, text } = factorResetMail(site)
  const [done] = await transaction(
    sql<{ outcome: string }>`select holdfast.reset_factors(${entry}, ${person}, ${subject}, ${text}) as outcome`,
  )
  const refusal = { oneself: oneselfReset, elsewhere: memberElsewhere, nothing: noFactorToReset }[done!.outcome]
  if (refusal !== undefined) throw new Refusal(refusal)
}
