// Holdfast with nothing that counts requests: what the limiter costs is the difference.
import type { Stages } from '../../../src/server/pipeline.ts'
import type { StartContestant } from '../../isolation/contestant.ts'
import { serveHoldfast } from '../../isolation/contestants/holdfast.ts'

export const start: StartContestant = (setup) => serveHoldfast(setup, { replaceStages: withoutSpending })

/** Whatever is spent goes by that name. */
function withoutSpending(stages: Stages): Stages {
  const spending = Object.keys(stages).filter((name) => name.startsWith('spend'))
  if (spending.length < 3) throw new Error(`the limiter's stages are gone: ${spending.join(', ') || 'none is left'}`)
  return { ...stages, ...Object.fromEntries(spending.map((name) => [name, () => ({})])) }
}
