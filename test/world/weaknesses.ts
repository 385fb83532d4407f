import type { Stages } from '../../src/server/pipeline.ts'

/** Ways to weaken the server itself, by the names that the controls' sabotages use. They exist in tests alone. */
export const weaknesses: Readonly<Record<string, (stages: Stages) => Stages>> = {
  'browser-defences/gate-off': (stages) => ({ ...stages, refuseCrossSite: () => {} }),
  'browser-defences/same-site-passes': (stages) => ({
    ...stages,
    refuseCrossSite: (request) => {
      if (request.headers.get('sec-fetch-site') !== 'same-site') stages.refuseCrossSite(request)
    },
  }),
  'browser-defences/header-dropped': (stages) => ({
    ...stages,
    headersFor: (what) => {
      const { 'x-content-type-options': _, ...rest } = stages.headersFor(what)
      return rest
    },
  }),
  'browser-defences/unsafe-inline': (stages) => ({
    ...stages,
    headersFor: (what) => {
      const headers = stages.headersFor(what)
      const policy = headers['content-security-policy'] ?? ''
      return {
        ...headers,
        'content-security-policy': policy.replace(/script-src [^;]+/, "script-src 'self' 'unsafe-inline'"),
      }
    },
  }),
  'rate-limits/off': (stages) => ({
    ...stages,
    spendOverall: () => ({}),
    spendByAddress: () => ({}),
    spendBySession: () => {},
  }),
  'rate-limits/trusts-forwarded-for': (stages) => ({
    ...stages,
    clientAddress: (peer, headers) =>
      headers.get('x-forwarded-for')?.split(',')[0]?.trim() || stages.clientAddress(peer, headers),
  }),
  'rate-limits/one-bucket-for-all': (stages) => ({ ...stages, clientAddress: () => '192.0.2.1' }),
}
