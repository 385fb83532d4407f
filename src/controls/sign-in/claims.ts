import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'sign-in/guessing-is-slowed': {
    sentence:
      'One account takes a limited number of attempts to sign in, wherever they come from, and an address without an account ' +
      'answers as one does whose password is wrong.',
    promises: ['A6'],
    ttlMinutes: 360,
  },
} as const satisfies Claims
