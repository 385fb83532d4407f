import { randomUUID } from 'node:crypto'
import type { PresentedKey } from '../controls/api-keys/api-keys.ts'
import { type LimitHeaders as CountedHeaders, type Decide, joinHeaders } from '../controls/rate-limits/rate-limits.ts'
import { noSession } from '../controls/sessions/refusals.ts'
import type { Presented } from '../controls/sessions/sessions.ts'
import { Refusal } from '../kernel/refusal.ts'
import { LightResponse } from '../platform/http/light-response.ts'
import { kinds } from '../platform/http/refusals.ts'
import type { Caller, Limit, Reply, Route } from '../platform/http/route.ts'
import type { ReadInput } from './input.ts'
import { asRefusal, problemBody } from './problem.ts'
import type { Matched } from './routing.ts'

/** Of one limit or two; the tests take a stage out that then says nothing. */
export type LimitHeaders = Partial<CountedHeaders>

/** The stages of one request, each owned by its control. Handed in, so that a test can show what happens without one. */
export interface Stages {
  /** Whether browsers reach us over HTTPS. */
  readonly https: boolean
  readonly origin: string
  headersFor(what: {
    kind: 'page' | 'api' | 'asset' | 'file'
    https: boolean
    nonce?: string
  }): Readonly<Record<string, string>>
  refuseCrossSite(request: Request): void
  /** Whether the route that will answer lets other sites call it. */
  optsOut(method: string, path: string): boolean
  clientAddress(peer: string, headers: Headers): string
  spendOverall(address: string): LimitHeaders
  spendByAddress(address: string, limit: Limit): LimitHeaders
  /** `holder`: a session's id, or a key's hash. A promise only where it has to wait for the counter that all processes share. */
  spendBySession(holder: string, limit: Limit): undefined | Promise<void>
  /** For routes that decide exactly, before a hash, a mail or a code. */
  readonly decide: Decide
  present(cookieHeader: string | null): Presented | undefined
  /** The key that comes with a request to this route. Refuses one beside a session's cookie, and one where no key opens. */
  presentKey(route: Route, headers: Headers): PresentedKey | undefined
  match(method: string, path: string): Matched
  readInput(
    route: Route,
    request: Request,
    url: URL,
    params: Readonly<Record<string, string>>,
    signedIn: boolean,
  ): Promise<ReadInput>
  answer(route: Route, input: ReadInput, caller: Caller, request: Request): Promise<Answered>
  /** For routes that do not enter: whether `touch` may have something to do. */
  looksDue(route: Route, presented: Presented): boolean
  /** Replaces the session's secret where it is due, by a cookie that the reply then sets. */
  touch(reply: Answered, request: Request, caller: Caller): Promise<Answered>
  /** Notes that a key was used, when entry says so. */
  noteUse(key: PresentedKey): Promise<void>
  /** A token of ours was refused: ends its session where that shows a theft. */
  reportReuse(presented: Presented): Promise<void>
  checkAnswer(route: Route, body: unknown): unknown
  /** Whatever is not below /api/: pages, assets, the security page. */
  page(request: Request, url: URL): Promise<Response>
  log(done: {
    requestId: string
    method: string
    route: string
    status: number
    milliseconds: number
    address: string
    session?: string | undefined
    /** The hash by which the database knows the key that came. */
    key?: string | undefined
    code?: string | undefined
    error?: unknown
  }): void
}

/** `due`: what entry said of the secret of a session or key. Left out where nothing entered, or nothing is due. */
export type Answered = Reply<unknown> & { readonly due?: boolean }

/** Whoever sends a request for longer than this may have begun before the secret was replaced: late, but no thief. */
const slowMilliseconds = 20_000

