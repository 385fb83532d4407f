import { Refusal, type RefusalKind, type RefusedField } from '../../kernel/refusal.ts'
import { sql } from '../../platform/database/statement.ts'
import type { Transaction } from '../../platform/http/route.ts'
import {
  factorToLower,
  moreThanYouHave,
  permissionUnknown,
  roleInUse,
  roleNameTaken,
  tooManyRoles,
} from './refusals.ts'

/** The permissions of the foundation's own routes, in words. A product adds those of its own. */
export const foundationPermissionTitles: Readonly<Record<string, string>> = {
  'members.read': 'See who the members are',
  'members.invite': 'Invite members, and withdraw invitations',
  'members.remove': 'Remove members',
  'organisation.secure': 'Demand second factors, and reset those of members',
  'roles.manage': 'Make roles, and give them to members',
  'keys.manage': 'Make API keys, and withdraw them',
  'events.read': 'Read the record of changes',
}

/** What an organisation says of a role of its own. */
export interface RoleWanted {
  readonly name: string
  /** Names of permissions. */
  readonly permissions: readonly string[]
  /** Whether entry refuses whoever has this role and has shown one factor alone. */
  readonly secondFactor: boolean
}

// `entry`: the session that the transaction was entered by, which must have shown within a quarter of an hour who it is (HF440).

/**
 * Makes a role, or changes the one of this id; one rule for both. Returns its id. Throws 403 for whoever has not all of what it
 * may, or had; 404 for the id of another organisation's; 409 for a name that is taken; 422; 428 where a second factor would be demanded no
 * longer, by a session that has shown none; 429 past 200.
 */
export async function writeRole(
  transaction: Transaction,
  entry: Uint8Array,
  role: string | null,
  wanted: RoleWanted,
): Promise<string> {
  const { name, permissions, secondFactor } = wanted
  const [written] = await transaction(
    sql<{ id: string }>`select holdfast.write_role(${entry}, ${role}, ${name}, ${permissions}, ${secondFactor}) as id`,
  ).catch(explain)
  return written!.id
}

/** Deletes a role that nobody has and into which nobody is invited. Throws 409 where somebody is, 403 and 404 as above. */
export async function dropRole(transaction: Transaction, entry: Uint8Array, role: string): Promise<void> {
  const [done] = await transaction(
    sql<{ outcome: string }>`select holdfast.drop_role(${entry}, ${role}) as outcome`,
  ).catch(explain)
  if (done!.outcome === 'in-use') throw new Refusal(roleInUse)
}

const kindOf: Readonly<Record<string, { kind: RefusalKind; field?: RefusedField }>> = {
  HF403: { kind: moreThanYouHave },
  HF409: { kind: roleNameTaken, field: { pointer: '/body/name', reason: 'is the name of another role' } },
  HF422: { kind: permissionUnknown, field: { pointer: '/body/permissions', reason: 'has one that is not known' } },
  HF428: { kind: factorToLower },
  HF429: { kind: tooManyRoles },
}

/** What the verbs refuse, in words of this folder. Whatever else went wrong goes on as it is. */
function explain(error: { code?: string; message?: string }): never {
  // Entry let the permission pass, and it was taken away in between: the usual refusal.
  const found = error.message === 'permission missing' ? undefined : kindOf[error.code ?? '']
  if (found === undefined) throw error
  throw new Refusal(found.kind, { cause: error, ...(found.field === undefined ? {} : { fields: [found.field] }) })
}
