import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'two-factor/password-alone-opens-nothing': {
    sentence:
      'Whoever has set up a second factor gets nothing by the password alone: until the factor is shown, the database refuses ' +
      'the session everywhere.',
    promises: ['A5'],
    ttlMinutes: 360,
  },
  'two-factor/code-works-once': {
    sentence:
      'A code of an authenticator app and a recovery code each open once: of several that arrive together one gets in at most, and ' +
      'none of those that come later.',
    promises: ['A5'],
    ttlMinutes: 360,
  },
} as const satisfies Claims
