import type { Bench } from '../../kernel/bench.ts'
import { mailedLink, newestLink, post } from '../../kernel/visitor.ts'

/** An organisation of canary A's by this name, without canary B in it. */
export async function findOrFound(bench: Bench, placeName: string): Promise<string> {
  const { a } = bench.canaries
  const me = JSON.parse((await bench.http('/api/me', { as: a })).text) as {
    organisations: { id: string; name: string }[]
  }
  const known = me.organisations.find((one) => one.name === placeName)
  if (known !== undefined) {
    await go(bench, known.id)
    return known.id
  }
  const founded = await post(bench, '/api/organisations', { name: placeName }, a)
  if (founded.status !== 201) throw new Error(`founding an organisation was answered ${founded.status}`)
  return (JSON.parse(founded.text) as { id: string }).id
}

/** Canary B comes, by an invitation in that role. Says why, where it did not work. */
export async function come(bench: Bench, organisation: string, role: string): Promise<string | undefined> {
  const { a, b } = bench.canaries
  const before = await newestLink(bench, b.address, 'invitation')
  const invited = await post(bench, `/api/o/${organisation}/invitations`, { address: b.address, role }, a)
  if (invited.status !== 201) return `inviting was answered ${invited.status}`
  const link = await mailedLink(bench, b.address, 'invitation', before)
  const accepted = await post(bench, '/api/invitations/accept', { token: link }, b)
  return accepted.status === 200 ? undefined : `accepting was answered ${accepted.status}`
}

/** Canary B goes. */
export async function go(bench: Bench, organisation: string): Promise<void> {
  const { a, b } = bench.canaries
  const answer = await bench.http(`/api/o/${organisation}/members/${b.person}`, { method: 'DELETE', as: a })
  if (answer.status !== 204 && answer.status !== 404) throw new Error(`removing B was answered ${answer.status}`)
}
