import type { Bench, Canary, LoginName, Seen } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'

/** What an attack has come to so far: how much was tried, and what went through. */
export interface Tally {
  examined: number
  readonly breaches: string[]
  /** Moves that could not be made: without a breach, they leave the outcome open. */
  readonly obstacles: string[]
}

/** One move of an attack. `judge` says what went wrong, if anything did; it throws `Obstacle` where the move could not be made. */
export interface Move {
  readonly text: string
  readonly values?: readonly unknown[]
  judge(seen: Seen): string | undefined
}

export function newTally(): Tally {
  return { examined: 0, breaches: [], obstacles: [] }
}

export class Obstacle extends Error {}

/** Broken with the first breaches; open where something stood in the way; else held. `saw` is said of what held. */
export function verdict(tally: Tally, saw: string): Outcome {
  const { breaches, obstacles, examined } = tally
  if (breaches.length === 0)
    return obstacles.length > 0 ? inconclusive(obstacles.slice(0, 3).join(' · '), examined) : holds(saw, examined)
  const more = breaches.length > 3 ? ` · and ${breaches.length - 3} more` : ''
  return broken(`${breaches.slice(0, 3).join(' · ')}${more}`, examined)
}

/**
 * Makes the moves in one transaction, entered as `me` or outside of any organisation, each behind a savepoint that undoes it;
 * all is rolled back: whatever should not work, and does, must do no harm. `opening` is run before them, and stays in force.
 * Whatever comes back is searched for the marks of `other`. Throws where entry itself is refused.
 */
export async function attemptTogether(
  bench: Bench,
  tally: Tally,
  who: { readonly login: LoginName; readonly me?: Canary; readonly other: Canary },
  moves: readonly Move[],
  opening: readonly string[] = [],
): Promise<void> {
  const { login, me, other } = who
  // Planned anew each time: a plan that the session kept could be older than the flaw.
  const nonce = crypto.randomUUID()
  const statements = moves.flatMap(({ text, values = [] }) => [
    { text: 'savepoint before' },
    { text: `${text} /* ${nonce} */`, values },
    { text: 'rollback to savepoint before' },
  ])
  const answers = (
    await bench.transaction(login, me && { as: me }, [
      ...opening.map((text) => ({ text })),
      { text: 'select 1 as entered' },
      ...statements,
    ])
  ).slice(opening.length)
  if (answers[0]?.rows[0]?.entered !== 1) throw new Error(`${me?.name ?? login} could not begin: ${answers[0]?.text}`)
  moves.forEach((move, index) => {
    judge(tally, me ? `${login} in ${me.name}'s organisation` : login, other, move, answers[3 * index + 2]!)
  })
}

/** One move by itself, outside of any transaction: only for what could do no harm if it worked. */
export async function attemptAlone(
  bench: Bench,
  tally: Tally,
  who: { readonly login: LoginName; readonly me?: Canary; readonly other: Canary },
  move: Move,
): Promise<Seen> {
  const entered = who.me === undefined ? undefined : { as: who.me }
  const seen = await bench.sql(who.login, `${move.text} /* ${crypto.randomUUID()} */`, move.values ?? [], entered)
  judge(tally, who.login, who.other, move, seen)
  return seen
}

function judge(tally: Tally, who: string, other: Canary, move: Move, seen: Seen): void {
  tally.examined++
  const note = (kind: string[], what: string) => kind.push(`${who} ran «${shorten(move.text)}»: ${what}`)
  try {
    const what = move.judge(seen) ?? leak(seen, other, move.values ?? [])
    if (what !== undefined) note(tally.breaches, what)
  } catch (error) {
    if (!(error instanceof Obstacle)) throw error
    note(tally.obstacles, error.message)
  }
}

/** A mark of the other canary in anything that came back, but for what was sent there ourselves. */
export function leak(seen: Seen, other: Canary, sent: readonly unknown[]): string | undefined {
  let text = seen.text
  for (const value of sent) if (typeof value === 'string' && value.length > 0) text = text.replaceAll(value, '')
  const mark = other.marks.find((one) => text.includes(one))
  return mark === undefined ? undefined : `a mark of ${other.name} came back`
}

// ── How moves are judged ─────────────────────────────────────────────────────────────────────────────────────────────

/** Refused with one of these SQLSTATEs; success is a breach, another error means that the move was not made. */
export function refusedWith(...codes: readonly string[]): Move['judge'] {
  return (seen) => {
    if (seen.error === undefined) return `it was not refused (${seen.rowCount} rows)`
    if (!codes.includes(seen.error.code)) throw new Obstacle(`it could not be made: ${seen.text.slice(0, 300)}`)
    return undefined
  }
}

/** Ran, and reached no row. */
export function reachesNothing(seen: Seen): string | undefined {
  if (seen.error !== undefined) throw new Obstacle(`it could not be made: ${seen.text.slice(0, 300)}`)
  return seen.rowCount === 0 ? undefined : `${seen.rowCount} rows were reached`
}

/** Whatever it says, as long as it says nothing of the other: the search for marks decides. */
export function saysNothingOfOthers(): undefined {
  return undefined
}

/** No privilege: 42501. No context: 22P02, since the empty setting is no uuid. */
export const noRight = '42501'
export const noContext = '22P02'

function shorten(text: string): string {
  const one = text.replace(/\s+/g, ' ').trim()
  return one.length > 90 ? `${one.slice(0, 89)}…` : one
}
