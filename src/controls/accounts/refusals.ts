import type { RefusalKind } from '../../kernel/refusal.ts'

export const unverified = {
  code: 'accounts/address-unverified',
  status: 428,
  title: 'Your mail address is not confirmed yet. Open the link in the mail that we sent you, or have it sent again.',
} as const satisfies RefusalKind

/** The field says why. */
export const passwordRefused = {
  code: 'accounts/password-refused',
  status: 422,
  title:
    'This password would be guessed too soon. Choose another: a few words that nobody would put together are best.',
} as const satisfies RefusalKind

/** Used, expired, cut off or never given out: the answer is the same. */
export const linkDead = {
  code: 'accounts/link-dead',
  status: 410,
  title: 'This link has been used already, or it is older than a day. Sign in, and have another mail sent.',
} as const satisfies RefusalKind

export const hashingBusy = {
  code: 'accounts/hashing-busy',
  status: 503,
  title: 'Too many people are signing in at this moment. Try again in a few seconds.',
} as const satisfies RefusalKind
