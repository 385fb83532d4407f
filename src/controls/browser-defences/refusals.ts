import type { RefusalKind } from '../../kernel/refusal.ts'

/** Another site sent it, or nothing shows that our own page did. Says no more: the reader may be the other site. */
export const crossSiteRequest = {
  code: 'browser-defences/cross-site-request',
  status: 403,
  title: 'This request did not come from a page of this service. Open the page here and try again.',
} as const satisfies RefusalKind
