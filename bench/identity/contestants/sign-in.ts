// Holdfast behind a proxy, so that each request can come from an address of its own: then no limit on sign-ins has to be widened.
import type { StartContestant } from '../../isolation/contestant.ts'
import { serveHoldfast } from '../../isolation/contestants/holdfast.ts'
import { cost } from '../accounts.ts'

export const start: StartContestant = (setup) =>
  serveHoldfast(setup, { trustedProxies: ['127.0.0.0/8'], passwordCost: cost })
