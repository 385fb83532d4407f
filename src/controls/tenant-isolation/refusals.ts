import type { RefusalKind } from '../../kernel/refusal.ts'

export const permissionMissing = {
  code: 'tenant-isolation/permission-missing',
  status: 403,
  title: 'Your role in this organisation does not allow that. Ask an owner for another role.',
} as const satisfies RefusalKind

/** The person has a second factor, and this session has not shown it. */
export const factorNotShown = {
  code: 'tenant-isolation/second-factor-not-shown',
  status: 428,
  title: 'Show your second factor first.',
} as const satisfies RefusalKind

/** The role or the organisation demands two, and the person has one. */
export const factorNotEnrolled = {
  code: 'tenant-isolation/second-factor-not-enrolled',
  status: 428,
  title:
    'This organisation, or your role in it, needs a second factor. Set one up on the security page of your account.',
} as const satisfies RefusalKind

/** For sensitive acts, and where a role's time is over: the session lives, and the person has to sign in again. */
export const showAgain = {
  code: 'tenant-isolation/show-again',
  status: 428,
  title: 'You signed in too long ago for this. Show again who you are.',
} as const satisfies RefusalKind

/** A key cannot show a second factor: it carries what its maker's session had shown when it was made. */
export const keyLacksFactor = {
  code: 'tenant-isolation/key-lacks-factor',
  status: 403,
  title:
    'This key was made by a session with one factor, and this organisation demands two by now. Make a new key after showing both.',
} as const satisfies RefusalKind
