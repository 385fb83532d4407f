// biome-ignore-all lint/suspicious/noExplicitAny: a table of routes mixes schemas; each route is checked where it is written
import type { z } from 'zod'
import type { Compilable, Statement } from '../database/statement.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** How often a route may be called. Spent by client address before routing, and by person after entry. */
export interface Limit {
  /** The name in the `RateLimit-Policy` header; routes of one name share one bucket. */
  readonly name: string
  readonly quota: number
  readonly windowSeconds: number
}

/** Who is calling, as far as the pipeline knows it before the database has been asked. */
export interface Caller {
  /** The client's address after trusted proxies, IPv6 in its shortest form. */
  readonly address: string
  readonly requestId: string
  readonly userAgent: string
  /** The Cookie header as it came; null without one, and on a route that other sites may call. For cookies beside the session's. */
  readonly cookieHeader: string | null
  /** What `entry` is the secret of. `key`: an API key, which acts as the person who made it. Left out: a session, or nobody. */
  readonly by?: 'key'
  /** D = SHA-256("holdfast-entry-1" ‖ S), 32 bytes: what entry takes. Absent where no valid session cookie and no key came. */
  readonly entry?: Uint8Array
  /** The session's id, for logs and limits only: the database alone decides whether it lives. */
  readonly session?: string
  /** The hash by which the database knows the key, in hexadecimal, for logs and limits only: it opens nothing. */
  readonly key?: string
}

/** What a handler answers. `body` is checked against the route's response schema before it leaves. */
export interface Reply<Body> {
  /** 200 when left out; 201 and 204 are usual for writes. */
  readonly status?: number
  readonly body: Body
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
}

/** A file instead of JSON. */
export interface Download {
  readonly type: string
  readonly fileName: string
}

type Schema = z.ZodType
type Out<S> = S extends z.ZodType ? z.output<S> : undefined

export interface Input<Params, Query, Body> {
  readonly params: Out<Params>
  readonly query: Out<Query>
  readonly body: Out<Body>
}

interface Shape<Params, Query, Body, Response> {
  readonly method: Method
  /** `:name` marks a parameter. Routes with a permission stand below `/api/o/:organisation`. */
  readonly path: string
  /** One line for the OpenAPI document. */
  readonly summary: string
  readonly limit: Limit
  /** Strict objects; unknown fields are refused. A parameter of the path other than `organisation` needs `params`. */
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** For a file sent as the raw body: its media types and most bytes. The handler gets it as `input.file`. */
  readonly upload?: { readonly types: readonly string[]; readonly maxBytes: number }
  readonly response: Response
  readonly download?: Download
}

/** Statements under entry, in one transaction. Every row that they reach belongs to the organisation of the request. */
export interface Transaction {
  <Row>(query: Statement<Row> | Compilable<Row>): Promise<Row[]>
  /** The organisation and the person, as the database verified them. */
  readonly organisation: string
  readonly person: string
}

export interface OpenRoute<Params = unknown, Query = unknown, Body = unknown, Response = unknown>
  extends Shape<Params, Query, Body, Response> {
  readonly kind: 'open'
  readonly needs: 'nobody'
  /**
   * Lets other sites call this route, past the cross-site gate: for what another service posts, such as a webhook. The
   * reason is read by whoever reads the security page. Such a route sees no session, whatever cookie comes, and sets no cookie.
   */
  readonly crossSite?: `because ${string}`
  run(input: Input<Params, Query, Body>, caller: Caller): Promise<Reply<Out<Response>>>
}

export interface SessionRoute<Params = unknown, Query = unknown, Body = unknown, Response = unknown>
  extends Shape<Params, Query, Body, Response> {
  readonly kind: 'session'
  readonly needs: 'session'
  run(input: Input<Params, Query, Body>, caller: Caller & { readonly entry: Uint8Array }): Promise<Reply<Out<Response>>>
}

/** What is inside an organisation, for whoever may. */
interface Inside {
  readonly needs: string
  /**
   * True: no API key opens this route, whatever its scopes. For what only a person at a browser shall do, and for whatever hands
   * the session's own secret (`caller.entry`) to the database.
   */
  readonly onlySessions?: true
}

export interface ReadRoute<Params = unknown, Query = unknown, Body = unknown, Response = unknown, Row = unknown>
  extends Shape<Params, Query, Body, Response>,
    Inside {
  readonly kind: 'read'
  /** The one statement of this route: it travels together with entry, in one round trip. */
  statement(input: Input<Params, Query, Body>): Statement<Row> | Compilable<Row>
  answer(rows: Row[], input: Input<Params, Query, Body>): Out<Response>
}

export interface WriteRoute<Params = unknown, Query = unknown, Body = unknown, Response = unknown>
  extends Shape<Params, Query, Body, Response>,
    Inside {
  readonly kind: 'write'
  /** True: a repeated `Idempotency-Key` gets the first answer again, and nothing is done twice. */
  readonly idempotent?: boolean
  run(
    sql: Transaction,
    input: Input<Params, Query, Body> & { readonly file: Uint8Array },
    caller: Caller,
  ): Promise<Reply<Out<Response>>>
}

/** The four kinds of route. Each is a record: a missing schema, limit or need does not compile, and does not start. */
export type Route =
  | OpenRoute<any, any, any, any>
  | SessionRoute<any, any, any, any>
  | ReadRoute<any, any, any, any, any>
  | WriteRoute<any, any, any, any>

export type Routes = Readonly<Record<string, Route>>

type Maybe = Schema | undefined

/** A route for everybody, such as sign-up. It reaches no organisation. */
export function open<
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  B extends Maybe = undefined,
  R extends Schema = Schema,
>(route: Omit<OpenRoute<P, Q, B, R>, 'kind' | 'needs'>): OpenRoute<P, Q, B, R> {
  return { kind: 'open', needs: 'nobody', ...route }
}

/** A route for whoever has a session, outside of any organisation, such as the list of one's organisations. */
export function session<
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  B extends Maybe = undefined,
  R extends Schema = Schema,
>(route: Omit<SessionRoute<P, Q, B, R>, 'kind' | 'needs'>): SessionRoute<P, Q, B, R> {
  return { kind: 'session', needs: 'session', ...route }
}

/** A route inside an organisation that runs one statement: entry and statement make one round trip. */
export function read<
  Row,
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  B extends Maybe = undefined,
  R extends Schema = Schema,
>(route: Omit<ReadRoute<P, Q, B, R, Row>, 'kind'>): ReadRoute<P, Q, B, R, Row> {
  return { kind: 'read', ...route }
}

/** A route inside an organisation that runs a transaction, entered before the handler starts. */
export function write<
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  B extends Maybe = undefined,
  R extends Schema = Schema,
>(route: Omit<WriteRoute<P, Q, B, R>, 'kind'>): WriteRoute<P, Q, B, R> {
  return { kind: 'write', ...route }
}
