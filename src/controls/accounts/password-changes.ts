import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { addressKey } from './address-key.ts'
import { newToken, tokenHash } from './links.ts'
import { passwordChangedMail, passwordResetMail, resetMail, type Site } from './mails.ts'
import type { Passwords } from './passwords.ts'
import { changedMeanwhile, linkDead, notYourPassword } from './refusals.ts'

interface Parts {
  readonly identity: Login
  readonly passwords: Passwords
  readonly site: Site
}

interface Owned {
  readonly person: string
  readonly name: string
  readonly address: string
  readonly besideSecondFactor: boolean
}

/** Asks for a mail with a link to reset the password. Whether the address has an account is looked up afterwards, elsewhere. */
export async function askReset({ identity, site }: Omit<Parts, 'passwords'>, address: string): Promise<void> {
  const { token, hash } = newToken()
  const mail = resetMail(site, token)
  await identity.query(
    sql`select holdfast.ask_reset(${address}, ${addressKey(address)}, ${hash}, ${mail.subject}, ${mail.text})`,
  )
}

/**
 * Sets a new password by the link of a mail: all sessions end, and the second factor stays demanded. Throws a `Refusal`: 410 for a
 * dead link, 422 for a weak password, 503 while too many hashes wait.
 */
export async function finishReset(
  { identity, passwords, site }: Parts,
  given: { readonly token: string; readonly password: string; readonly client?: string },
): Promise<void> {
  const link = tokenHash(given.token)
  const [whose] = await identity.query(
    sql<Owned>`select person, name, address, second_factor as "besideSecondFactor" from holdfast.reset_of(${link})`,
  )
  if (whose === undefined) throw new Refusal(linkDead)
  passwords.refuseWeak(given.password, [whose.name, whose.address], whose)
  const hashed = await passwords.hash(given.password, given.client)
  const mail = passwordResetMail(site)
  const [done] = await identity.query(
    sql<{ person: string | null }>`
      select holdfast.finish_reset(${link}, ${hashed}, ${mail.subject}, ${mail.text}) as person`,
  )
  if (done!.person === null) throw new Refusal(linkDead)
}

/**
 * Changes the password of the session that `entry` opens; all others end. Throws a `Refusal`: 422 where `current` is not the
 * password or the new one is weak, 409 where another change came first, 503; DatabaseError HF440 where the person has shown who
 * they are too long ago.
 */
export async function changePassword(
  { identity, passwords, site }: Parts,
  given: { readonly entry: Uint8Array; readonly current: string; readonly password: string; readonly client?: string },
): Promise<void> {
  const { entry, current, password, client } = given
  const [mine] = await identity.query(
    sql<Owned & { hashed: string }>`
      select person, name, address, password_hash as hashed, second_factor as "besideSecondFactor"
        from holdfast.own_credential(${entry})`,
  )
  if (!(await passwords.matches(current, mine!.hashed, client))) {
    throw new Refusal(notYourPassword, { fields: [{ pointer: '/body/current', reason: 'is not your password' }] })
  }
  passwords.refuseWeak(password, [mine!.name, mine!.address], mine)
  const hashed = await passwords.hash(password, client)
  const mail = passwordChangedMail(site)
  const [done] = await identity.query(
    sql<{ changed: boolean }>`
      select holdfast.change_password(${entry}, ${mine!.hashed}, ${hashed}, ${mail.subject}, ${mail.text}) as changed`,
  )
  if (!done!.changed) throw new Refusal(changedMeanwhile)
}
