import type { Answer, Canary } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, notApplicable, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import {
  type Enrolled,
  expectStatus,
  fillPath,
  mailedLink,
  newestLink,
  post,
  withEnrolled,
} from '../../kernel/visitor.ts'

export const secondFactorAtEntry: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  async run(bench) {
    if (!(await bench.routes()).some(({ path }) => path === '/api/o/{organisation}/second-factor'))
      return notApplicable(
        'in this product each person is alone in an organisation of their own: nobody demands of others',
      )
    return withEnrolled(bench, async (person) => {
      try {
        return await demandAndTry(person)
      } finally {
        // Nobody is left in it but its owner, who then may leave.
        const gone = { method: 'DELETE', as: person.session }
        await bench
          .http(`/api/o/${person.organisation}/members/${bench.canaries.b.person}`, gone)
          .catch(() => undefined)
      }
    })
  },
}

// --- what the organisation demands ---------------------------------------------------------------------------------------

async function demandAndTry(person: Enrolled): Promise<Outcome> {
  const { bench, organisation, session } = person
  const { b } = bench.canaries
  const members = `/api/o/${organisation}/members`
  await inviteWithMost(person, b)
  const before = await bench.http(members, { as: b })
  if (before.status !== 200)
    return inconclusive(`as a member B was answered ${before.status} before anything was demanded`)

  const demanded = await demand(person, true)
  if (demanded.status !== 204) return inconclusive(`demanding a second factor was answered ${demanded.status}`)
  const since = performance.now()
  let examined = 0
  for (const { method, path, sampleQuery } of await bench.routes()) {
    if (method !== 'GET' || !path.startsWith('/api/o/{organisation}')) continue
    const answer = await bench.http(fillPath(path, organisation) + sampleQuery, { as: b })
    if (answer.status === 429) return inconclusive(`${path} was limited`, examined)
    examined++
    if (answer.status !== 428) return broken(`with one factor ${path} was answered ${answer.status}`, examined)
  }
  const milliseconds = Math.round(performance.now() - since)
  const entered = await bench.sql('app', 'select 1 as entered', [], { as: b, organisation })
  if (entered.error?.code !== 'HF428')
    return broken(`the database let one factor in (${entered.error?.code ?? 'no error'})`, examined + 1)
  const changed = await post(bench, `/api/o/${organisation}/leave`, {}, b)
  if (changed.status !== 428) return broken(`with one factor a change was answered ${changed.status}`, examined + 2)
  const own = await bench.http('/api/account/factors', { as: b })
  if (own.status !== 200) return broken(`B cannot set a second factor up: ${own.status}, a dead end`, examined + 3)
  const both = await bench.http(members, { as: session })
  if (both.status !== 200) return inconclusive(`with both factors the answer was ${both.status}`, examined + 3)

  const lifted = await demand(person, false)
  const after = await bench.http(members, { as: b })
  if (lifted.status !== 204 || after.status !== 200)
    return inconclusive(`after the demand was lifted B was answered ${after.status}`, examined + 4)
  return holds(
    `B, a member with one factor, was answered 200; once a second was demanded ${examined} routes answered 428 (${milliseconds} ms) and the database refused entry, while the owner, with both, was let in`,
    examined + 4,
  )
}

function demand({ bench, organisation, session }: Enrolled, demanded: boolean): Promise<Answer> {
  return bench.http(`/api/o/${organisation}/second-factor`, {
    method: 'PUT',
    body: JSON.stringify({ demanded }),
    as: session,
  })
}

/** In the role that may the most: what is refused to it is refused for the want of a factor, and for nothing else. */
async function inviteWithMost({ bench, organisation, session }: Enrolled, guest: Canary): Promise<void> {
  const [most] = await bench.catalogue<{ role: string }>(
    `select r.name as role from holdfast.role r
      order by length(replace(r.permissions::bit(64)::text, '0', '')) desc, r.name limit 1`,
  )
  const before = await newestLink(bench, guest.address, 'invitation')
  const body = { address: guest.address, role: most!.role }
  await expectStatus(201, post(bench, `/api/o/${organisation}/invitations`, body, session))
  const token = await mailedLink(bench, guest.address, 'invitation', before)
  await expectStatus(200, post(bench, '/api/invitations/accept', { token }, guest))
}
