import { z } from 'zod'
import { Refusal } from '../../kernel/refusal.ts'
import { sql } from '../../platform/database/statement.ts'
import { type Limit, read, write } from '../../platform/http/route.ts'
import { id, text } from '../input-validation/fields.ts'
import { dropRole, foundationPermissionTitles, writeRole } from './permissions.ts'
import { roleNameTaken } from './refusals.ts'

const listing: Limit = { name: 'roles', quota: 300, windowSeconds: 60 }
const changing: Limit = { name: 'change-roles', quota: 120, windowSeconds: 3600 }

const role = z.strictObject({
  /** The product's name for it, or the id of one of the organisation's own. */
  key: z.string(),
  name: z.string(),
  custom: z.boolean(),
  permissions: z.array(z.string()),
  secondFactor: z.boolean(),
  members: z.int(),
  open: z.int(),
  yours: z.boolean(),
})
const roles = z.array(role)

/** A name of its own, and at least one permission. */
const wanted = z.strictObject({
  name: text({ max: 60 }),
  permissions: z
    .array(text({ max: 100 }))
    .min(1)
    .max(64),
  secondFactor: z.boolean(),
})

/** What the product's definition says of its roles, as far as these routes ask for it. */
export interface DefinedRoles {
  readonly roles: Readonly<Record<string, { readonly title: string; readonly permissions: readonly string[] }>>
  readonly permissionTitles?: Readonly<Record<string, string>>
}

/** For products of organisations: they need the permissions members.read and roles.manage. */
export function permissionRoutes(defined: DefinedRoles) {
  const known = [...new Set(Object.values(defined.roles).flatMap(({ permissions }) => permissions))]
  const words = { ...foundationPermissionTitles, ...defined.permissionTitles }
  const titles = Object.fromEntries(known.flatMap((name) => (words[name] === undefined ? [] : [[name, words[name]]])))
  const taken = new Set(Object.entries(defined.roles).flatMap(([key, { title }]) => [compared(key), compared(title)]))
  return {
    roles: read({
      method: 'GET',
      path: '/api/o/:organisation/roles',
      summary: 'The roles of the product and of the organisation, what each may do, and which of them one may give',
      needs: 'members.read',
      limit: listing,
      response: z.strictObject({
        roles,
        permissions: z.array(z.string()),
        /** By name; one that has none stands for itself. */
        permissionTitles: z.record(z.string(), z.string()),
        mine: z.array(z.string()),
      }),
      statement: () => sql<{ roles: z.output<typeof roles>; mine: string[] }>`
        select (select json_agg(json_build_object('key', r.key, 'name', r.name, 'custom', r.custom, 'permissions', r.permissions,
                                                  'secondFactor', r.second_factor, 'members', r.members, 'open', r.open,
                                                  'yours', r.yours)) from holdfast.roles() r) as roles,
               (select to_json(s.permissions) from holdfast.standing() s) as mine`,
      answer: ([row]) => ({ ...row!, permissions: known, permissionTitles: titles }),
    }),

    createRole: write({
      method: 'POST',
      path: '/api/o/:organisation/roles',
      summary: 'A new role of the organisation’s own, which may no more than whoever makes it',
      needs: 'roles.manage',
      limit: changing,
      onlySessions: true,
      idempotent: true,
      body: wanted,
      response: z.strictObject({ id: id() }),
      run: async (transaction, { body }, { entry }) => {
        refuseTaken(taken, body.name)
        return { status: 201, body: { id: await writeRole(transaction, entry!, null, body) } }
      },
    }),

    changeRole: write({
      method: 'PUT',
      path: '/api/o/:organisation/roles/:id',
      summary: 'Changes a role of the organisation’s own: from their next request on its members may what it says now',
      needs: 'roles.manage',
      limit: changing,
      onlySessions: true,
      params: z.strictObject({ id: id() }),
      body: wanted,
      response: z.undefined(),
      run: async (transaction, { params, body }, { entry }) => {
        refuseTaken(taken, body.name)
        await writeRole(transaction, entry!, params.id, body)
        return { status: 204, body: undefined }
      },
    }),

    deleteRole: write({
      method: 'DELETE',
      path: '/api/o/:organisation/roles/:id',
      summary: 'Deletes a role of the organisation’s own that nobody has',
      needs: 'roles.manage',
      limit: changing,
      onlySessions: true,
      params: z.strictObject({ id: id() }),
      response: z.undefined(),
      run: async (transaction, { params }, { entry }) => {
        await dropRole(transaction, entry!, params.id)
        return { status: 204, body: undefined }
      },
    }),
  }
}

/** A role of somebody's own that is called «Owner» would be taken for the product's. */
function refuseTaken(taken: ReadonlySet<string>, name: string): void {
  if (taken.has(compared(name)))
    throw new Refusal(roleNameTaken, { fields: [{ pointer: '/body/name', reason: 'is the name of another role' }] })
}

function compared(name: string): string {
  return name
    .replace(/\p{Cf}/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()
}
