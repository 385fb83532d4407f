import type { RefusalKind } from '../../kernel/refusal.ts'

export const unverified = {
  code: 'accounts/address-unverified',
  status: 428,
  title: 'Your email address is not confirmed yet. Open the link in the mail that we sent you, or sign up again.',
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
  title: 'This link has been used already, or it is too old. Ask for another one.',
} as const satisfies RefusalKind

/** The link of a sign-up, opened elsewhere and without the password. */
export const otherBrowser = {
  code: 'accounts/other-browser',
  status: 409,
  title: 'You signed up in another browser. Give the password that you chose there.',
} as const satisfies RefusalKind

export const notThatPassword = {
  code: 'accounts/not-that-password',
  status: 422,
  title:
    'This is not the password that was chosen at this sign-up. If you did not sign up yourself, do nothing, or sign up anew.',
} as const satisfies RefusalKind

/** No sign-up of this browser waits: it was confirmed, it is older than a day, or it was made elsewhere. */
export const signUpOver = {
  code: 'accounts/sign-up-over',
  status: 410,
  title: 'No sign-up of this browser waits for a confirmation any more. Sign in, or sign up again.',
} as const satisfies RefusalKind

export const notYourPassword = {
  code: 'accounts/not-your-password',
  status: 422,
  title: 'The current password is another one.',
} as const satisfies RefusalKind

export const changedMeanwhile = {
  code: 'accounts/changed-meanwhile',
  status: 409,
  title: 'The password was changed from somewhere else in this moment. Sign in with the newer one.',
} as const satisfies RefusalKind

export const sameAddress = {
  code: 'accounts/same-address',
  status: 422,
  title: 'This is your email address already.',
} as const satisfies RefusalKind

export const resetLately = {
  code: 'accounts/reset-lately',
  status: 409,
  title:
    'Your password was reset by mail within the last day. Until a day has passed the email address stays as it is.',
} as const satisfies RefusalKind

/** The link to a new address, opened without a session of the account that moves there. */
export const signInFirst = {
  code: 'accounts/sign-in-first',
  status: 409,
  title: 'Sign in to the account that is to have this email address, in this browser, and then try again.',
} as const satisfies RefusalKind

export const addressTaken = {
  code: 'accounts/address-taken',
  status: 409,
  title: 'The old email address belongs to another account by now. Sign in there, or ask us for help.',
} as const satisfies RefusalKind

/** `organisations`: their ids. */
export const ownerNeeded = {
  code: 'accounts/owner-needed',
  status: 409,
  title:
    'You are the only owner of an organisation that has other members. Make one of them an owner, or remove them, and try again.',
} as const satisfies RefusalKind

export const hashingBusy = {
  code: 'accounts/hashing-busy',
  status: 503,
  title: 'Too many people are signing in at this moment. Try again in a few seconds.',
} as const satisfies RefusalKind
