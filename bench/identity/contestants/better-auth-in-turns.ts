// better-auth with as many hashes at once as Holdfast allows itself: the same bcrypt on the same cores.
import { createTurns } from '../../../src/controls/accounts/accounts.ts'
import type { StartContestant } from '../../isolation/contestant.ts'
import { serveSignIn } from './better-auth-server.ts'

export const start: StartContestant = (setup) => {
  const turns = createTurns()
  return serveSignIn(setup, (run) => turns('', run))
}
