import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { addressKey } from './address-key.ts'
import { newToken, tokenHash } from './links.ts'
import { knownAddressMail, type Site, verificationMail } from './mails.ts'
import type { Passwords } from './passwords.ts'
import { linkDead, notThatPassword, otherBrowser, signUpOver } from './refusals.ts'

interface Parts {
  readonly identity: Login
  readonly passwords: Passwords
  readonly site: Site
}

/**
 * A sign-up, which waits apart until its own link is opened. Whether the address has an account is not looked up here: the mail,
 * and which one, is decided afterwards, by another process. `count` is called before the hash, and not for a weak password: whoever
 * tries a few has not signed up yet. Returns the secret for the browser's cookie. Throws a `Refusal` for a weak password (422) and
 * while too many hashes wait (503).
 */
export async function signUp(
  { identity, passwords, site }: Parts,
  person: {
    readonly name: string
    readonly address: string
    readonly password: string
    readonly client?: string
    readonly count?: () => Promise<void>
  },
): Promise<{ readonly browser: string }> {
  const { name, address, password, client, count } = person
  passwords.refuseWeak(password, [name, address])
  await count?.()
  const hashed = await passwords.hash(password, client)
  const [link, browser] = [newToken(), newToken()]
  const fresh = verificationMail(site, link.token)
  const known = knownAddressMail(site)
  await identity.query(sql`
    select holdfast.ask_sign_up(${address}, ${addressKey(address)}, ${name}, ${hashed}, ${link.hash}, ${browser.hash},
      ${fresh.subject}, ${fresh.text}, ${known.subject}, ${known.text})`)
  return { browser: browser.token }
}

/** The key of the address that this browser's sign-up waits for; undefined where none waits. */
export async function waitingKey(identity: Login, browser: string): Promise<string | undefined> {
  const [found] = await identity.query(
    sql<{ key: string | null }>`select holdfast.sign_up_key(${tokenHash(browser)}) as key`,
  )
  return found!.key ?? undefined
}

/** The mail of that browser's sign-up again. Throws a 410 `Refusal` where none waits. */
export async function signUpAgain(
  { identity, site }: Omit<Parts, 'passwords'>,
  browser: string | undefined,
): Promise<void> {
  if (browser === undefined) throw new Refusal(signUpOver)
  const link = newToken()
  const fresh = verificationMail(site, link.token)
  const known = knownAddressMail(site)
  const [answer] = await identity.query(sql<{ asked: boolean }>`
    select holdfast.ask_sign_up_again(${tokenHash(browser)}, ${link.hash},
      ${fresh.subject}, ${fresh.text}, ${known.subject}, ${known.text}) as asked`)
  if (!answer!.asked) throw new Refusal(signUpOver)
}

/**
 * Makes the account of the sign-up that `token` was mailed for. In another browser than the one that signed up the password that
 * was chosen there is asked for: whoever opens a link that somebody else caused does not know it, and so never gets an account
 * whose password another one has. Throws a `Refusal`: 410 for a dead link, 409 where the password is wanted, 422 for another.
 */
export async function confirmSignUp(
  { identity, passwords }: Omit<Parts, 'site'>,
  given: {
    readonly token: string
    readonly browser?: string | undefined
    readonly password?: string | undefined
    readonly client?: string
  },
): Promise<void> {
  const { token, browser, password, client } = given
  const link = tokenHash(token)
  const [found] = await identity.query(
    sql<{ same: boolean; hashed: string }>`
      select same_browser as same, password_hash as hashed
        from holdfast.open_sign_up(${link}, ${browser === undefined ? null : tokenHash(browser)})`,
  )
  if (found === undefined) throw new Refusal(linkDead)
  if (!found.same) {
    if (password === undefined) throw new Refusal(otherBrowser)
    if (!(await passwords.matches(password, found.hashed, client))) {
      throw new Refusal(notThatPassword, {
        fields: [{ pointer: '/body/password', reason: 'is not the one that was chosen at this sign-up' }],
      })
    }
  }
  const [made] = await identity.query(
    sql<{ person: string | null }>`select holdfast.confirm_sign_up(${link}) as person`,
  )
  if (made!.person === null) throw new Refusal(linkDead)
}
