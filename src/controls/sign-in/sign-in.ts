import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import type { Limit } from '../../platform/http/route.ts'
import { addressKey, findCredential, type Passwords, renewHash, type Spend } from '../accounts/accounts.ts'
import { endSession, type Issued, type Sessions, type Where } from '../sessions/sessions.ts'
import { notMatching } from './refusals.ts'

/** For one account, whoever tries. By the address that was typed, so that one without an account is limited just so. */
export const oneAccount: Limit = { name: 'sign-in-account', quota: 30, windowSeconds: 900 }

/** Limits that no route carries: the limiter has to know them too. */
export const signInLimits: readonly Limit[] = [oneAccount]

/**
 * From address and password to a session. Counted first, hashed next, and only then decided, so that neither the answer nor its
 * time tells whether there is such an account. An unverified person gets a session too: it opens nothing but the account
 * itself, which the database sees to. `current`: the session that the browser holds already, which ends. `client`: in whose line
 * the hash waits.
 *
 * Throws a `Refusal`: 401 where they do not match, 429 past the quota, 503 while too many hashes wait.
 */
export async function signIn(
  parts: { identity: Login; sessions: Sessions; passwords: Passwords; spend: Spend },
  given: {
    readonly address: string
    readonly password: string
    readonly current?: Uint8Array
    readonly client?: string
    readonly where: Where
  },
): Promise<Issued> {
  const { identity, sessions, passwords, spend } = parts
  await spend(`sign-in ${addressKey(given.address)}`, oneAccount)
  const found = await findCredential(identity, given.address)
  const { matches, renewed } = await passwords.compare(given.password, found?.hashed, given.client)
  if (found === undefined || !matches) throw new Refusal(notMatching)
  if (renewed !== undefined) await renewHash(identity, found.person, found.hashed, renewed)
  const issued = await sessions
    .issue(identity, found.person, { assurance: 1, shown: 'password' }, given.where)
    .catch(refuseClosed)
  if (given.current !== undefined) await endSession(identity, given.current)
  return issued
}

/** The person was disabled or removed: the same answer as for nobody. */
function refuseClosed(error: unknown): never {
  if ((error as { code?: string }).code === 'HF401') throw new Refusal(notMatching, { cause: error })
  throw error
}
