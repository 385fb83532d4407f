import { z } from 'zod'
import { type Statement, sql } from '../../platform/database/statement.ts'
import { text } from '../input-validation/fields.ts'

const pageSize = 100

/** A page of members by name: those whose name or address has `search` in it, after the place that `after` names. */
export const memberQuery = z
  .strictObject({ search: text({ max: 200, min: 0 }).default(''), after: z.string().max(2000).optional() })
  .refine(({ after }) => readCursor(after) !== undefined, {
    path: ['after'],
    error: 'is not the cursor of an answer. Begin again without it',
  })

interface Member {
  readonly person: string
  readonly name: string
  readonly address: string
  readonly role: string
  readonly joinedAt: string
  readonly secondFactor: boolean | null
}

/** One row too many is read, to know whether there are more. Invitations stand on the first page. */
export function readMembers<Invitation, You>(
  query: z.output<typeof memberQuery>,
): Statement<{ members: Member[]; invitations: Invitation[]; you: You }> {
  const [name, person] = readCursor(query.after)!
  return sql`
    with page as materialized (
      select m.person_id, m.name, m.address, m.role, m.joined_at from holdfast.member m
       where (m.name, m.person_id) > (${name}::text, ${person}::uuid)
         and strpos(lower(m.name || ' ' || m.address), lower(${query.search}::text)) > 0
       order by m.name, m.person_id limit ${pageSize + 1}),
    mine as materialized (select * from holdfast.standing()),
    factor as materialized (
      select case when 'organisation.secure' = any (s.permissions)
                  then holdfast.members_with_factor(array(select p.person_id from page p)) end as having from mine s)
    select (select coalesce(json_agg(json_build_object('person', m.person_id, 'name', m.name, 'address', m.address, 'role', m.role,
                                                       'joinedAt', m.joined_at, 'secondFactor', m.person_id = any (f.having)
                                                      ) order by m.name, m.person_id), '[]')
              from page m cross join factor f) as members,
           (select coalesce(json_agg(json_build_object('id', i.id, 'address', i.address, 'role', i.role, 'invitedAt', i.created_at,
                                                       'expiresAt', i.expires_at) order by i.created_at, i.id), '[]')
              from holdfast.invitation i where i.expires_at > clock_timestamp() and ${query.after === undefined}::boolean) as invitations,
           (select json_build_object('person', holdfast.person(), 'role', s.role, 'permissions', s.permissions)
              from mine s) as you`
}

/** Takes the row that was read too many from the page. */
export function pageOfMembers<Rest extends { readonly members: readonly Member[] }>(row: Rest) {
  const members = row.members.slice(0, pageSize)
  const last = members.at(-1)
  return { ...row, members, next: row.members.length > pageSize && last !== undefined ? writeCursor(last) : null }
}

/** Before everybody. */
const start = ['', '00000000-0000-0000-0000-000000000000'] as const
// PostgreSQL takes no NUL.
const content = z.tuple([z.string().regex(/^[^\0]{0,400}$/), z.uuid()])

function writeCursor({ name, person }: Member): string {
  return Buffer.from(JSON.stringify([name, person])).toString('base64url')
}

function readCursor(after: string | undefined): readonly [name: string, person: string] | undefined {
  if (after === undefined) return start
  try {
    return content.safeParse(JSON.parse(Buffer.from(after, 'base64url').toString())).data
  } catch {
    return undefined
  }
}
