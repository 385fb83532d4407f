// The usual way, tuned: every statement has a name and is prepared once for each connection.
import type { StartContestant } from '../contestant.ts'
import { serveItems } from './usual-routes.ts'

export const start: StartContestant = (setup) => serveItems(setup, true)
