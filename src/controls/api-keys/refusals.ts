import type { RefusalKind } from '../../kernel/refusal.ts'

/** Not a key of ours, mistyped, withdrawn, expired, replaced: the answer is the same. */
export const keyOpensNothing = {
  code: 'api-keys/key-opens-nothing',
  status: 401,
  title: 'This key opens nothing: it is not complete, or it was withdrawn, replaced, or has expired. Use a newer one.',
} as const satisfies RefusalKind

export const keyBesideSession = {
  code: 'api-keys/key-beside-session',
  status: 400,
  title:
    'A key came together with the cookie of a session, and only one of them can act. Send the key alone, without cookies.',
} as const satisfies RefusalKind

export const notWithAKey = {
  code: 'api-keys/not-with-a-key',
  status: 403,
  title: 'No key opens this, whatever its scopes. Sign in and do it as a person.',
} as const satisfies RefusalKind

export const moreThanYouHave = {
  code: 'api-keys/more-than-you-have',
  status: 403,
  title: 'A key can do no more than you may yourself. Leave out what your role does not allow.',
} as const satisfies RefusalKind

export const tooManyKeys = {
  code: 'api-keys/too-many-keys',
  status: 429,
  title: 'This organisation has 100 keys. Withdraw one that is not needed any more.',
} as const satisfies RefusalKind

export const notYourKey = {
  code: 'api-keys/not-your-key',
  status: 403,
  title:
    'A key acts as the person who made it, so only they can replace it. Make one of your own, then withdraw this one.',
} as const satisfies RefusalKind

export const replacedMeanwhile = {
  code: 'api-keys/replaced-meanwhile',
  status: 409,
  title: 'This key was replaced a moment ago, maybe in another tab. Load the list again.',
} as const satisfies RefusalKind

export const keyEnded = {
  code: 'api-keys/key-ended',
  status: 409,
  title: 'This key opens nothing any more, so it cannot be replaced. Make a new one.',
} as const satisfies RefusalKind
