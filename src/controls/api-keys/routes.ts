import { z } from 'zod'
import { sql } from '../../platform/database/statement.ts'
import { type Limit, read, write } from '../../platform/http/route.ts'
import type { Site } from '../accounts/accounts.ts'
import { id, integer, text } from '../input-validation/fields.ts'
import { foundationPermissionTitles } from '../permissions/permissions.ts'
import { type ApiKeys, makeKey, rotateKey, withdrawKey } from './api-keys.ts'

const listing: Limit = { name: 'keys', quota: 300, windowSeconds: 60 }
const making: Limit = { name: 'make-keys', quota: 120, windowSeconds: 3600 }
const withdrawing: Limit = { name: 'withdraw-keys', quota: 60, windowSeconds: 60 }

/** As JSON functions of PostgreSQL write it: `2026-11-20T08:00:00.123456+00:00`. */
const time = z.iso.datetime({ offset: true })

const key = z.strictObject({
  id: id(),
  name: z.string(),
  /** The last four characters of its newest text. */
  hint: z.string(),
  scopes: z.array(z.string()),
  maker: z.strictObject({ person: id(), name: z.string() }),
  createdAt: time,
  expiresAt: time,
  /** To five minutes; null: never. */
  usedAt: time.nullable(),
  /** How long a text before the newest still works; null: none does. */
  rotatedUntil: time.nullable(),
  /** `ended`: with all of its maker's sessions. `lacks-factor`: two are demanded by now, and it was made with one. */
  state: z.enum(['live', 'expired', 'ended', 'lacks-factor']),
})
type Key = z.output<typeof key>

/** What demands a session each time: in the scopes of a key it would be worth nothing. */
const forSessions: readonly string[] = ['keys.manage', 'roles.manage']

/** For products in which some role has the permission `keys.manage`. No key opens any of these. */
export function apiKeyRoutes(parts: {
  readonly keys: ApiKeys
  readonly site: Site
  /** Permissions of the product's own, in words. */
  readonly permissionTitles?: Readonly<Record<string, string>>
}) {
  const permissionTitles = { ...foundationPermissionTitles, ...parts.permissionTitles }
  return {
    keys: read({
      method: 'GET',
      path: '/api/o/:organisation/keys',
      summary: 'The API keys, what one may put into a key oneself, and what keys look like',
      needs: 'keys.manage',
      onlySessions: true,
      limit: listing,
      response: z.strictObject({
        keys: z.array(key),
        mine: z.array(z.string()),
        /** By name; one that has none stands for itself. */
        permissionTitles: z.record(z.string(), z.string()),
        pattern: z.string(),
      }),
      statement: () => sql<{ keys: Key[]; mine: string[] }>`
        select (select coalesce(json_agg(json_build_object('id', k.id, 'name', k.name, 'hint', k.hint, 'scopes', k.scopes,
                         'maker', json_build_object('person', k.maker, 'name', k.maker_name), 'createdAt', k.created_at,
                         'expiresAt', k.expires_at, 'usedAt', k.used_at, 'rotatedUntil', k.rotated_until, 'state', k.state)), '[]')
                  from holdfast.keys() k) as keys,
               (select to_json(s.permissions) from holdfast.standing() s) as mine`,
      answer: ([row]) => ({
        keys: row!.keys,
        mine: row!.mine.filter((name) => !forSessions.includes(name)),
        permissionTitles,
        pattern: parts.keys.pattern,
      }),
    }),

    // Not idempotent: the answer would be kept, and with it the key.
    makeKey: write({
      method: 'POST',
      path: '/api/o/:organisation/keys',
      summary: 'A new API key, which acts as oneself within its scopes. Its text is in this answer and nowhere else',
      needs: 'keys.manage',
      onlySessions: true,
      limit: making,
      body: z.strictObject({
        name: text({ max: 80 }),
        scopes: z
          .array(text({ max: 100 }))
          .min(1)
          .max(63),
        days: integer({ min: 1, max: 366 }),
      }),
      response: z.strictObject({ id: id(), key: z.string() }),
      run: async (transaction, { body }, { entry }) => ({
        status: 201,
        body: await makeKey(transaction, entry!, parts, body),
      }),
    }),

    rotateKey: write({
      method: 'POST',
      path: '/api/o/:organisation/keys/:id/rotate',
      summary: 'A new text for one’s own key, with a new life. What it had before dies after so many hours',
      needs: 'keys.manage',
      onlySessions: true,
      limit: making,
      params: z.strictObject({ id: id() }),
      body: z.strictObject({
        /** The last four characters of the text that is meant. */
        hint: text({ min: 4, max: 4 }),
        overlapHours: integer({ min: 0, max: 168 }),
      }),
      response: z.strictObject({ key: z.string() }),
      run: async (transaction, { params, body }, { entry }) => ({
        status: 201,
        body: await rotateKey(transaction, entry!, parts, { id: params.id, ...body }),
      }),
    }),

    withdrawKey: write({
      method: 'DELETE',
      path: '/api/o/:organisation/keys/:id',
      summary: 'Withdraws a key: it opens nothing from the next request on',
      needs: 'keys.manage',
      onlySessions: true,
      limit: withdrawing,
      params: z.strictObject({ id: id() }),
      response: z.undefined(),
      run: async (transaction, { params }) => {
        await withdrawKey(transaction, params.id)
        return { status: 204, body: undefined }
      },
    }),
  }
}
