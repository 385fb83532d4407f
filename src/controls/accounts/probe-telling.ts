import type { Bench } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import { newClient, newcomer, newPassword, post, shapeOf } from './probe-newcomer.ts'

/** Pairs of requests; the known address gets that many mails, which nobody is sent. */
const pairs = 8
/** No two answers of one route lie this far apart for anything but a reason. A network hides it, this machine does not. */
const plainMilliseconds = 15

/** Asks for an account and for a reset, with a known address and with unknown ones, in turns. */
export async function compareAnswers(bench: Bench): Promise<Outcome> {
  const readers = await bench.catalogue<{ verb: string }>(
    `select p.proname as verb from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'holdfast' and p.proname in ('ask_sign_up', 'ask_sign_up_again', 'sign_up_key', 'ask_reset', 'request_mail')
        and pg_get_functiondef(p.oid) ~ 'holdfast\\.(account|person|credential)\\y'`,
  )
  if (readers.length > 0)
    return broken(`${readers.map(({ verb }) => verb).join(', ')} looks whether there is an account`, 1)

  const owner = await newcomer(bench)
  const { status } = await post(
    bench,
    '/api/verify',
    { token: owner.token, password: owner.password },
    { from: owner.from },
  )
  if (status !== 200) return inconclusive(`the newcomer's link was answered ${status}`)
  const known = owner.address
  const told = await compare(bench, '/api/reset', (address) => ({ address }), known, pairs)
  if (typeof told === 'string') return broken(told, pairs * 2)
  if (told.isTelling) {
    // A busy machine makes such a difference by itself, but not twice in the same direction.
    const again = await compare(bench, '/api/reset', (address) => ({ address }), known, pairs)
    if (typeof again === 'string') return broken(again, pairs * 4)
    if (again.isTelling && Math.sign(again.by) === Math.sign(told.by))
      return broken(
        `/api/reset takes ${told.least} ms with a known address and ${told.most} ms with others, and so once more`,
        pairs * 4,
      )
  }
  const signedUp = await compare(
    bench,
    '/api/sign-up',
    (address) => ({ name: 'Newcomer', address, password: newPassword() }),
    known,
    2,
  )
  if (typeof signedUp === 'string') return broken(signedUp, pairs * 2 + 4)
  const { least, most } = told
  return holds(
    `sign-up and reset answer alike with a known address and with unknown ones: status, body, header names, cookie; ` +
      `of ${pairs} pairs of resets the middle ones took ${least} and ${most} ms; no verb behind them reads the accounts`,
    pairs * 2 + 4,
  )
}

async function compare(
  bench: Bench,
  path: string,
  bodyOf: (address: string) => unknown,
  known: string,
  count: number,
): Promise<string | { least: string; most: string; by: number; isTelling: boolean }> {
  const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] }
  for (let at = 0; at < count; at++) {
    const unknown = `nobody-${crypto.randomUUID()}@canary.invalid`
    // A client for each pair, so that no quota of one address and client is in the way; and each goes first in turn.
    const from = newClient()
    const order = at % 2 === 0 ? ([known, unknown] as const) : ([unknown, known] as const)
    const shapes = new Set<string>()
    for (const address of order) {
      const answer = await post(bench, path, bodyOf(address), { from })
      if (answer.status === 429) throw new Error(`${path} is limited: the probe ran too often`)
      times[address === known ? 'known' : 'unknown'].push(answer.milliseconds)
      shapes.add(shapeOf(answer))
    }
    if (shapes.size > 1)
      return `${path} answers otherwise with an address that has an account: ${[...shapes].join(' / ')}`
  }
  const [one, other] = [median(times.known), median(times.unknown)]
  const by = delta(times.known, times.unknown)
  // Of a few samples each difference looks large: they are only compared by what they say.
  const isTelling = count >= pairs && Math.abs(one - other) > plainMilliseconds && Math.abs(by) > 0.6
  return { least: one.toFixed(1), most: other.toFixed(1), by, isTelling }
}

function median(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)]!
}

/** Cliff's delta: −1 where each of `ones` is below each of `others`, 1 the other way round, 0 where nothing tells them apart. */
function delta(ones: readonly number[], others: readonly number[]): number {
  let above = 0
  for (const one of ones) for (const other of others) above += Math.sign(one - other)
  return above / (ones.length * others.length)
}
