/** One field that the server refused. `pointer` is a JSON pointer into the input, such as `/body/address`. */
export interface ProblemField {
  readonly pointer: string
  readonly reason: string
}

/**
 * What the server refused, or why it could not be asked. Every call of a client throws this and nothing else (but for
 * the `AbortError` of a call that was given up).
 *
 * `status` is the HTTP status; 0 where no answer came. `code` is stable (`folder/what-was-found`), `title` the public
 * sentence. `extra` holds the further members of the problem document, such as the row as it now stands.
 */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly fields: readonly ProblemField[]
  readonly extra: Readonly<Record<string, unknown>>
  /** Seconds after which another try makes sense, from `Retry-After`. */
  readonly retryAfterSeconds: number | undefined

  constructor(parts: {
    status: number
    code: string
    title: string
    fields?: readonly ProblemField[]
    extra?: Readonly<Record<string, unknown>>
    retryAfterSeconds?: number | undefined
    cause?: unknown
  }) {
    super(parts.title, parts.cause === undefined ? {} : { cause: parts.cause })
    this.name = 'Problem'
    this.status = parts.status
    this.code = parts.code
    this.title = parts.title
    this.fields = parts.fields ?? []
    this.extra = parts.extra ?? {}
    this.retryAfterSeconds = parts.retryAfterSeconds
  }
}

/** No answer came: the network, or a server that is down. */
export function unreachable(cause: unknown): Problem {
  return new Problem({ status: 0, code: 'console/unreachable', title: 'The server did not answer.', cause })
}

/** Reads an answer whose status is 400 or more. Never throws: what is not a problem document becomes a plain one. */
export async function readProblem(response: Response): Promise<Problem> {
  const { type, title, status: _, code, fields, detail, instance, ...extra } = await readDocument(response)
  return new Problem({
    status: response.status,
    code: typeof code === 'string' ? code : codeOf(type) || 'console/unexplained',
    title: typeof title === 'string' ? title : `The server answered ${response.status}.`,
    fields: readFields(fields),
    extra: { ...extra, ...(detail === undefined ? {} : { detail }), ...(instance === undefined ? {} : { instance }) },
    retryAfterSeconds: readRetryAfter(response.headers.get('retry-after')),
  })
}

async function readDocument(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text().catch(() => '')
  try {
    const document: unknown = JSON.parse(text)
    return typeof document === 'object' && document !== null ? { ...document } : {}
  } catch {
    return {}
  }
}

/** `…/errors#sessions/not-signed-in` or `…/errors/sessions/not-signed-in` name the code at their end. */
function codeOf(type: unknown): string | undefined {
  return typeof type === 'string' ? /([a-z0-9-]+\/[a-z0-9-]+)$/.exec(type)?.[1] : undefined
}

function readFields(fields: unknown): ProblemField[] {
  if (!Array.isArray(fields)) return []
  return fields.flatMap((field: unknown) => {
    const { pointer, reason } = (field ?? {}) as Record<string, unknown>
    return typeof pointer === 'string' && typeof reason === 'string' ? [{ pointer, reason }] : []
  })
}

function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined
}
