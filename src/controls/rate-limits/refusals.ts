import type { RefusalKind } from '../../kernel/refusal.ts'

export const tooManyRequests = {
  code: 'rate-limits/too-many-requests',
  status: 429,
  title: 'Too many requests in a short time. Wait for as long as Retry-After says, then try again.',
} as const satisfies RefusalKind

/** The connection has no address, mostly because it is already gone. Without one nothing can be counted. */
export const addressUnknown = {
  code: 'rate-limits/address-unknown',
  status: 400,
  title: 'The address of this connection could not be read. Connect again.',
} as const satisfies RefusalKind

/** The counter that all processes share cannot be asked: nothing that it limits is let through uncounted. */
export const counterDown = {
  code: 'rate-limits/counter-down',
  status: 503,
  title: 'Requests cannot be counted at the moment, so this one is refused. Try again in a few seconds.',
} as const satisfies RefusalKind
