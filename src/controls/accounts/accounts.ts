import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { addressKey } from './address-key.ts'
import type { Mail } from './mails.ts'

export { addressKey } from './address-key.ts'
export { newToken, tokenHash } from './links.ts'
export type { Mail, Site } from './mails.ts'
export {
  type Compared,
  createPasswords,
  openPasswords,
  type Passwords,
  passwordField,
  renewHash,
  standsAlone,
} from './passwords.ts'
export { measureCost } from './passwords-cost.ts'
export { PeppersMissing, pepperId } from './passwords-peppers.ts'
export { createTurns, type Turns } from './passwords-turns.ts'

/**
 * A mail to the address on record of `person` (a UUID), about something that happened to their account. Queued in the database
 * and sent after; at most thirty in an hour, and none to an address that was never confirmed. Returns whether it was queued.
 * `mail` must hold nothing that a stranger typed.
 */
export async function notify(identity: Login, person: string, mail: Mail): Promise<boolean> {
  const [answer] = await identity.query(
    sql<{ queued: boolean }>`select holdfast.notify_person(${person}, ${mail.subject}, ${mail.text}) as queued`,
  )
  return answer!.queued
}

/** Who has lately shown who they are in the session that `entry` opens: a UUID. Throws DatabaseError HF401, HF412, HF427, HF440. */
export async function personOf(identity: Login, entry: Uint8Array): Promise<string> {
  const [me] = await identity.query(sql<{ person: string }>`select person from holdfast.own_credential(${entry})`)
  return me!.person
}

/** A new name for the person of the session that `entry` opens. Throws DatabaseError HF401, HF412, HF427. */
export async function rename(identity: Login, entry: Uint8Array, name: string): Promise<void> {
  await identity.query(sql`select holdfast.rename_me(${entry}, ${name})`)
}

/** Who has an address, and the hash of the password; undefined for nobody. For sign-in alone. */
export async function findCredential(
  identity: Login,
  address: string,
): Promise<{ person: string; hashed: string; asOf: string } | undefined> {
  const [found] = await identity.query(
    sql<{ person: string; hashed: string; asOf: string }>`
      select person, password_hash as hashed, holdfast.seen_now() as "asOf"
        from holdfast.credential(${addressKey(address)})`,
  )
  return found
}
