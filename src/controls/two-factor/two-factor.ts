import { type Clock, systemClock } from '../../kernel/clock.ts'
import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import type { Site } from '../accounts/accounts.ts'
import { factorMail } from './mails.ts'
import {
  challengeIn,
  creationOptions,
  type KnownPasskey,
  type NewPasskey,
  newChallenge,
  requestOptions,
  type ShownPasskey,
  verifyCreation,
  verifyRequest,
} from './passkeys.ts'
import { newRecoveryCodes, recoveryCodeHash } from './recovery-codes.ts'
import {
  codeNotMatching,
  enrolmentOver,
  factorMissing,
  lastFactor,
  noFactor,
  passkeyKnown,
  passkeyNotMatching,
} from './refusals.ts'
import type { Seal } from './seal.ts'
import { matchTotp, newTotpKey, qrRows, totpKeyText, totpLink } from './totp.ts'

export type { NewPasskey, ShownPasskey } from './passkeys.ts'
export { createSeal, type Seal } from './seal.ts'

/** The kinds of factor that a person has. `demanded`: by an organisation or a role of theirs. */
export interface Factors {
  readonly person: string
  readonly totp: boolean
  readonly passkeys: number
  readonly codesLeft: number
  readonly demanded: boolean
}

/** A factor as its owner sees it. `id`: a passkey's, in base64url. Times as the database writes them in JSON. */
export interface Factor {
  readonly kind: 'totp' | 'passkey'
  readonly id: string | null
  readonly name: string | null
  readonly enrolledAt: string
  readonly usedAt: string | null
  readonly backedUp: boolean | null
}

/**
 * The second factors of one product's people. `entry` is D, the session's own secret. To show a factor any live session will
 * do; to change one the session must have shown all that it has, within a quarter of an hour: DatabaseErrors HF401, HF412, HF427
 * and HF440 say what is missing. A change ends all other sessions of the person and mails them; it leaves this session
 * with too little: the caller puts one of assurance 2 in its place (1 where no factor is left).
 */
export interface TwoFactor {
  factorsOf(entry: Uint8Array): Promise<Factors>
  listFactors(entry: Uint8Array): Promise<Factor[]>

  /** A key to be shown once, as text, as a link, and as rows of a QR code. It is a factor after one of its codes was confirmed. */
  beginTotp(entry: Uint8Array): Promise<{ enrolment: string; link: string; key: string; qr: string[] }>
  /** Throws a `Refusal`: 422 for a wrong code, 410 where it was begun too long ago, or again. */
  confirmTotp(entry: Uint8Array, enrolment: string, code: string): Promise<void>
  /** False for a wrong code, for one that was taken before, and for whoever has no such app. The caller counts failures. */
  showTotp(entry: Uint8Array, code: string): Promise<boolean>

  /** For `navigator.credentials.create`. */
  askForNewPasskey(entry: Uint8Array): Promise<Awaited<ReturnType<typeof creationOptions>>>
  /** Throws a `Refusal`: 422 where it does not prove itself, 409 where it is known. */
  addPasskey(entry: Uint8Array, name: string, sent: NewPasskey): Promise<void>
  /** Throws a 404 `Refusal`. */
  renamePasskey(entry: Uint8Array, passkey: string, name: string): Promise<void>
  /** For `navigator.credentials.get`; without `entry`, to sign in by a passkey alone. */
  askForPasskey(entry?: Uint8Array): Promise<Awaited<ReturnType<typeof requestOptions>>>
  /** Returns whose it is, and `asOf` for the evidence of a session; undefined for whatever does not prove itself. Without `entry`
   *  the authenticator must have verified its user. */
  showPasskey(
    entry: Uint8Array | undefined,
    sent: ShownPasskey,
  ): Promise<{ readonly person: string; readonly asOf: string } | undefined>

  /** `passkey` undefined: the authenticator app. Returns the person's remaining factors. Throws a `Refusal`: 404, 409. */
  removeFactor(entry: Uint8Array, passkey: string | undefined): Promise<Factors>

  /** Ten new ones, shown this once; the old ones are dead. Throws a 409 `Refusal` where there is no factor. */
  renewRecoveryCodes(entry: Uint8Array): Promise<readonly string[]>
  /** False for one that is used, replaced, somebody else's, or none at all. The caller counts failures. */
  showRecoveryCode(entry: Uint8Array, code: string): Promise<boolean>
}

