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
  'sessions/replaced-in-use': {
    sentence:
      'The secret of a session is replaced while the session is in use, after ten minutes at the latest. Of many requests at ' +
      'once one successor comes, and half a minute after that is first used the one before opens nothing.',
    promises: ['A3'],
    ttlMinutes: 60,
  },
  'sessions/theft-ends-the-session': {
    sentence:
      'When a secret comes back that was replaced, two hold what was one person’s: the whole session ends, for the thief and the ' +
      'owner alike, and the owner gets one mail.',
    promises: ['A3'],
    ttlMinutes: 60,
  },
} as const satisfies Claims
