import type { Answer, Bench, Canary } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, notApplicable, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import { post } from '../../kernel/visitor.ts'
import { come, findOrFound, go } from './probe-place.ts'

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
  await dropRoles(bench, organisation)
  const made = await writeRole(bench, organisation, bench.canaries.a, 'POST', '', managing)
  if (made.status !== 201) return inconclusive(`making a role was answered ${made.status}`)
  const { id: own } = JSON.parse(made.text) as { id: string }
  const came = await come(bench, organisation, own)
  if (came !== undefined) return inconclusive(`in a role of its own: ${came}`)
  try {
    return await climbFrom(bench, organisation, own)
  } finally {
    await go(bench, organisation)
    await dropRoles(bench, organisation)
  }
}

async function climbFrom(bench: Bench, organisation: string, own: string): Promise<Outcome> {
  const { a, b } = bench.canaries
  const at = `/api/o/${organisation}`
  const before = await ownRoles(bench, organisation, b)
  if (before === undefined) return inconclusive('B could not read the roles of the organisation it is in')
  const foreign = await foreignRole(bench)
  if (foreign === undefined) return inconclusive('canary A could not make a role in its own organisation')

  const attempts: readonly [what: string, answer: Answer, wanted: readonly number[]][] = [
    ['make a role that may more', await writeRole(bench, organisation, b, 'POST', '', [...managing, more]), [403]],
    ['widen its own role', await writeRole(bench, organisation, b, 'PUT', `/${own}`, [...managing, more]), [403]],
    ['make itself owner', await giveRole(bench, at, b, b.person, 'owner'), [403]],
    ['make the owner less', await giveRole(bench, at, b, a.person, own), [403]],
    ['take another organisation’s role', await giveRole(bench, at, b, b.person, foreign), [422]],
    [
      'change another organisation’s role',
      await writeRole(bench, organisation, b, 'PUT', `/${foreign}`, managing),
      [404],
    ],
    [
      'delete another organisation’s role',
      await bench.http(`${at}/roles/${foreign}`, { method: 'DELETE', as: b }),
      [404],
    ],
    ['take the ownership', await post(bench, `${at}/ownership`, { person: a.person, keep: own }, b), [403]],
    [
      'invite, which its role does not allow',
      await post(bench, `${at}/invitations`, { address: 'nobody@canary.invalid', role: own }, b),
      [403],
    ],
  ]
  let examined = 0
  for (const [what, answer, wanted] of attempts) {
    if (answer.status === 429 || answer.status >= 500)
      return inconclusive(`B tried to ${what}, and was answered ${answer.status}`, examined)
    examined++
    if (!wanted.includes(answer.status))
      return broken(`B tried to ${what}, and was answered ${answer.status}`, examined)
  }
  const mine = (await ownRoles(bench, organisation, b)) ?? []
  if (mine.join(' ') !== managing.join(' ')) return broken(`B may now ${mine.join(', ') || 'nothing'}`, examined)

  // A widens the role, and takes it back: each holds from the next request on, in the session that was open all the time.
  for (const permissions of [[...managing, more], managing]) {
    const changed = await writeRole(bench, organisation, a, 'PUT', `/${own}`, permissions)
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
    `B, in a role of its organisation’s own that may change roles, tried ${attempts.length} ways to get more and was refused each time; a permission that was given to the role, and taken back, was there and gone at B’s next entry`,
    examined,
  )
}

/** What canary B may do there by its own account, in the order of the alphabet; undefined where it is not told. */
async function ownRoles(bench: Bench, organisation: string, as: Canary): Promise<string[] | undefined> {
  const answer = await bench.http(`/api/o/${organisation}/roles`, { as })
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

/** A role of the organisation that canary A has for itself alone: as good as any other organisation's to canary B. */
async function foreignRole(bench: Bench): Promise<string | undefined> {
  const { a } = bench.canaries
  const name = 'probe: foreign'
  const { roles } = JSON.parse((await bench.http(`/api/o/${a.organisation}/roles`, { as: a })).text) as {
    roles: readonly { key: string; name: string }[]
  }
  const known = roles.find((role) => role.name === name)
  if (known !== undefined) return known.key
  const made = await writeRole(bench, a.organisation, a, 'POST', '', managing, name)
  return made.status === 201 ? (JSON.parse(made.text) as { id: string }).id : undefined
}

/** What an interrupted round left behind. */
async function dropRoles(bench: Bench, organisation: string): Promise<void> {
  const { a } = bench.canaries
  const answer = await bench.http(`/api/o/${organisation}/roles`, { as: a })
  if (answer.status !== 200) throw new Error(`reading the roles was answered ${answer.status}`)
  for (const { key, custom } of (JSON.parse(answer.text) as { roles: { key: string; custom: boolean }[] }).roles)
    if (custom) await bench.http(`/api/o/${organisation}/roles/${key}`, { method: 'DELETE', as: a })
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

function giveRole(bench: Bench, at: string, as: Canary, person: string, role: string): Promise<Answer> {
  return bench.http(`${at}/members/${person}/role`, { method: 'PUT', body: JSON.stringify({ role }), as })
}
