import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'rate-limits/bursts-are-refused': {
    sentence:
      'A burst from one client address is refused once its quota is spent, on every route that needs no sign-in, ' +
      'whatever address the client claims to be, and without harm to anyone else.',
    promises: ['A6'],
    ttlMinutes: 1440,
  },
} as const satisfies Claims
