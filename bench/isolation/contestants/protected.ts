// Holdfast, whole.
import type { StartContestant } from '../contestant.ts'
import { serveHoldfast } from './holdfast.ts'

export const start: StartContestant = (setup) => serveHoldfast(setup)
