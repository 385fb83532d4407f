import { createHash } from 'node:crypto'
import pg from 'pg'
import { expect, inject } from 'vitest'
import { tokenHash } from '../../src/controls/accounts/accounts.ts'
import type { Visitor, World } from './world.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export interface RoleWanted {
  readonly name?: string
  readonly permissions: readonly string[]
  readonly secondFactor?: boolean
}

/** An organisation with people in it, as tests of roles and members use one. Paths are below `/api/o/<organisation>`. */
export interface Company {
  readonly organisation: string
  readonly owner: Visitor
  ask(who: Visitor, method: Method, path: string, body?: unknown): Promise<Response>
  /** The status, and the code of a refusal: `204`, or `403 tenant-isolation/permission-missing`. */
  told(who: Visitor, method: Method, path: string, body?: unknown): Promise<string>
  /** The answer of a GET that is not refused. */
  read<Body>(who: Visitor, path: string): Promise<Body>
  /** What the link in the mail of the open invitation to this address carries. */
  link(address: string): Promise<string>
  /** Invites and accepts. `role`: its key. */
  take(visitor: Visitor, role: string): Promise<Visitor>
  /** Makes a role, as the owner; returns its key. */
  role(wanted: RoleWanted): Promise<string>
  /** Statements of the superuser's in the organisation, as its founder: the record of changes wants to know where and who. */
  sql(text: string): Promise<Record<string, unknown>[]>
}

let names = 0
export const newName = () => `Role ${++names}`

export async function found(world: World, owner: Visitor, name = 'Company'): Promise<Company> {
  const founded = await world.fetch('/api/organisations', { method: 'POST', body: { name }, cookie: owner.cookie })
  expect(founded.status).toBe(201)
  const { id: organisation } = (await founded.json()) as { id: string }
  const company: Company = {
    organisation,
    owner,
    ask: (who, method, path, body) =>
      world.fetch(`/api/o/${organisation}${path}`, {
        method,
        cookie: who.cookie,
        ...(body === undefined ? {} : { body }),
      }),
    told: async (who, method, path, body) => tellOf(await company.ask(who, method, path, body)),
    async read(who, path) {
      const answer = await company.ask(who, 'GET', path)
      expect([path, answer.status]).toEqual([path, 200])
      return (await answer.json()) as never
    },
    async link(address) {
      const opening = await world.superuser('select hash from holdfast.invitation_token where organisation_id = $1', [
        organisation,
      ])
      // Mails of earlier invitations may still be on their way: theirs open nothing here.
      return eventually(`no mail of this invitation came for ${address}`, () =>
        world.mails
          .filter(({ to }) => to === address)
          .flatMap(({ text }) => /\/invitation#([\w-]+)/.exec(text)?.[1] ?? [])
          .find((token) => opening.some(({ hash }) => Buffer.from(tokenHash(token)).equals(hash as Buffer))),
      )
    },
    async take(visitor, role) {
      expect(await company.told(owner, 'POST', '/invitations', { address: visitor.address, role })).toBe('201')
      expect(await accept(world, visitor, await company.link(visitor.address))).toBe('200')
      return visitor
    },
    async role({ name: called = newName(), secondFactor = false, permissions }) {
      const answer = await company.ask(owner, 'POST', '/roles', { name: called, permissions, secondFactor })
      expect([called, answer.status]).toEqual([called, 201])
      return ((await answer.json()) as { id: string }).id
    },
    sql: (text) =>
      world.superuser(
        `begin; select set_config('backtrace_functions', s.context, true) from holdfast.seat s
                 where s.organisation_id = '${organisation}' and s.person_id = '${owner.person}'; ${text}; commit`,
      ),
  }
  return company
}

export async function accept(world: World, visitor: Visitor, token: string): Promise<string> {
  return tellOf(
    await world.fetch('/api/invitations/accept', { method: 'POST', body: { token }, cookie: visitor.cookie }),
  )
}

export async function tellOf(answer: Response): Promise<string> {
  const text = await answer.text()
  return answer.ok ? String(answer.status) : `${answer.status} ${(JSON.parse(text) as { code: string }).code}`
}

export function mailsTo(world: World, address: string): number {
  return world.mails.filter(({ to }) => to === address).length
}

/** D, which whoever has a cookie can compute from it. */
export function secretOf({ cookie }: Visitor): Buffer {
  const { sec } = JSON.parse(Buffer.from(cookie.split('.')[1]!, 'base64url').toString()) as { sec: string }
  return createHash('sha256').update('holdfast-entry-1').update(Buffer.from(sec, 'base64url')).digest()
}

/** The mask of a permission, as entry wants it. */
export async function maskOf(world: World, permission: string): Promise<string> {
  const [row] = await world.superuser(
    'select (1::bigint << bit)::text as mask from holdfast.permission where name = $1',
    [permission],
  )
  return row!.mask as string
}

/** A second factor by SQL, and sessions that have shown it: where it is not enrolling that is tested. */
export async function giveFactor(world: World, { person }: Visitor): Promise<void> {
  const key = 'hf1.AAAAAAAA.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  await world.superuser(
    `insert into holdfast.totp (person_id, sealed, last_step) values ('${person}', '${key}', 1) on conflict do nothing;
     select holdfast.want_assurance('${person}', 2::smallint); update holdfast.pass set assurance = 2 where person_id = '${person}'`,
  )
}

/**
 * Lets each of them come as far as the lock of the organisation's row, where the verbs take turns, and lets go only when all stand
 * in line there, in this order. Returns what came of each.
 */
export async function atOnce<T>(world: World, organisation: string, acts: readonly (() => Promise<T>)[]): Promise<T[]> {
  const holder = new pg.Client({ ...inject('superuser'), database: world.database.database })
  await holder.connect()
  try {
    await holder.query('begin')
    await holder.query('select from holdfast.organisation where id = $1 for update', [organisation])
    const waiting = async () => {
      // A transaction sees the activity as it was when it first looked.
      await holder.query('select pg_stat_clear_snapshot()')
      const { rows } = await holder.query(
        `select count(*)::integer as many from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )
      return rows[0].many
    }
    const done: Promise<T>[] = []
    for (const act of acts) {
      done.push(act())
      await eventually(`act ${done.length} did not come as far as the lock`, async () =>
        (await waiting()) === done.length ? true : undefined,
      )
    }
    await holder.query('commit')
    return await Promise.all(done)
  } finally {
    await holder.end()
  }
}

/** What `look` finds within ten seconds; else throws. */
async function eventually<T>(failed: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 10_000
  while (performance.now() < end) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(failed)
}
