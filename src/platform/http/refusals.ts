import { Refusal, type RefusalKind } from '../../kernel/refusal.ts'

export const kinds = {
  notFound: { code: 'http/not-found', status: 404, title: 'There is nothing here, or nothing that you may see.' },
  otherHost: {
    code: 'http/other-host',
    status: 421,
    title: 'This server does not answer under that name. Use the address that it printed when it started.',
  },
  methodNotAllowed: { code: 'http/method-not-allowed', status: 405, title: 'This address does not take that method.' },
  busy: { code: 'http/busy', status: 503, title: 'The service is busy. Try again in a moment.' },
  keyReused: {
    code: 'http/idempotency-key-reused',
    status: 422,
    title: 'This Idempotency-Key was used for another request. Send a new key with a new request.',
  },
  keyMalformed: {
    code: 'http/idempotency-key-malformed',
    status: 400,
    title: 'Idempotency-Key must be 8 to 100 letters, digits, dashes or underscores.',
  },
  valueRefused: { code: 'http/value-refused', status: 422, title: 'A value is not one that can be stored.' },
  referenceMissing: {
    code: 'http/reference-missing',
    status: 409,
    title: 'Something that this refers to does not exist (any more). Load the page again.',
  },
  existsAlready: { code: 'http/exists-already', status: 409, title: 'That exists already.' },
  tooMany: { code: 'http/too-many', status: 429, title: 'Too many of these for now. Try again later.' },
  unexpected: { code: 'http/unexpected', status: 500, title: 'Something went wrong on our side. Nothing was changed.' },
} as const satisfies Record<string, RefusalKind>

/** The identical answer for what does not exist and for what the caller may not know of. */
export function notFound(): Refusal {
  return new Refusal(kinds.notFound)
}
