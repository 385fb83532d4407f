import { availableParallelism } from 'node:os'
import { Refusal } from '../../kernel/refusal.ts'
import { hashingBusy } from './refusals.ts'

/** Runs something when its turn has come. `client`: in whose line it waits. Throws a 503 `Refusal` where no place is left. */
export type Turns = <T>(client: string, run: () => Promise<T>) => Promise<T>

/**
 * Runs `most` at a time; as many as `mostWaiting` more wait, each in the line of its client, and the lines take turns. When all
 * places are taken a newcomer takes the last one of the longest line, so that a client with many waits for itself and keeps
 * nobody else out; whoever has the longest line already is refused (503).
 *
 * bcrypt works in libuv's pool, four threads unless told otherwise, which files and name look-ups need too: one thread and
 * one core stay free.
 */
export function createTurns(most = Math.max(1, Math.min(availableParallelism(), 4) - 1), mostWaiting = 100): Turns {
  const lines = new Map<string, { go: () => void; refuse: (refusal: Refusal) => void }[]>()
  let waiting = 0
  let running = 0
  const busy = () => new Refusal(hashingBusy, { headers: { 'retry-after': '5' } })
  const makeRoom = (client: string) => {
    const own = lines.get(client)?.length ?? 0
    const longest = [...lines.values()].reduce((one, other) => (other.length > one.length ? other : one), [])
    // Two more than one's own: else two clients would take one place from each other for ever.
    if (longest.length < own + 2) throw busy()
    longest.pop()!.refuse(busy())
    waiting--
  }
  const take = async (client: string) => {
    if (running < most) {
      running++
      return
    }
    if (waiting >= mostWaiting) makeRoom(client)
    waiting++
    await new Promise<void>((go, refuse) => {
      const line = lines.get(client)
      if (line === undefined) lines.set(client, [{ go, refuse }])
      else line.push({ go, refuse })
    })
  }
  // The turn is handed on, not given back, so that nobody slips in between.
  const pass = () => {
    const [first] = lines
    if (first === undefined) {
      running--
      return
    }
    const [client, line] = first
    const next = line.shift()!
    waiting--
    // To the end of the lines, for the next turn.
    lines.delete(client)
    if (line.length > 0) lines.set(client, line)
    next.go()
  }
  return async (client, run) => {
    await take(client)
    try {
      return await run()
    } finally {
      pass()
    }
  }
}
