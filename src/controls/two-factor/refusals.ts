import type { RefusalKind } from '../../kernel/refusal.ts'

/** Wrong, used already, too old, of another person: the answer is the same. */
export const codeNotMatching = {
  code: 'two-factor/code-not-matching',
  status: 422,
  title: 'This code is not right, or it was used already. Wait for the next one, and look at the clock of your phone.',
} as const satisfies RefusalKind

export const passkeyNotMatching = {
  code: 'two-factor/passkey-not-matching',
  status: 422,
  title: 'This passkey does not open this account. Try another way.',
} as const satisfies RefusalKind

export const enrolmentOver = {
  code: 'two-factor/enrolment-over',
  status: 410,
  title: 'This was begun too long ago, or begun again in another window. Begin once more.',
} as const satisfies RefusalKind

export const passkeyKnown = {
  code: 'two-factor/passkey-known',
  status: 409,
  title: 'This passkey is known already, or twenty are enough. Take another one, or remove one first.',
} as const satisfies RefusalKind

export const lastFactor = {
  code: 'two-factor/last-factor',
  status: 409,
  title: 'One of your organisations demands a second factor, and this is your last. Add another one first.',
} as const satisfies RefusalKind

export const noFactor = {
  code: 'two-factor/no-factor',
  status: 409,
  title: 'Recovery codes stand in for a second factor. Set one up first.',
} as const satisfies RefusalKind

export const factorMissing = {
  code: 'two-factor/factor-missing',
  status: 404,
  title: 'You have no such factor. It may have been removed in another window.',
} as const satisfies RefusalKind

export const noFactorToRecover = {
  code: 'two-factor/no-factor-to-recover',
  status: 409,
  title: 'This account has no second factor: the password alone opens it.',
} as const satisfies RefusalKind
