import { hash, verify } from '@node-rs/bcrypt'
import type { Setup } from '../../isolation/contestant.ts'
import { mayRead } from '../../isolation/contestants/better-auth.ts'
import { serveItems } from '../../isolation/contestants/better-auth-routes.ts'
import { cost } from '../accounts.ts'

/** Runs a hash when its turn has come. */
export type Turn = <T>(run: () => Promise<T>) => Promise<T>

/**
 * better-auth's own route for signing in, with the hash that Holdfast uses at the same cost in place of its scrypt, and without
 * its limits, which are meant for a client that asks less often than this one. Beside it the two routes of the benchmark.
 */
export function serveSignIn(setup: Setup, turn: Turn = (run) => run()): Promise<void> {
  return serveItems(setup, mayRead, {
    rateLimit: { enabled: false },
    emailAndPassword: {
      enabled: true,
      password: {
        hash: (password: string) => turn(() => hash(password, cost)),
        verify: (given: { password: string; hash: string }) => turn(() => verify(given.password, given.hash)),
      },
    },
  })
}
