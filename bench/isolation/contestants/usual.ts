// The usual way with row-level security, as `pg` and what is built on it send statements: without a name.
import type { StartContestant } from '../contestant.ts'
import { serveItems } from './usual-routes.ts'

export const start: StartContestant = (setup) => serveItems(setup, false)
