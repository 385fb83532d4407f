import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Refusal } from '../../src/kernel/refusal.ts'
import type { Stages } from '../../src/server/pipeline.ts'

/** Ways to weaken the server itself, by the names that the controls' sabotages use. They exist in tests alone. */
export const weaknesses: Readonly<Record<string, (stages: Stages) => Stages>> = {
  'api-keys/beside-a-session': (stages) => ({
    ...stages,
    presentKey: (route, headers) => {
      const alone = new Headers(headers)
      alone.delete('cookie')
      return stages.presentKey(route, alone)
    },
  }),
  'browser-defences/gate-off': (stages) => ({ ...stages, refuseCrossSite: () => {} }),
  'browser-defences/same-site-passes': (stages) => ({
    ...stages,
    refuseCrossSite: (request) => {
      if (request.headers.get('sec-fetch-site') !== 'same-site') stages.refuseCrossSite(request)
    },
  }),
  'browser-defences/metadata-ignored': (stages) => ({
    ...stages,
    refuseCrossSite: (request) => {
      const headers = new Headers(request.headers)
      for (const name of ['sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest']) headers.delete(name)
      stages.refuseCrossSite(new Request(request.url, { method: request.method, headers }))
    },
  }),
  'browser-defences/token-of-anybody': (stages) => ({
    ...stages,
    answer: async (route, ...asked) => {
      const reply = await stages.answer(route, ...asked)
      if (route.path === '/api/csrf-token') tokensGivenOut.add((reply.body as { token: string }).token)
      return reply
    },
    refuseCrossSite: (request) => {
      const saysNothing = !request.headers.has('sec-fetch-site') && !request.headers.has('origin')
      if (saysNothing && tokensGivenOut.has(request.headers.get('x-csrf-token') ?? '')) return
      stages.refuseCrossSite(request)
    },
  }),
  'browser-defences/silent-opt-out': (stages) => ({
    ...stages,
    optsOut: (method, path) => path === '/api/sign-out' || stages.optsOut(method, path),
  }),
  'browser-defences/passkeys-for-frames': (stages) => ({
    ...stages,
    page: withHeader(stages, 'permissions-policy', (policy) => policy.replaceAll('(self)', '*')),
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
    page: withHeader(stages, 'content-security-policy', (policy) =>
      policy.replace(/script-src [^;]+/, "script-src 'self' 'unsafe-inline'"),
    ),
  }),
  'rate-limits/off': (stages) => ({
    ...stages,
    spendOverall: () => ({}),
    spendByAddress: () => ({}),
    spendBySession: () => undefined,
    decide: async () => {},
  }),
  'rate-limits/each-process-for-itself': (stages) => ({ ...stages, decide: async () => {} }),
  'rate-limits/open-without-counter': (stages) => ({
    ...stages,
    decide: (key, limit) =>
      stages.decide(key, limit).catch((error) => {
        if (!(error instanceof Refusal && error.kind.status === 503)) throw error
      }),
  }),
  'rate-limits/trusts-forwarded-for': (stages) => ({
    ...stages,
    clientAddress: (peer, headers) =>
      headers.get('x-forwarded-for')?.split(',')[0]?.trim() || stages.clientAddress(peer, headers),
  }),
  'rate-limits/one-bucket-for-all': (stages) => ({ ...stages, clientAddress: () => '192.0.2.1' }),
  'input-validation/schema-ignored': (stages) => ({
    ...stages,
    readInput: (route, ...rest) => stages.readInput({ ...route, ...(route.body ? { body: z.any() } : {}) }, ...rest),
  }),
  'input-validation/unknown-fields-pass': (stages) => ({
    ...stages,
    readInput: (route, ...rest) =>
      stages.readInput(
        { ...route, ...(route.body instanceof z.ZodObject ? { body: route.body.loose() } : {}) },
        ...rest,
      ),
  }),
  'sessions/signature-unchecked': (stages) => ({ ...stages, present: presentUnchecked }),
  'sessions/refusals-unreported': (stages) => ({ ...stages, reportReuse: async () => {} }),
  'sessions/cookie-for-scripts': (stages) => ({
    ...stages,
    answer: async (...asked) => {
      const reply = await stages.answer(...asked)
      return { ...reply, cookies: (reply.cookies ?? []).map((cookie) => cookie.replace('; HttpOnly', '')) }
    },
  }),
  'sign-in/account-uncounted': (stages) => ({
    ...stages,
    // Every attempt is another account to the limiter.
    readInput: async (route, ...asked) => {
      const input = await stages.readInput(route, ...asked)
      const body = input.body as { address?: string }
      return route.path === '/api/sign-in'
        ? { ...input, body: { ...body, address: `x${Math.random().toString(36).slice(2)}@canary.invalid` } }
        : input
    },
  }),
  'proving/draft-hidden': (stages) => ({
    ...stages,
    page: rewritten(stages, '/security', (text) => text.replaceAll('class="draft"', 'class="quiet"')),
  }),
  'proving/edited-after-review': (stages) => {
    // The reviewed source with one word more, and a page that still names the reviewer.
    const page = rewritten(stages, '/security.md', (text) =>
      text
        .replace('---\n', '---\nreviewed-by: Somebody\nreviewed-on: 2026-01-01\nreviewed-digest: 0000\n')
        .concat('\nMore.\n'),
    )
    return {
      ...stages,
      page: rewritten({ ...stages, page }, '/security', (text) => text.replaceAll('class="draft"', 'class="reviewed"')),
    }
  },
}

function withHeader(stages: Stages, name: string, change: (value: string) => string): Stages['page'] {
  return async (...asked) => {
    const answer = await stages.page(...asked)
    answer.headers.set(name, change(answer.headers.get(name) ?? ''))
    return answer
  }
}

/** What the weak gate takes from whoever shows it. */
const tokensGivenOut = new Set<string>()

function rewritten(stages: Stages, path: string, change: (text: string) => string): Stages['page'] {
  return async (request, url) => {
    const answer = await stages.page(request, url)
    return url.pathname === path ? new Response(change(await answer.text()), answer) : answer
  }
}

/** Reads a token as many a library did once: what it says counts, whatever signed it. */
function presentUnchecked(header: string | null): ReturnType<Stages['present']> {
  const payload = /-session=[^.;]*\.([^.;]*)/.exec(header ?? '')?.[1]
  if (payload === undefined) return undefined
  try {
    const { sec, sid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sec: string; sid: string }
    const secret = Buffer.from(sec, 'base64url')
    const entry = createHash('sha256').update('holdfast-entry-1').update(secret).digest()
    return { entry, session: sid, age: { issuedAt: 0, touched: false } }
  } catch {
    return undefined
  }
}