/** `identity`: the login role that reads sealed keys; no other can. `clock`: this server's; a client's is never asked. */
export function createTwoFactor(parts: {
  readonly identity: Login
  readonly seal: Seal
  readonly site: Site
  readonly clock?: Clock
}): TwoFactor {
  const { identity, seal, site, clock = systemClock } = parts
  const now = () => clock.now().getTime()

  const knownPasskeys = async (entry: Uint8Array): Promise<KnownPasskey[]> => {
    const rows = await identity.query(
      sql<{ id: Uint8Array; transports: string }>`select id, transports from holdfast.my_passkeys(${entry})`,
    )
    return rows.map(({ id, transports }) => ({
      id: Buffer.from(id).toString('base64url'),
      transports: transports.split(',').filter(Boolean),
    }))
  }
  /** Uses the challenge up before anything is compared, so that no answer is ever looked at twice. */
  const takeChallenge = async (entry: Uint8Array | undefined, purpose: Purpose, clientDataJSON: string) => {
    const said = challengeIn(clientDataJSON)
    if (said === undefined) return undefined
    const [answer] = await identity.query(
      sql<{ ours: boolean }>`select holdfast.take_challenge(${entry ?? null}, ${said.hash}, ${purpose}) as ours`,
    )
    return answer!.ours ? said.text : undefined
  }
  const keepChallenge = async (entry: Uint8Array | undefined, purpose: Purpose) => {
    const { challenge, hash } = newChallenge()
    await identity.query(sql`select holdfast.keep_challenge(${entry ?? null}, ${hash}, ${purpose})`)
    return challenge
  }
  const enroller = async (entry: Uint8Array) => {
    const [who] = await identity.query(
      sql<{
        id: string
        address: string
        name: string
      }>`select person as id, address, name from holdfast.factor_enroller(${entry})`,
    )
    return who!
  }

  const factorsOf = async (entry: Uint8Array) => {
    const [found] = await identity.query(
      sql<Factors>`select person, totp, passkeys, codes_left as "codesLeft", demanded from holdfast.my_factors(${entry})`,
    )
    return found!
  }

  return {
    factorsOf,

    async listFactors(entry) {
      const [found] = await identity.query(sql<{ factors: Factor[] }>`
        select coalesce(json_agg(json_build_object('kind', f.kind, 'id', translate(rtrim(encode(f.id, 'base64'), '='), '+/' || chr(10), '-_'),
                 'name', f.name, 'enrolledAt', f.enrolled_at, 'usedAt', f.used_at, 'backedUp', f.backed_up)), '[]') as factors
          from holdfast.my_factor_list(${entry}) f`)
      return found!.factors
    },

    async beginTotp(entry) {
      const who = await enroller(entry)
      const key = newTotpKey()
      const [begun] = await identity.query(
        sql<{ id: string }>`select holdfast.begin_totp(${entry}, ${seal.seal(key, sealedFor(who.id))}) as id`,
      )
      const link = totpLink(key, site.title, who.address)
      return { enrolment: begun!.id, link, key: totpKeyText(key), qr: qrRows(link) }
    },

    async confirmTotp(entry, enrolment, code) {
      const [pending] = await identity.query(
        sql<Sealed>`select person, sealed from holdfast.pending_totp(${entry}, ${enrolment})`,
      )
      if (pending === undefined) throw new Refusal(enrolmentOver)
      const step = matchTotp(seal.open(pending.sealed, sealedFor(pending.person)), code, now())
      if (step === undefined) throw wrongCode()
      const { subject, text } = factorMail(site, 'totp')
      const [answer] = await identity.query(
        sql<{
          confirmed: boolean
        }>`select holdfast.confirm_totp(${entry}, ${enrolment}, ${step}, ${subject}, ${text}) as confirmed`,
      )
      if (!answer!.confirmed) throw new Refusal(enrolmentOver)
    },

    async showTotp(entry, code) {
      const [mine] = await identity.query(sql<Sealed>`select person, sealed from holdfast.my_totp(${entry})`)
      const step = mine && matchTotp(seal.open(mine.sealed, sealedFor(mine.person)), code, now())
      if (step === undefined) return false
      const [answer] = await identity.query(
        sql<{ taken: boolean }>`select holdfast.take_totp(${entry}, ${step}) as taken`,
      )
      return answer!.taken
    },

    async askForNewPasskey(entry) {
      const who = await enroller(entry)
      return creationOptions(site, who, await keepChallenge(entry, 'enrol'), await knownPasskeys(entry))
    },

    async addPasskey(entry, name, sent) {
      const challenge = await takeChallenge(entry, 'enrol', sent.clientDataJSON)
      const made = challenge === undefined ? undefined : await verifyCreation(site, sent, challenge)
      if (made === undefined) throw new Refusal(passkeyNotMatching)
      const { subject, text } = factorMail(site, 'passkey')
      const [answer] = await identity.query(sql<{ added: boolean }>`
        select holdfast.add_passkey(${entry}, ${made.id}, ${made.publicKey}, ${made.counter}, ${sent.transports.join(',')},
          ${made.backedUp}, ${name}, ${subject}, ${text}) as added`)
      if (!answer!.added) throw new Refusal(passkeyKnown)
    },

    async renamePasskey(entry, passkey, name) {
      const [answer] = await identity.query(
        sql<{
          done: boolean
        }>`select holdfast.rename_passkey(${entry}, ${Buffer.from(passkey, 'base64url')}, ${name}) as done`,
      )
      if (!answer!.done) throw new Refusal(factorMissing)
    },

    async askForPasskey(entry) {
      if (entry === undefined) return requestOptions(site, await keepChallenge(undefined, 'sign-in'), [])
      const known = await knownPasskeys(entry)
      // Without one there is nothing to ask for: an empty list would offer whatever the browser has.
      if (known.length === 0) throw new Refusal(passkeyNotMatching)
      return requestOptions(site, await keepChallenge(entry, 'show'), known)
    },

    async showPasskey(entry, sent) {
      const alone = entry === undefined
      const challenge = await takeChallenge(entry, alone ? 'sign-in' : 'show', sent.clientDataJSON)
      const id = Buffer.from(sent.id, 'base64url')
      const [known] = await identity.query(
        sql<{ publicKey: Uint8Array; signCount: string }>`
          select public_key as "publicKey", sign_count::text as "signCount" from holdfast.passkey_key(${id})`,
      )
      if (challenge === undefined || known === undefined) return undefined
      const stored = { publicKey: known.publicKey, counter: Number(known.signCount) }
      const shown = await verifyRequest(site, sent, challenge, stored, alone)
      if (shown === undefined) return undefined
      const [answer] = await identity.query(
        sql<{
          person: string | null
          asOf: string
        }>`select holdfast.take_passkey(${entry ?? null}, ${id}, ${shown.counter}) as person, holdfast.seen_now() as "asOf"`,
      )
      const { person, asOf } = answer!
      return person === null ? undefined : { person, asOf }
    },

    async removeFactor(entry, passkey) {
      const { subject, text } = factorMail(site, passkey === undefined ? 'totp-gone' : 'passkey-gone')
      const id = passkey === undefined ? null : Buffer.from(passkey, 'base64url')
      const [answer] = await identity.query(
        sql<{
          outcome: 'removed' | 'missing' | 'demanded'
        }>`select holdfast.remove_factor(${entry}, ${id}, ${subject}, ${text}) as outcome`,
      )
      if (answer!.outcome === 'missing') throw new Refusal(factorMissing)
      if (answer!.outcome === 'demanded') throw new Refusal(lastFactor)
      return factorsOf(entry)
    },

    async renewRecoveryCodes(entry) {
      const { codes, hashes } = newRecoveryCodes()
      const { subject, text } = factorMail(site, 'codes')
      const [answer] = await identity.query(
        sql<{ kept: boolean }>`select holdfast.keep_recovery_codes(${entry}, ${hashes}, ${subject}, ${text}) as kept`,
      )
      if (!answer!.kept) throw new Refusal(noFactor)
      return codes
    },

    async showRecoveryCode(entry, code) {
      const hash = recoveryCodeHash(code)
      if (hash === undefined) return false
      const { subject, text } = factorMail(site, 'code-used')
      const [answer] = await identity.query(
        sql<{
          left: number | null
        }>`select holdfast.take_recovery_code(${entry}, ${hash}, ${subject}, ${text}) as left`,
      )
      return answer!.left !== null
    },
  }
}

type Purpose = 'enrol' | 'show' | 'sign-in'

interface Sealed {
  readonly person: string
  readonly sealed: string
}

function sealedFor(person: string) {
  return { person, purpose: 'totp' }
}

/** For every code that opens nothing, whatever the reason. */
export function wrongCode(): Refusal {
  return new Refusal(codeNotMatching, {
    fields: [{ pointer: '/body/code', reason: 'is not right, or it was used already' }],
  })
}
