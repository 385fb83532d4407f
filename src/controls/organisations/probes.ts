import type { Answer, Bench, Canary } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, notApplicable, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'
import { secondFactorAtEntry } from './probe-factor.ts'

const removalActsAtOnce: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: (bench) => withOrganisation(bench, 'probe: removal', removeAndLook),
}

const invitationIsForOneAddress: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: (bench) => withOrganisation(bench, 'probe: invitation', acceptWhatIsNotOnes),
}

export const probes = {
  'organisations/second-factor-at-entry': secondFactorAtEntry,
  'organisations/removal-acts-at-once': removalActsAtOnce,
  'organisations/invitation-is-for-one-address': invitationIsForOneAddress,
} satisfies Record<keyof typeof claims, Probe>

/** An organisation of canary A that nothing else uses: B comes and goes in it, and other probes find A's own as it was. */
interface Place {
  readonly bench: Bench
  readonly organisation: string
  /** The role of the fewest permissions that may read the members. */
  readonly role: string
}

async function withOrganisation(bench: Bench, name: string, run: (place: Place) => Promise<Outcome>): Promise<Outcome> {
  if (!(await bench.routes()).some((route) => route.path === '/api/organisations'))
    return notApplicable(
      'in this product each person is alone in an organisation of their own: nobody is invited or removed',
    )
  const [least] = await bench.catalogue<{ role: string }>(
    `select r.name as role from holdfast.role r join holdfast.permission p on p.name = 'members.read'
      where (r.permissions >> p.bit) & 1 = 1 order by length(replace(r.permissions::bit(64)::text, '0', '')), r.name limit 1`,
  )
  if (least === undefined) return inconclusive('no role may read the members')
  const place = { bench, organisation: await findOrFound(bench, name), role: least.role }
  if (await isMember(place, bench.canaries.b)) await remove(place, bench.canaries.b)
  return run(place)
}

// --- whoever is removed --------------------------------------------------------------------------------------------

async function removeAndLook(place: Place): Promise<Outcome> {
  const { bench, organisation } = place
  const { b } = bench.canaries
  const token = await invite(place, b.address)
  if (token === undefined) return inconclusive('the invitation did not arrive')
  const accepted = await accept(bench, token, b)
  if (accepted.status !== 200) return inconclusive(`accepting was answered ${accepted.status}`)
  const path = `/api/o/${organisation}/members`
  const before = await bench.http(path, { as: b })
  if (before.status !== 200) return inconclusive(`as a member B was answered ${before.status}`)

  const removed = await remove(place, b)
  const since = performance.now()
  if (removed.status !== 204) return inconclusive(`removing was answered ${removed.status}`)
  const next = await bench.http(path, { as: b })
  const milliseconds = Math.round(performance.now() - since)
  if (next.status < 300) return broken(`B, removed, was answered ${next.status}`, 1)
  const entered = await bench.sql('app', 'select 1 as entered', [], { as: b, organisation })
  if (entered.error?.code !== 'HF404') return broken(`the database let B in (${entered.error?.code ?? 'no error'})`, 2)
  const never = await bench.http(`/api/o/${crypto.randomUUID()}/members`, { as: b })
  if (never.status !== next.status || codeOf(never) !== codeOf(next))
    return broken(`B can tell a lost organisation (${next.status}) from one that never was (${never.status})`, 3)
  const me = await bench.http('/api/me', { as: b })
  if (me.text.includes(organisation)) return broken('B is still told of the organisation', 4)
  return holds(
    `B joined and was answered 200; removed, the same session was answered ${next.status} ${milliseconds} ms later, as for an organisation that never was`,
    4,
  )
}

// --- whoever comes by the link of an invitation --------------------------------------------------------------------

