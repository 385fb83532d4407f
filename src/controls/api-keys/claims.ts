import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'api-keys/opens-its-scopes-alone': {
    sentence:
      'An API key opens what its scopes name, in the one organisation that it was made for, and nothing else: no account, no other ' +
      'key, and nothing at all beside a session’s cookie or in an address.',
    promises: ['A7'],
    ttlMinutes: 360,
  },
  'api-keys/withdrawn-at-once': {
    sentence: 'An API key that was withdrawn, or replaced by a new one, opens nothing from the very next request on.',
    promises: ['A7'],
    ttlMinutes: 360,
  },
  'api-keys/no-further-than-its-maker': {
    sentence:
      'An API key does no more than the role of its maker allows at that moment, and opens nothing once its maker has been removed ' +
      'from the organisation.',
    promises: ['A7'],
    ttlMinutes: 360,
  },
} as const satisfies Claims
