import type { Answer, Bench, Canary } from '../../kernel/bench.ts'
import { mailedLink, newestLink, post } from '../../kernel/visitor.ts'

/** An organisation of canary A's by this name, kept from round to round. */
export async function findOrFound(bench: Bench, placeName: string): Promise<string> {
  const known = (await organisationsOf(bench, bench.canaries.a)).find((one) => one.name === placeName)
  if (known !== undefined) return known.id
  const founded = await post(bench, '/api/organisations', { name: placeName }, bench.canaries.a)
  if (founded.status !== 201) throw new Error(`founding an organisation was answered ${founded.status}`)
  return (JSON.parse(founded.text) as { id: string }).id
}

/**
 * Puts canary B into that role there. The first time it is invited; afterwards canary A gives it the role, because an address takes
 * few invitations in a day. Says why, where it did not work.
 */
export async function putInRole(bench: Bench, organisation: string, role: string): Promise<string | undefined> {
  const { a, b } = bench.canaries
  const place = (await organisationsOf(bench, b)).find(({ id }) => id === organisation)
  if (place?.role === role) return undefined
  if (place !== undefined) {
    const given = await giveRole(bench, organisation, a, b.person, role)
    return given.status === 204 ? undefined : `giving the role was answered ${given.status}`
  }
  const before = await newestLink(bench, b.address, 'invitation')
  const invited = await post(bench, `/api/o/${organisation}/invitations`, { address: b.address, role }, a)
  if (invited.status !== 201) return `inviting was answered ${invited.status}`
  const link = await mailedLink(bench, b.address, 'invitation', before)
  const accepted = await post(bench, '/api/invitations/accept', { token: link }, b)
  return accepted.status === 200 ? undefined : `accepting was answered ${accepted.status}`
}

export function giveRole(
  bench: Bench,
  organisation: string,
  as: Canary,
  person: string,
  role: string,
): Promise<Answer> {
  const path = `/api/o/${organisation}/members/${person}/role`
  return bench.http(path, { method: 'PUT', body: JSON.stringify({ role }), as })
}

async function organisationsOf(bench: Bench, as: Canary): Promise<{ id: string; name: string; role: string }[]> {
  const answer = await bench.http('/api/me', { as })
  if (answer.status !== 200) throw new Error(`/api/me was answered ${answer.status}`)
  return (JSON.parse(answer.text) as { organisations: { id: string; name: string; role: string }[] }).organisations
}
