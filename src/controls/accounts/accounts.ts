import { createHash, randomBytes } from 'node:crypto'
import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { knownAddressMail, type Mail, type Site, verificationMail } from './mails.ts'
import type { Passwords } from './passwords.ts'
import { linkDead } from './refusals.ts'

export type { Mail, Site } from './mails.ts'
export { type Compared, createPasswords, openPasswords, type Passwords, passwordField, renewHash } from './passwords.ts'
export { measureCost } from './passwords-cost.ts'
export { PeppersMissing, pepperId } from './passwords-peppers.ts'
export { createTurns, type Turns } from './passwords-turns.ts'

/** Spends one of a quota that is counted by `key`; throws a 429 `Refusal` when there is none left. */
export type Spend = (key: string, limit: { name: string; quota: number; windowSeconds: number }) => unknown

/**
 * What an address is compared by: two with one key are one account. The whole of it in small letters, for no provider that
 * counts keeps `Ada@` and `ada@` apart; dots and `+tags` stay, because only some providers ignore them. The field of a route
 * (`address()`) has refused before this whatever only looks like another character.
 */
export function addressKey(address: string): string {
  return address.normalize('NFKC').toLowerCase()
}

/**
 * Signs a person up, or tells the owner of the address that somebody tried to. The two take the same time (the hash is
 * computed either way) and come to the same. Throws a `Refusal` for a weak password (422) and while too many hashes wait (503).
 */
export async function signUp(
  { identity, passwords, site }: { identity: Login; passwords: Passwords; site: Site },
  person: { readonly name: string; readonly address: string; readonly password: string; readonly client?: string },
): Promise<void> {
  const { name, address, password, client } = person
  passwords.refuseWeak(password, [name, address])
  const hashed = await passwords.hash(password, client)
  const { token, hash } = newToken()
  const fresh = verificationMail(site, token)
  const known = knownAddressMail(site)
  await identity.query(sql`
    select holdfast.sign_up(${address}, ${addressKey(address)}, ${name}, ${hashed}, ${hash},
      ${fresh.subject}, ${fresh.text}, ${known.subject}, ${known.text})`)
}

/** Confirms the address that `token` was mailed to. Throws a 410 `Refusal` for one that opens nothing (any more). */
export async function verifyAddress(identity: Login, token: string): Promise<void> {
  const [answer] = await identity.query(
    sql<{ verified: boolean }>`select holdfast.verify_address(${tokenHash(token)}) as verified`,
  )
  if (!answer!.verified) throw new Refusal(linkDead)
}

/** Another mail for the session that `entry` opens. Throws DatabaseError HF401, or HF429 past five in an hour. */
export async function verifyAgain(
  { identity, site }: { identity: Login; site: Site },
  entry: Uint8Array,
): Promise<void> {
  const { token, hash } = newToken()
  const { subject, text } = verificationMail(site, token)
  await identity.query(sql`select holdfast.verify_again(${entry}, ${hash}, ${subject}, ${text})`)
}

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

/** Who has an address, and the hash of the password; undefined for nobody. For sign-in alone. */
export async function findCredential(
  identity: Login,
  address: string,
): Promise<{ person: string; hashed: string } | undefined> {
  const [found] = await identity.query(
    sql<{ person: string; hashed: string }>`
      select person, password_hash as hashed from holdfast.credential(${addressKey(address)})`,
  )
  return found
}

/** A secret for a link in a mail: 256 random bits, as text and as the hash that the database keeps. */
export function newToken(): { readonly token: string; readonly hash: Uint8Array } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: tokenHash(token) }
}

/** For a token that came back, whatever it is: what is no token of ours has a hash that is not on record. */
export function tokenHash(token: string): Uint8Array {
  return createHash('sha256').update('holdfast-link-1').update(token, 'utf8').digest()
}
