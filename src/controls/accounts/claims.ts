import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'accounts/passwords-are-hashed': {
    sentence:
      'Passwords exist only as bcrypt hashes of cost 12 or more, each with a salt of its own, and every byte of a long ' +
      'password counts. The database takes nothing else.',
    promises: ['A1'],
    ttlMinutes: 60,
  },
  'accounts/unverified-opens-nothing': {
    sentence:
      'Whoever has not confirmed their mail address enters no organisation, founds none and accepts no invitation: the ' +
      'database refuses the session.',
    promises: ['A2'],
    ttlMinutes: 60,
  },
} as const satisfies Claims
