import type { RefusalKind } from '../../kernel/refusal.ts'

/** No cookie, one that is not ours, or a session that the database does not know alive: the answer is the same. */
export const noSession = {
  code: 'sessions/no-session',
  status: 401,
  title: 'You are not signed in, or your session has ended. Sign in again.',
} as const satisfies RefusalKind
