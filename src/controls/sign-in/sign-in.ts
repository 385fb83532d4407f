import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import type { Limit } from '../../platform/http/route.ts'
import {
  addressKey,
  findCredential,
  notify,
  type Passwords,
  renewHash,
  type Site,
  standsAlone,
} from '../accounts/accounts.ts'
import type { Authenticator, Decide, Devices, Failures } from '../rate-limits/rate-limits.ts'
import { type Evidence, endSession, type Issued, type Sessions, type Where } from '../sessions/sessions.ts'
import { passkeyNotMatching } from '../two-factor/refusals.ts'
import { type ShownPasskey, type TwoFactor, wrongCode } from '../two-factor/two-factor.ts'
import { disabledMail, newDeviceMail } from './mails.ts'
import { notMatching, passwordNotRight, tooShortAlone } from './refusals.ts'

/** For one account, whoever tries. By the address that was typed, so that one without an account is limited just so. */
export const oneAccount: Limit = { name: 'sign-in-account', quota: 30, windowSeconds: 900 }
/** Six digits, three of which are right at any time: at this rate a guess takes years. Each kind of factor has its own. */
export const oneFactor: Limit = { name: 'second-factor', quota: 10, windowSeconds: 900 }

/** Limits that no route carries: the limiter has to know them too. */
export const signInLimits: readonly Limit[] = [oneAccount, oneFactor]

export interface SignInParts {
  readonly identity: Login
  readonly sessions: Sessions
  readonly passwords: Passwords
  readonly twoFactor: TwoFactor
  readonly decide: Decide
  readonly failures: Failures
  readonly devices: Devices
  readonly site: Site
}

/** What the second step may be. */
export interface SecondStep {
  readonly totp: boolean
  readonly passkey: boolean
  readonly recoveryCode: boolean
}

export interface SignedIn extends Issued {
  /** Set-Cookie values: the session's, and, by a password, the browser's proof that it has been here. */
  readonly cookies: readonly string[]
  /** Undefined where the session is complete. Else it opens nothing but the second step. */
  readonly secondStep?: SecondStep
}

/** From where somebody signs in. `cookies`: the Cookie header, in which the browser's proof is looked for. */
export interface From extends Where {
  readonly cookies: string | null
  /** The session that the browser holds already, which ends. */
  readonly entry?: Uint8Array
}

/**
 * From address and password to a session. Counted first, hashed next, and only then decided, so that neither the answer nor its
 * time tells whether there is such an account: one that is not there is counted and hashed just so. An unverified person
 * gets a session too: it opens nothing but the account itself; and so does whoever has a second factor: it opens nothing but
 * showing that. The database sees to both. `client`: in whose line the hash waits.
 *
 * Throws a `Refusal`: 401 where they do not match, 403 for a password that was good enough beside a second factor alone, which is
 * gone, 429 past the quota, 503 while too many hashes wait.
 */
export async function signIn(
  parts: SignInParts,
  given: { readonly address: string; readonly password: string; readonly client: string; readonly from: From },
): Promise<SignedIn> {
  const { identity, passwords, twoFactor, decide, failures, devices } = parts
  const { password, client, from } = given
  const key = addressKey(given.address)
  const device = devices.known(from.cookies, key)
  await decide(device === undefined ? `sign-in ${key}` : `sign-in ${key} ${device}`, oneAccount)
  const found = await findCredential(identity, given.address)
  const subject = failures.subjectOf(found?.person, key)
  const attempted = await failures.attempt(
    { subject, authenticator: 'password', isKnown: device !== undefined },
    async () => {
      const compared = await passwords.compare(password, found?.hashed, client)
      return found !== undefined && compared.matches ? { ...found, renewed: compared.renewed } : undefined
    },
  )
  // Of nobody too, who gets no mail: the same work, so that the attempt that disables tells nothing either.
  if (attempted.disabledNow) await tellDisabled(parts, subject, 'password')
  const { right } = attempted
  if (right === undefined) throw new Refusal(notMatching)
  if (right.renewed !== undefined) await renewHash(identity, right.person, right.hashed, right.renewed)
  const begun = await begin(parts, right.person, { assurance: 1, shown: 'password', asOf: right.asOf }, from)
  const signedIn = { ...begun, cookies: [begun.cookie, devices.remember(from.cookies, key)] }
  const { totp, passkeys, codesLeft } = await twoFactor.factorsOf(signedIn.entry)
  const alone = !totp && passkeys === 0
  if (alone && !standsAlone(password)) {
    await endSession(identity, signedIn.entry)
    throw new Refusal(tooShortAlone)
  }
  if (alone) return signedIn
  return { ...signedIn, secondStep: { totp, passkey: passkeys > 0, recoveryCode: codesLeft > 0 } }
}

