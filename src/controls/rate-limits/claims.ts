import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'rate-limits/bursts-are-refused': {
    sentence:
      'A burst from one client address is refused once its quota is spent, on every route that needs no sign-in, ' +
      'whatever address the client claims to be, and without harm to anyone else.',
    promises: ['A6'],
    ttlMinutes: 1440,
  },
  'rate-limits/counted-across-processes': {
    sentence:
      'Attempts on one account are counted together, in whatever process and from whatever address they are made: what ' +
      'another process has spent is refused here, before anything is compared, and other accounts are served.',
    promises: ['A6'],
    ttlMinutes: 1440,
  },
  'rate-limits/fails-closed': {
    sentence:
      'While the counter does not answer, sign-in is refused and says when to try again; nothing is let through uncounted, ' +
      'and it opens again by itself.',
    promises: ['A6'],
    ttlMinutes: 1440,
  },
} as const satisfies Claims
