import type { Answer, Bench, Canary } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, notApplicable, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import { post } from '../../kernel/visitor.ts'
import { findOrFound, giveRole, putInRole } from './probe-place.ts'

export const customRolesStayWithin: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: climb,
}

const place = 'probe: own roles'
/** What canary B is given: enough to try to climb. */
const managing = ['members.read', 'roles.manage']
/** What canary A has and B has not. */
const more = 'members.invite'

/** Canary B, in a role of the organisation's own that may change roles, tries to get more than that. */
async function climb(bench: Bench): Promise<Outcome> {
  if (!(await bench.routes()).some(({ path }) => path === '/api/o/{organisation}/roles'))
    return notApplicable('in this product each person is alone, with the one role that may do everything')
  const organisation = await findOrFound(bench, place)
  const own = await keptRole(bench, organisation, 'probe: managing')
  const hindered = await putInRole(bench, organisation, own)
  if (hindered !== undefined) return inconclusive(`in a role of its own: ${hindered}`)
  const foreign = await keptRole(bench, bench.canaries.a.organisation, 'probe: foreign')
  const fault = await tryAll(waysUp(bench, organisation, own, foreign))
  if (fault.outcome !== undefined) return fault.outcome
  const { examined } = fault
  const mine = await ownPermissions(bench, organisation)
  if (mine?.join(' ') !== managing.join(' ')) return broken(`B may now ${mine?.join(', ') ?? 'nothing'}`, examined)
  return followChange(bench, organisation, own, examined)
}

interface Way {
  readonly what: string
  readonly wanted: number
  readonly go: () => Promise<Answer>
}

function waysUp(bench: Bench, organisation: string, own: string, foreign: string): Way[] {
  const { a, b } = bench.canaries
  const at = `/api/o/${organisation}`
  const write = (method: 'POST' | 'PUT', path: string, permissions: readonly string[]) => () =>
    writeRole(bench, organisation, b, method, path, permissions)
  const give = (person: string, role: string) => () => giveRole(bench, organisation, b, person, role)
  const drop = (role: string) => () => bench.http(`${at}/roles/${role}`, { method: 'DELETE', as: b })
  const send = (path: string, body: unknown) => () => post(bench, at + path, body, b)
  return [
    { what: 'make a role that may more', wanted: 403, go: write('POST', '', [...managing, more]) },
    { what: 'widen its own role', wanted: 403, go: write('PUT', `/${own}`, [...managing, more]) },
    { what: 'make itself owner', wanted: 403, go: give(b.person, 'owner') },
    { what: 'make the owner less', wanted: 403, go: give(a.person, own) },
    { what: 'take another organisation’s role', wanted: 422, go: give(b.person, foreign) },
    { what: 'change another organisation’s role', wanted: 404, go: write('PUT', `/${foreign}`, managing) },
    { what: 'delete another organisation’s role', wanted: 404, go: drop(foreign) },
    { what: 'take the ownership', wanted: 403, go: send('/ownership', { person: a.person, keep: own }) },
    {
      what: 'invite, which its role does not allow',
      wanted: 403,
      go: send('/invitations', { address: 'nobody@canary.invalid', role: own }),
    },
  ]
}

/** One after the other, and no further than the first that works. */
async function tryAll(ways: readonly Way[]): Promise<{ examined: number; outcome?: Outcome }> {
  let examined = 0
  for (const { what, wanted, go } of ways) {
    const { status } = await go()
    const told = `B tried to ${what}, and was answered ${status}`
    if (status === 429 || status >= 500) return { examined, outcome: inconclusive(told, examined) }
    examined++
    if (status !== wanted) return { examined, outcome: broken(told, examined) }
  }
  return { examined }
}

/** A widens the role, and takes it back: each holds from the next request on, in the session that was open all the time. */
async function followChange(bench: Bench, organisation: string, own: string, before: number): Promise<Outcome> {
  let examined = before
  for (const permissions of [[...managing, more], managing]) {
    const changed = await writeRole(
      bench,
      organisation,
      bench.canaries.a,
      'PUT',
      `/${own}`,
      permissions,
      'probe: managing',
    )
    if (changed.status !== 204) return inconclusive(`changing the role was answered ${changed.status}`, examined)
    const may = await mayInvite(bench, organisation)
    examined++
    if (may === undefined) return inconclusive('the database could not be asked', examined)
    if (may !== permissions.includes(more))
      return broken(
        `${more} was ${may ? 'taken from' : 'given to'} the role, and B’s next entry did not follow`,
        examined,
      )
  }
  return holds(
    `B, in a role of its organisation’s own that may change roles, tried ${before} ways to get more and was refused each time; a permission that was given to the role, and taken back, was there and gone at B’s next entry`,
    examined,
  )
}

/** What canary B may do there by its own account, in the order of the alphabet; undefined where it is not told. */
async function ownPermissions(bench: Bench, organisation: string): Promise<string[] | undefined> {
  const answer = await bench.http(`/api/o/${organisation}/roles`, { as: bench.canaries.b })
  return answer.status === 200 ? (JSON.parse(answer.text) as { mine: string[] }).mine.toSorted() : undefined
}

async function mayInvite(bench: Bench, organisation: string): Promise<boolean | undefined> {
  const [bit] = await bench.catalogue<{ mask: string }>(
    'select (1::bigint << bit)::text as mask from holdfast.permission where name = $1',
    [more],
  )
  if (bit === undefined) return undefined
  const { error } = await bench.sql('app', 'select holdfast.enter($1, $2, $3)', [
    bench.canaries.b.entry,
    organisation,
    bit.mask,
  ])
  return error === undefined ? true : error.code === 'HF403' ? false : undefined
}

/** A role by this name, as it must be, whatever a round before left of it. Throws where canary A cannot make it. */
async function keptRole(bench: Bench, organisation: string, name: string): Promise<string> {
  const { a } = bench.canaries
  const answer = await bench.http(`/api/o/${organisation}/roles`, { as: a })
  if (answer.status !== 200) throw new Error(`reading the roles was answered ${answer.status}`)
  const { roles } = JSON.parse(answer.text) as {
    roles: readonly { key: string; name: string; custom: boolean; permissions: readonly string[] }[]
  }
  const known = roles.find((role) => role.name === name)
  for (const stray of roles)
    if (stray.custom && stray.name.startsWith('probe ') && stray !== known)
      await bench.http(`/api/o/${organisation}/roles/${stray.key}`, { method: 'DELETE', as: a })
  if (known !== undefined && known.permissions.toSorted().join(' ') === managing.join(' ')) return known.key
  const [method, at, status] =
    known === undefined ? (['POST', '', 201] as const) : (['PUT', `/${known.key}`, 204] as const)
  const written = await writeRole(bench, organisation, a, method, at, managing, name)
  if (written.status !== status) throw new Error(`writing a role was answered ${written.status}`)
  return known?.key ?? (JSON.parse(written.text) as { id: string }).id
}

function writeRole(
  bench: Bench,
  organisation: string,
  as: Canary,
  method: 'POST' | 'PUT',
  at: string,
  permissions: readonly string[],
  name = `probe ${crypto.randomUUID().slice(0, 8)}`,
): Promise<Answer> {
  return bench.http(`/api/o/${organisation}/roles${at}`, {
    method,
    body: JSON.stringify({ name, permissions, secondFactor: false }),
    as,
  })
}