/** By a passkey alone, whose authenticator has verified its user: two factors in one. Throws a `Refusal`: 422. */
export async function signInByPasskey(parts: SignInParts, sent: ShownPasskey, from: From): Promise<SignedIn> {
  const shown = await parts.twoFactor.showPasskey(undefined, sent)
  if (shown === undefined) throw new Refusal(passkeyNotMatching)
  return begin(parts, shown.person, { assurance: 2, shown: 'passkey', asOf: shown.asOf }, from)
}

/** What the second step may be, for a session that has yet to take it. */
export async function secondStepOf({ twoFactor }: SignInParts, entry: Uint8Array): Promise<SecondStep> {
  const { totp, passkeys, codesLeft } = await twoFactor.factorsOf(entry)
  return { totp, passkey: passkeys > 0, recoveryCode: codesLeft > 0 }
}

/** A factor, shown by whoever holds the session `entry`. */
export type Shown =
  | { readonly by: 'totp' | 'recovery-code'; readonly code: string }
  | { readonly by: 'passkey'; readonly passkey: ShownPasskey }

/**
 * The second step of signing in, and the way to show again who one is: the session ends, and a new one of assurance 2 takes its
 * place. A code that arrives twice, at the same time or later, comes to one session at most. Throws a `Refusal`: 422 for what is
 * not right, 429 past the quota.
 */
export async function showFactor(parts: SignInParts, entry: Uint8Array, shown: Shown, where: Where): Promise<Issued> {
  const { identity, sessions, twoFactor, decide } = parts
  const { person } = await twoFactor.factorsOf(entry)
  await decide(`${shown.by} ${person}`, oneFactor)
  if (shown.by === 'passkey') {
    // A signature cannot be guessed. To count failures would only let whoever has the password switch the passkey off.
    if (!(await isRight(twoFactor, entry, shown))) throw new Refusal(passkeyNotMatching)
  } else await takeCode(parts, entry, person, shown)
  return sessions.replace(identity, entry, { assurance: 2, shown: `password ${shown.by}` }, where)
}

/** Throws a `Refusal`: 422. A hundred in a row disable this kind of code. */
async function takeCode(
  parts: SignInParts,
  entry: Uint8Array,
  person: string,
  shown: Exclude<Shown, { readonly by: 'passkey' }>,
): Promise<void> {
  const attempted = await parts.failures.attempt(
    { subject: person, authenticator: shown.by, isKnown: false },
    async () => ((await isRight(parts.twoFactor, entry, shown)) ? true : undefined),
  )
  if (attempted.disabledNow) await tellDisabled(parts, person, shown.by)
  if (attempted.right === undefined) throw wrongCode()
}

async function isRight(twoFactor: TwoFactor, entry: Uint8Array, shown: Shown): Promise<boolean> {
  switch (shown.by) {
    case 'totp':
      return twoFactor.showTotp(entry, shown.code)
    case 'recovery-code':
      return twoFactor.showRecoveryCode(entry, shown.code)
    case 'passkey':
      return (await twoFactor.showPasskey(entry, shown.passkey)) !== undefined
  }
}

/**
 * Shows again who one is, by the password: for whoever has no second factor (DatabaseError HF427 for everybody else). The session
 * ends, and a new one takes its place. Throws as `signIn`.
 */
export async function showPassword(
  parts: SignInParts,
  entry: Uint8Array,
  password: string,
  from: Where & { readonly client: string },
): Promise<Issued> {
  const { identity, sessions, passwords, decide, failures } = parts
  const [own] = await identity.query(
    sql<{
      person: string
      hashed: string
    }>`select person, password_hash as hashed from holdfast.my_credential(${entry})`,
  )
  const { person, hashed } = own!
  await decide(`password ${person}`, oneFactor)
  const attempted = await failures.attempt(
    { subject: person, authenticator: 'password', isKnown: true },
    async () => (await passwords.matches(password, hashed, from.client)) || undefined,
  )
  if (attempted.disabledNow) await tellDisabled(parts, person, 'password')
  if (attempted.right === undefined)
    throw new Refusal(passwordNotRight, { fields: [{ pointer: '/body/password', reason: 'is not your password' }] })
  return sessions.replace(identity, entry, { assurance: 1, shown: 'password' }, from)
}

async function begin(parts: SignInParts, person: string, evidence: Evidence, from: From): Promise<SignedIn> {
  const { identity, sessions, site } = parts
  const issued = await sessions.issue(identity, person, evidence, from).catch(refuseClosed)
  if (from.entry !== undefined) await endSession(identity, from.entry)
  if (issued.newDevice) await notify(identity, person, newDeviceMail(site, from.address))
  return { ...issued, cookies: [issued.cookie] }
}

async function tellDisabled({ identity, site }: SignInParts, person: string, what: Authenticator): Promise<void> {
  await notify(identity, person, disabledMail(site, what))
}

/** The person was disabled or removed: the same answer as for nobody. */
function refuseClosed(error: unknown): never {
  if ((error as { code?: string }).code === 'HF401') throw new Refusal(notMatching, { cause: error })
  throw error
}
