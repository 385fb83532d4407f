import type { RefusalKind } from '../../kernel/refusal.ts'

/** No such address, another password, an account that was closed: the answer is the same, and takes the same time. */
export const notMatching = {
  code: 'sign-in/not-matching',
  status: 401,
  title: 'Address and password do not belong together.',
} as const satisfies RefusalKind

/** To somebody who is signed in, and shows again who they are. */
export const passwordNotRight = {
  code: 'sign-in/password-not-right',
  status: 422,
  title: 'This is not your password.',
} as const satisfies RefusalKind

/** The password is right, and shorter than one that opens an account alone; the second factor that it stood beside is gone. */
export const tooShortAlone = {
  code: 'sign-in/too-short-alone',
  status: 403,
  title:
    'Without your second factor this password is too short. Choose a longer one: «Forgotten your password?» sends you a link.',
} as const satisfies RefusalKind
