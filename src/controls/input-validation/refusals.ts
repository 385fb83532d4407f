import type { RefusalKind } from '../../kernel/refusal.ts'

export const wrongContentType = {
  code: 'input-validation/wrong-content-type',
  status: 415,
  title: 'This route does not take a body of this type. Its accepted types are listed here.',
} as const satisfies RefusalKind

export const bodyTooLarge = {
  code: 'input-validation/body-too-large',
  status: 413,
  title: 'The body is larger than this route accepts.',
} as const satisfies RefusalKind

/** The connection ended, or broke the protocol, before the body was whole. */
export const bodyCutShort = {
  code: 'input-validation/body-cut-short',
  status: 400,
  title: 'The body ended before it was whole. Send it again.',
} as const satisfies RefusalKind

export const malformedJson = {
  code: 'input-validation/malformed-json',
  status: 400,
  title: 'The body is not well-formed JSON.',
} as const satisfies RefusalKind

export const malformedQuery = {
  code: 'input-validation/malformed-query',
  status: 400,
  title: 'The query of the address is malformed.',
} as const satisfies RefusalKind

export const invalidFields = {
  code: 'input-validation/invalid-fields',
  status: 400,
  title: 'Some fields are not as they should be. Correct them and try again.',
} as const satisfies RefusalKind