async function acceptWhatIsNotOnes(place: Place): Promise<Outcome> {
  const { bench } = place
  const { a, b, unverified } = bench.canaries
  const stranger = 'nobody@canary.invalid'
  const token = await invite(place, stranger)
  if (token === undefined) return inconclusive('the invitation did not arrive')
  let examined = 0
  const thieves: readonly (readonly [string, Canary | undefined])[] = [
    ['another verified person', b],
    ['the one who invited', a],
    ['an unverified person', unverified],
    ['nobody at all', undefined],
  ]
  for (const [who, as] of thieves) {
    const answer = await accept(bench, token, as)
    examined += 1
    if (answer.status < 300) return broken(`${who} accepted an invitation to somebody else`, examined)
  }
  if (await isMember(place, b)) return broken('B became a member by an invitation to somebody else', examined)

  const own = await invite(place, b.address)
  if (own === undefined) return inconclusive('the second invitation did not arrive', examined)
  const [first, second] = await Promise.all([accept(bench, own, b), accept(bench, own, b)])
  const again = await accept(bench, own, b)
  const opened = [first, second, again].filter(({ status }) => status === 200).length
  if (opened === 0) return inconclusive(`B's own invitation was answered ${first.status}`, examined)
  if (opened > 1) return broken(`one invitation was accepted ${opened} times`, examined + 3)
  await remove(place, b)
  const afterwards = await accept(bench, own, b)
  if (afterwards.status < 300) return broken('a used invitation opened again after removal', examined + 4)
  return holds(
    `${examined} others came with the link of an invitation and got nothing; the one it was sent to got in, once of ${3 + 1} times`,
    examined + 4,
  )
}

// --- as anybody would ----------------------------------------------------------------------------------------------

async function findOrFound(bench: Bench, name: string): Promise<string> {
  const { a } = bench.canaries
  const me = JSON.parse((await bench.http('/api/me', { as: a })).text) as {
    organisations: { id: string; name: string }[]
  }
  const known = me.organisations.find((one) => one.name === name)
  if (known !== undefined) return known.id
  const founded = await bench.http('/api/organisations', { method: 'POST', body: JSON.stringify({ name }), as: a })
  if (founded.status !== 201) throw new Error(`founding an organisation was answered ${founded.status}`)
  return (JSON.parse(founded.text) as { id: string }).id
}

async function isMember({ bench, organisation }: Place, canary: Canary): Promise<boolean> {
  const answer = await bench.http(`/api/o/${organisation}/members`, { as: bench.canaries.a })
  if (answer.status !== 200) throw new Error(`the list of members was answered ${answer.status}`)
  const { members } = JSON.parse(answer.text) as { members: { person: string }[] }
  return members.some(({ person }) => person === canary.person)
}

/** Invites as A, and waits for the link. Undefined where none came within ten seconds. */
async function invite({ bench, organisation, role }: Place, address: string): Promise<string | undefined> {
  const known = await newestLink(bench, address)
  const answer = await bench.http(`/api/o/${organisation}/invitations`, {
    method: 'POST',
    body: JSON.stringify({ address, role }),
    as: bench.canaries.a,
  })
  if (answer.status !== 201) throw new Error(`inviting was answered ${answer.status}`)
  for (let attempt = 0; attempt < 50; attempt++) {
    const link = await newestLink(bench, address)
    if (link !== known) return link
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return undefined
}

async function newestLink(bench: Bench, address: string): Promise<string | undefined> {
  for (const { text } of await bench.mail(address)) {
    const link = /\/invitation#([\w-]+)/.exec(text)?.[1]
    if (link !== undefined) return link
  }
  return undefined
}

function accept(bench: Bench, token: string, as: Canary | undefined): Promise<Answer> {
  const ask = { method: 'POST', body: JSON.stringify({ token }) }
  return bench.http('/api/invitations/accept', as === undefined ? ask : { ...ask, as })
}

function remove({ bench, organisation }: Place, canary: Canary): Promise<Answer> {
  return bench.http(`/api/o/${organisation}/members/${canary.person}`, { method: 'DELETE', as: bench.canaries.a })
}

function codeOf(answer: Answer): unknown {
  return (JSON.parse(answer.text) as { code?: unknown }).code
}
