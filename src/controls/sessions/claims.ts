import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'sessions/cookie-is-signed-and-closed': {
    sentence:
      'A session lives in a signed token, in a cookie that no script can read. A token that was changed, cut, signed anew ' +
      'with another key or another algorithm, or sent twice opens nothing.',
    promises: ['A3'],
    ttlMinutes: 60,
  },
  'sessions/revoked-at-once': {
    sentence: 'A session that has been ended opens nothing from the very next request on, even with the same cookie.',
    promises: ['A3'],
    ttlMinutes: 60,
  },
} as const satisfies Claims
