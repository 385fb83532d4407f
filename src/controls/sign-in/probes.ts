import type { Answer, Bench } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'

const guessingIsSlowed: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 180,
  run: guess,
}

export const probes = { 'sign-in/guessing-is-slowed': guessingIsSlowed } satisfies Record<keyof typeof claims, Probe>

/** More than any account should take in a quarter of an hour. */
const mostAttempts = 40
/** Compared like any other. */
const wrong = 'not the password of anybody'
/** Counted like any other, and too short to be worth hashing: forty hashes a round would slow real people down. */
const tooShort = 'guess'

async function guess(bench: Bench): Promise<Outcome> {
  // Nobody's address, so that no canary's own sign-in is slowed. That one is counted too is half of the claim.
  const nobody = `guess-${crypto.randomUUID().slice(0, 8)}@canary.invalid`
  const client = newClients()
  const known = await attempt(bench, bench.canaries.b.address, wrong, client(0))
  const unknown = await attempt(bench, nobody, wrong, client(0))
  if (known.status === 429) return inconclusive('sign-in of the canary was limited before the probe began')
  if (known.status !== 401) return broken(`a wrong password was answered ${known.status}`, 1)
  if (shapeOf(known) !== shapeOf(unknown))
    return broken(`an address without an account answers otherwise: ${unknown.status}, not ${known.status}`, 2)

  for (let count = 1; count <= mostAttempts; count++) {
    const answer = await attempt(bench, nobody, tooShort, client(count))
    if (answer.status !== 429) continue
    if (!/^\d+$/.test(answer.headers.get('retry-after') ?? ''))
      return broken('the refusal does not say for how long', count)
    const other = await attempt(bench, `other-${nobody}`, tooShort, client(count))
    if (other.status === 429)
      return inconclusive('another account is limited too: this was not the limit of one account', count)
    return holds(
      `attempt ${count + 1} on one account, each few from another client, was refused for ${answer.headers.get('retry-after')} s, and one on another account was not; unknown address and wrong password were answered alike`,
      count + 2,
    )
  }
  return broken(`${mostAttempts} attempts on one account, and none was refused`, mostAttempts)
}

function attempt(bench: Bench, address: string, password: string, from: string): Promise<Answer> {
  const ask = { method: 'POST', body: JSON.stringify({ address, password }) }
  return bench.http('/api/sign-in', { ...ask, from }).catch((error) => {
    // Only Linux has all of 127.0.0.0/8 to call from.
    if ((error as { code?: unknown }).code !== 'EADDRNOTAVAIL') throw error
    return bench.http('/api/sign-in', ask)
  })
}

/** Loopback addresses for three attempts each, so that no client's own quota is in the way. */
function newClients(): (count: number) => string {
  const network = Math.floor(Math.random() * 250)
  return (count) => `127.88.${network}.${1 + Math.floor(count / 3)}`
}

/** All of an answer but what must differ: the request's id, and the quotas that are left. */
function shapeOf(answer: Answer): string {
  const { requestId: _, ...body } = JSON.parse(answer.text) as Record<string, unknown>
  const names = [...answer.headers.keys()].filter((name) => name !== 'retry-after').sort()
  return JSON.stringify([answer.status, body, names])
}
