import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { addressKey } from './address-key.ts'
import { newToken, tokenHash } from './links.ts'
import {
  agreeToMoveMail,
  movedAwayMail,
  movedBackMail,
  movedHereMail,
  newAddressMail,
  type Site,
  takenAddressMail,
  takenBackMail,
  toldOfMoveMail,
} from './mails.ts'
import { addressTaken, linkDead, resetLately, sameAddress, signInFirst } from './refusals.ts'

interface Parts {
  readonly identity: Login
  readonly site: Site
}

/** Whose confirmation a change of address waits for: of both addresses, of the new one, or of the old one. */
export type WaitsFor = 'both' | 'new' | 'old'

export interface AddressChange {
  readonly address: string
  readonly waitsFor: WaitsFor
  /** RFC 3339. */
  readonly expiresAt: string
}

/**
 * Asks for another address for the session that `entry` opens. Nothing changes before the new address has confirmed it, and the
 * old one too, where no second factor has been shown. The answer does not tell whether the new address has an account. Throws
 * a `Refusal` (422 for one's own address, 409 within a day of a reset); DatabaseError HF440 as `changePassword`.
 */
export async function askAddressChange(
  { identity, site }: Parts,
  given: { readonly entry: Uint8Array; readonly address: string },
): Promise<{ readonly waitsFor: 'both' | 'new' }> {
  const [fresh, old, stop] = [newToken(), newToken(), newToken()]
  const toNew = newAddressMail(site, fresh.token)
  const toTaken = takenAddressMail(site)
  const agree = agreeToMoveMail(site, old.token, stop.token)
  const told = toldOfMoveMail(site, stop.token)
  const [answer] = await identity.query(sql<{ came: 'both' | 'new' | 'same' | 'too-soon' }>`
    select holdfast.ask_address_change(${given.entry}, ${given.address}, ${addressKey(given.address)},
      ${fresh.hash}, ${old.hash}, ${stop.hash}, ${toNew.subject}, ${toNew.text}, ${toTaken.subject}, ${toTaken.text},
      ${agree.subject}, ${agree.text}, ${told.subject}, ${told.text}) as came`)
  const { came } = answer!
  if (came === 'too-soon') throw new Refusal(resetLately)
  if (came === 'same') {
    throw new Refusal(sameAddress, { fields: [{ pointer: '/body/address', reason: 'is your email address already' }] })
  }
  return { waitsFor: came }
}

/** The change that waits, for the session that `entry` opens. */
export async function readAddressChange(identity: Login, entry: Uint8Array): Promise<AddressChange | undefined> {
  const [found] = await identity.query(
    sql<AddressChange>`
      select address, waits_for as "waitsFor", expires_at as "expiresAt"
        from holdfast.my_address_change(${entry})`,
  )
  return found
}

/** Gives one's own change up, as long as it waits. */
export async function dropAddressChange(identity: Login, entry: Uint8Array): Promise<void> {
  await identity.query(sql`select holdfast.drop_address_change(${entry})`)
}

/**
 * Confirms one end of a change by the link that was mailed there. `entry`: the session of the browser that opened it; the link to
 * the new address needs one of the account that moves, so that nobody confirms a stranger's. Throws a `Refusal`: 410 for a dead
 * link, 409 where that session is missing.
 */
export async function confirmAddress(
  { identity, site }: Parts,
  token: string,
  entry: Uint8Array | undefined,
): Promise<'waiting' | 'changed'> {
  const undo = newToken()
  const away = movedAwayMail(site, undo.token)
  const here = movedHereMail(site)
  const [answer] = await identity.query(sql<{ came: 'waiting' | 'changed' | 'elsewhere' | null }>`
    select holdfast.confirm_address(${tokenHash(token)}, ${entry ?? null}, ${undo.hash},
      ${away.subject}, ${away.text}, ${here.subject}, ${here.text}) as came`)
  const { came } = answer!
  if (came === null) throw new Refusal(linkDead)
  if (came === 'elsewhere') throw new Refusal(signInFirst)
  return came
}

/**
 * Stops a change, or takes it back after it was done, by the link that was mailed to the old address. Throws a `Refusal`: 410
 * for a dead link, 409 where another account has the old address by now.
 */
export async function cancelAddress({ identity, site }: Parts, token: string): Promise<'stopped' | 'undone'> {
  const reset = newToken()
  const back = movedBackMail(site, reset.token)
  const left = takenBackMail(site)
  const [answer] = await identity.query(sql<{ came: 'stopped' | 'undone' | 'taken' | null }>`
    select holdfast.cancel_address(${tokenHash(token)}, ${reset.hash},
      ${back.subject}, ${back.text}, ${left.subject}, ${left.text}) as came`)
  const { came } = answer!
  if (came === null) throw new Refusal(linkDead)
  if (came === 'taken') throw new Refusal(addressTaken)
  return came
}
