import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { newToken, tokenHash } from './links.ts'
import { closingMail, keptMail, type Site } from './mails.ts'
import { linkDead, ownerNeeded } from './refusals.ts'

interface Parts {
  readonly identity: Login
  readonly site: Site
}

/**
 * Closes the account of the session that `entry` opens, at once, and deletes it after fourteen days unless the link in the mail is
 * opened. Throws a 409 `Refusal` that names the organisations which would have members and no owner; DatabaseError HF440.
 */
export async function closeAccount({ identity, site }: Parts, entry: Uint8Array): Promise<void> {
  const { token, hash } = newToken()
  const mail = closingMail(site, token)
  const [answer] = await identity.query(
    sql<{ organisations: string[] }>`
      select to_json(holdfast.close_account(${entry}, ${hash}, ${mail.subject}, ${mail.text})) as organisations`,
  )
  const { organisations } = answer!
  if (organisations.length > 0) throw new Refusal(ownerNeeded, { extra: { organisations } })
}

/** Opens an account again that its owner had closed. Throws a 410 `Refusal` for a dead link. */
export async function keepAccount({ identity, site }: Parts, token: string): Promise<void> {
  const mail = keptMail(site)
  const [answer] = await identity.query(
    sql<{ kept: boolean }>`select holdfast.keep_account(${tokenHash(token)}, ${mail.subject}, ${mail.text}) as kept`,
  )
  if (!answer!.kept) throw new Refusal(linkDead)
}
