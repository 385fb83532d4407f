import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { Refusal } from '../../kernel/refusal.ts'
import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { notFound } from '../../platform/http/refusals.ts'
import type { Route, Transaction } from '../../platform/http/route.ts'
import type { Site } from '../accounts/accounts.ts'
import { createKeyTexts, hintOf } from './key-text.ts'
import { keyMadeMail, keyRotatedMail } from './mails.ts'
import {
  keyBesideSession,
  keyEnded,
  keyOpensNothing,
  moreThanYouHave,
  notWithAKey,
  notYourKey,
  replacedMeanwhile,
  tooManyKeys,
} from './refusals.ts'

export { keyPrefixForm } from './key-text.ts'

/** What a program presents in place of a session. Whether it opens anything, the database alone decides. */
export interface PresentedKey {
  /** D, 32 bytes: what entry takes. */
  readonly entry: Uint8Array
  /** SHA-256(D) in hexadecimal, under which the database knows it. For counting and for the log, where it can stand: it opens nothing. */
  readonly key: string
}

export interface ApiKeys {
  /** For secret scanners: what the keys of this product look like. */
  readonly pattern: string
  /** A new text, and what the database keeps of it. */
  write(): NewText
  /**
   * The key of a request, from `Authorization: Bearer …`; undefined where there is none, also for other schemes. Never from a URL,
   * a body or a cookie. Throws a `Refusal`: 401 for what is no key of this product, 400 beside the cookie of a session.
   */
  present(headers: Headers): PresentedKey | undefined
  /** Whether `present` would give a key. For the cross-site gate: no other site can make a browser send one. */
  carries(headers: Headers): boolean
  /** Notes that it was used, where entry said that this is due. Of one key, one call a minute reaches the database. */
  noteUse(app: Login, presented: PresentedKey): Promise<void>
}

export interface NewText {
  readonly text: string
  readonly hint: string
  /** SHA-256(D). */
  readonly hash: Uint8Array
}

/** `prefix`: see `keyPrefixForm`. `cookieName`: of the session's cookie, which must not come beside a key. */
export function createApiKeys(options: { readonly prefix: string; readonly cookieName: string }): ApiKeys {
  const texts = createKeyTexts(options.prefix)
  const noted = new LRUCache<string, true>({ max: 10_000, ttl: 60_000 })
  const present = (headers: Headers): PresentedKey | undefined => {
    const text = bearerOf(headers)
    if (text === undefined) return undefined
    if (namesCookie(headers.get('cookie'), options.cookieName)) throw new Refusal(keyBesideSession)
    const entry = texts.read(text)
    if (entry === undefined) throw opensNothing()
    return { entry, key: sha256(entry).toString('hex') }
  }
  return {
    pattern: texts.pattern,
    present,

    write() {
      const text = texts.write()
      return { text, hint: hintOf(text), hash: sha256(texts.read(text)!) }
    },

    carries(headers) {
      const text = bearerOf(headers)
      return (
        text !== undefined && !namesCookie(headers.get('cookie'), options.cookieName) && texts.read(text) !== undefined
      )
    },

    async noteUse(app, { entry, key }) {
      if (noted.has(key)) return
      noted.set(key, true)
      try {
        await app.query(sql`select holdfast.use_key(${entry})`)
      } catch (error) {
        noted.delete(key)
        throw error
      }
    },
  }
}

/** Whether a key can open the route at all. What is open to everybody needs none, and acts for nobody. */
export function takesKeys(route: Route): boolean {
  return (route.kind === 'read' || route.kind === 'write') && route.onlySessions !== true
}

/** The key of a request to this route, as `ApiKeys.present`; besides, throws 403 where no key opens the route. */
export function presentKey(keys: ApiKeys, route: Route, headers: Headers): PresentedKey | undefined {
  if (route.kind === 'open') return undefined
  const presented = keys.present(headers)
  if (presented !== undefined && !takesKeys(route)) throw new Refusal(notWithAKey)
  return presented
}

/** RFC 6750, section 3: whoever presents a key that opens nothing learns that it was the key. */
export function opensNothing(cause?: unknown): Refusal {
  return new Refusal(keyOpensNothing, { headers: { 'www-authenticate': 'Bearer error="invalid_token"' }, cause })
}

// The verbs below run inside an entered transaction and take `entry`, the session that it was entered by, which must have shown
// within a quarter of an hour who it is. They throw DatabaseErrors: HF401, HF403, HF404, HF422, HF440.

/** Makes a key that acts as whoever asks. Its text is returned this once. Throws 403 for a scope that one has not, 429 past 100. */
export async function makeKey(
  transaction: Transaction,
  entry: Uint8Array,
  { keys, site }: { readonly keys: ApiKeys; readonly site: Site },
  wanted: { readonly name: string; readonly scopes: readonly string[]; readonly days: number },
): Promise<{ readonly id: string; readonly key: string }> {
  const { text, hint, hash } = keys.write()
  const mail = keyMadeMail(site, transaction.organisation)
  const [made] = await transaction(sql<{ made: string; refused: 'more-than-you-have' | 'too-many' | null }>`
    select made, refused from holdfast.make_key(${entry}, ${hash}, ${wanted.name}, ${hint}, ${wanted.scopes}, ${wanted.days},
      ${mail.subject}, ${mail.text})`)
  const { made: id, refused } = made!
  if (refused === 'too-many') throw new Refusal(tooManyKeys)
  if (refused !== null)
    throw new Refusal(moreThanYouHave, {
      fields: [{ pointer: '/body/scopes', reason: 'has something that your role does not allow' }],
    })
  return { id, key: text }
}

/** A new text for one's own key; the texts before it die after `overlapHours`. `hint` names the one that is replaced. */
export async function rotateKey(
  transaction: Transaction,
  entry: Uint8Array,
  { keys, site }: { readonly keys: ApiKeys; readonly site: Site },
  wanted: { readonly id: string; readonly hint: string; readonly overlapHours: number },
): Promise<{ readonly key: string }> {
  const { text, hint, hash } = keys.write()
  const mail = keyRotatedMail(site, transaction.organisation)
  const [done] = await transaction(sql<{ outcome: 'rotated' | keyof typeof whyNot }>`
    select holdfast.rotate_key(${entry}, ${wanted.id}, ${wanted.hint}, ${hash}, ${hint}, ${wanted.overlapHours},
      ${mail.subject}, ${mail.text}) as outcome`)
  const { outcome } = done!
  if (outcome !== 'rotated') throw new Refusal(whyNot[outcome])
  return { key: text }
}

const whyNot = { meanwhile: replacedMeanwhile, ended: keyEnded, 'not-yours': notYourKey } as const

/** Withdraws a key, whoever made it, from the next request on. Throws 404 where there is none (any more). */
export async function withdrawKey(transaction: Transaction, id: string): Promise<void> {
  const [gone] = await transaction(sql<{ there: boolean }>`select holdfast.drop_key(${id}) as there`)
  if (!gone!.there) throw notFound()
}

/** What stands behind `Bearer` (RFC 9110, section 11.4: the scheme in any case); undefined for another scheme, and for none. */
function bearerOf(headers: Headers): string | undefined {
  const header = headers.get('authorization')
  const found = header === null ? null : /^bearer(?: +(.*))?$/is.exec(header)
  return found === null ? undefined : (found[1] ?? '')
}

/** Whether a cookie of that name came, whatever is in it: then this is a browser, and it is not for us to choose who acts. */
function namesCookie(header: string | null, name: string): boolean {
  return header?.split(';').some((pair) => pair.split('=', 1)[0]!.trim() === name) ?? false
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
