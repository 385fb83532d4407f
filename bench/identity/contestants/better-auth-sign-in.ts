// better-auth as it comes: every hash goes to libuv's threads at once, and takes whatever core is there.
import type { StartContestant } from '../../isolation/contestant.ts'
import { serveSignIn } from './better-auth-server.ts'

export const start: StartContestant = (setup) => serveSignIn(setup)
