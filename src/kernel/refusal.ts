/** One field that was refused, as a JSON pointer into the input (`/body/email`), with a public reason. */
export interface RefusedField {
  readonly pointer: string
  readonly reason: string
}

export interface RefusalKind {
  /** `folder/what-was-found`; stable; listed in docs/errors.md. */
  readonly code: `${string}/${string}`
  /** The HTTP status. */
  readonly status: number
  /** The public sentence, with a remedy where there is one. */
  readonly title: string
}

/**
 * The base of every refusal: what the caller may know, and apart from it what only the log may. Rendered in one place,
 * as RFC 9457 problem details. Anything else that is thrown becomes one fixed 500.
 */
export class Refusal extends Error {
  readonly kind: RefusalKind
  readonly fields: readonly RefusedField[]
  /** Public members beside the standard ones, such as the row as it now stands. */
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    kind: RefusalKind,
    more: {
      fields?: readonly RefusedField[]
      extra?: Readonly<Record<string, unknown>>
      headers?: Readonly<Record<string, string>>
      cause?: unknown
    } = {},
  ) {
    super(kind.title, more.cause === undefined ? {} : { cause: more.cause })
    this.name = 'Refusal'
    this.kind = kind
    this.fields = more.fields ?? []
    this.extra = more.extra ?? {}
    this.headers = more.headers ?? {}
  }
}
