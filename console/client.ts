import type { z } from 'zod'
import type { Route, Routes } from '../src/platform/http/route.ts'
import { crossSiteRequest, renewToken, tokenHeaders } from './csrf-token.ts'
import { Problem, readProblem, unreachable } from './problem.ts'
import { askToShowAgain } from './show-again.ts'

/** What is left of the route records in the browser: method and path by name. Made by the build. */
export type RouteTable = Readonly<Record<string, readonly [method: string, path: string]>>

/** What may be said beside the input of any call. */
export interface Sending {
  readonly signal?: AbortSignal | undefined
  /** The same key twice: the server gives the first answer again, and does nothing twice. */
  readonly idempotencyKey?: string | undefined
}

/** One route, as a function. It throws `Problem`. */
export interface Call<Input extends object, Result> {
  (input: Input & Sending): Promise<Result>
  /** The name in the records: the first part of a query key. */
  readonly route: string
  /** True where the path names an organisation. */
  readonly inOrganisation: boolean
  /** The URL alone, for a link to a download. */
  address(input: Input): string
}

type Sent<S> = S extends z.ZodType ? z.input<S> : never
type Schema<R, Key extends 'params' | 'query' | 'body'> = Key extends keyof R ? Exclude<R[Key], undefined> : never
type Part<R, Key extends 'params' | 'query' | 'body'> = [Schema<R, Key>] extends [z.ZodType]
  ? Partial<Sent<Schema<R, Key>>> extends Sent<Schema<R, Key>>
    ? { readonly [K in Key]?: Sent<Schema<R, Key>> }
    : { readonly [K in Key]: Sent<Schema<R, Key>> }
  : unknown

/** What a call of the route `R` takes: `organisation`, `params`, `query` and `body`, as far as the record has them. */
export type InputOf<R> = (R extends { kind: 'read' | 'write' } ? { readonly organisation: string } : unknown) &
  Part<R, 'params'> &
  Part<R, 'query'> &
  Part<R, 'body'> & { readonly file?: Blob }

export type ResultOf<R> = R extends { response: infer S extends z.ZodType } ? z.output<S> : never

export type Client<Table extends Routes> = {
  readonly [Name in keyof Table]: Call<InputOf<Table[Name]>, ResultOf<Table[Name]>>
}

/**
 * A client typed by the route records of the server. Only their types are imported; at run time it knows nothing but
 * the table that the build made:
 *
 *     import type { routes } from './routes.ts'
 *     import table from 'virtual:holdfast-routes'
 *     export const client = createClient<typeof routes>(table)
 */
export function createClient<Table extends Record<string, Route>>(table: RouteTable): Client<Table> {
  return Object.fromEntries(
    Object.entries(table).map(([name, [method, path]]) => [name, createCall(name, method, path)]),
  ) as unknown as Client<Table>
}

/** One call by hand, for a route whose record the browser's types cannot see. */
export function createCall<Input extends object, Result>(
  name: string,
  method: string,
  path: string,
): Call<Input, Result> {
  const call = (input: Input & Sending) => send(method, addressOf(path, input as Parts), input as Parts & Sending)
  return Object.assign(call as (input: Input & Sending) => Promise<Result>, {
    route: name,
    inOrganisation: path.includes('/:organisation'),
    address: (input: Input) => addressOf(path, input as Parts),
  })
}

interface Parts {
  organisation?: string
  params?: Record<string, unknown>
  query?: Record<string, unknown>
  body?: unknown
  file?: Blob
}

async function send<Result>(method: string, address: string, input: Parts & Sending): Promise<Result> {
  let response = await ask(method, address, input)
  const tried = new Set<string>()
  while (!response.ok) {
    const problem = await readProblem(response)
    // Each remedy once: then the server means it.
    if (tried.has(problem.code) || !(await remedied(problem.code, input.signal))) throw problem
    tried.add(problem.code)
    response = await ask(method, address, input)
  }
  if (response.status === 204) return undefined as Result
  return (await readAnswer(response)) as Result
}

/** What can be done about a refusal without the page that asked: then the request is worth sending once more. */
async function remedied(code: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (code === crossSiteRequest) return renewToken(signal)
  return code === 'tenant-isolation/show-again' && askToShowAgain()
}

async function ask(method: string, address: string, input: Parts & Sending): Promise<Response> {
  const payload = input.file ?? (input.body === undefined ? undefined : JSON.stringify(input.body))
  const headers: Record<string, string> = { accept: 'application/json', ...tokenHeaders(method) }
  if (payload !== undefined) headers['content-type'] = input.file?.type || 'application/json'
  if (input.idempotencyKey !== undefined) headers['idempotency-key'] = input.idempotencyKey
  try {
    return await fetch(address, {
      method,
      headers,
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      ...(payload === undefined ? {} : { body: payload }),
      ...(input.signal ? { signal: input.signal } : {}),
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable(error)
  }
}

async function readAnswer(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (cause) {
    const title = 'The answer of the server could not be read.'
    throw new Problem({ status: response.status, code: 'console/answer-not-understood', title, cause })
  }
}

function addressOf(path: string, { organisation, params, query }: Parts): string {
  const values: Record<string, unknown> = { ...params, ...(organisation === undefined ? {} : { organisation }) }
  const filled = path.replace(/:([A-Za-z]\w*)/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined || value === '') throw new TypeError(`${path}: no value for ${name}`)
    return encodeURIComponent(String(value))
  })
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') search.append(name, String(one))
    }
  }
  return search.size > 0 ? `${filled}?${search}` : filled
}