/** The way of one request, top to bottom. */
export function createPipeline(stages: Stages): (request: Request, peer: string) => Promise<Response> {
  const ownHost = new URL(stages.origin).host
  return async function handle(request, peer) {
    const started = performance.now()
    const requestId = randomUUID()
    const url = new URL(request.url)
    const isApi = url.pathname.startsWith('/api/')
    let address = peer
    let routeName = isApi ? '(none)' : 'page'
    let presented: Presented | undefined
    let key: PresentedKey | undefined
    let refusal: Refusal | undefined
    let cause: unknown
    let limits: LimitHeaders = {}
    let response: Response
    try {
      refuseOtherHost(ownHost, url)
      const optsOut = isApi && stages.optsOut(request.method, url.pathname)
      if (!optsOut) stages.refuseCrossSite(request)
      address = stages.clientAddress(peer, request.headers)
      limits = stages.spendOverall(address)
      // Another site's request that acts for nobody can do no harm in anybody's name.
      presented = optsOut ? undefined : stages.present(request.headers.get('cookie'))
      if (isApi) {
        const { route, params } = stages.match(request.method === 'HEAD' ? 'GET' : request.method, url.pathname)
        routeName = `${route.method} ${route.path}`
        limits = joinHeaders(limits, stages.spendByAddress(address, route.limit))
        key = stages.presentKey(route, request.headers)
        const caller: Caller = {
          address,
          requestId,
          userAgent: request.headers.get('user-agent')?.slice(0, 300) ?? '',
          cookieHeader: optsOut ? null : request.headers.get('cookie'),
          ...presented,
          ...(key && { by: 'key', ...key }),
        }
        const holder = key?.key ?? presented?.session
        const waiting = holder === undefined ? undefined : stages.spendBySession(holder, route.limit)
        if (waiting !== undefined) await waiting
        const input = await stages.readInput(route, request, url, params, holder !== undefined)
        // One transaction: entry, statements, audit record, commit. What the handler returns has been committed.
        let reply = await stages.answer(route, input, caller, request)
        if (key !== undefined) {
          if (reply.due) await stages.noteUse(key)
        } else if (presented !== undefined && (reply.due || stages.looksDue(route, presented)))
          reply = await stages.touch(reply, request, caller)
        if (optsOut && reply.cookies !== undefined)
          throw new Error(`${routeName} lets other sites call it: it must not set cookies`)
        response = render(stages, route, reply, limits, requestId)
      } else {
        response = await stages.page(request, url)
        response.headers.set('x-request-id', requestId)
        for (const [name, value] of Object.entries(limits)) response.headers.set(name, value)
      }
    } catch (error) {
      const found = asRefusal(error, key !== undefined)
      refusal = found.refusal
      if (found.unforeseen || refusal.cause !== undefined) cause = refusal.cause ?? error
      if (refusal.kind === noSession && presented !== undefined && performance.now() - started < slowMilliseconds)
        await stages.reportReuse(presented)
      response = new Response(problemBody(refusal, requestId), {
        status: refusal.kind.status,
        headers: {
          ...stages.headersFor({ kind: 'api', https: stages.https }),
          'content-type': 'application/problem+json',
          ...limits,
          ...refusal.headers,
          'x-request-id': requestId,
        },
      })
    }
    stages.log({
      requestId,
      method: request.method,
      route: routeName,
      status: response.status,
      milliseconds: performance.now() - started,
      address,
      session: presented?.session,
      key: key?.key,
      code: refusal?.kind.code,
      error: cause,
    })
    return response
  }
}

/** A name that somebody pointed at this address (DNS rebinding) is not ours, whatever the browser believes. */
function refuseOtherHost(ownHost: string, url: URL): void {
  if (url.host !== ownHost) throw new Refusal(kinds.otherHost)
}

function render(
  stages: Stages,
  route: Route,
  reply: Reply<unknown>,
  limits: LimitHeaders,
  requestId: string,
): Response {
  const status = reply.status ?? 200
  const file = route.download
  const body = status === 204 ? null : file ? String(reply.body) : JSON.stringify(stages.checkAnswer(route, reply.body))
  const ours = {
    ...stages.headersFor({ kind: file ? 'file' : 'api', https: stages.https }),
    ...(body === null ? undefined : { 'content-type': file ? file.type : 'application/json' }),
    ...(file ? { 'content-disposition': `attachment; filename="${file.fileName}"` } : undefined),
    ...limits,
    'x-request-id': requestId,
  }
  // Names and values of our own need no checking; what a handler wrote is checked by `Headers`.
  if (!file && reply.headers === undefined && reply.cookies === undefined)
    return new LightResponse(body, { status, headers: ours })
  const headers = new Headers({ ...ours, ...reply.headers, 'x-request-id': requestId })
  for (const cookie of reply.cookies ?? []) headers.append('set-cookie', cookie)
  return new LightResponse(body, { status, headers })
}
