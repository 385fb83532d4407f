import type { ZodAny } from 'zod'
import { nothing, readFile, readJson, readQuery, validate } from '../controls/input-validation/input-validation.ts'
import { notFound } from '../platform/http/refusals.ts'
import type { Input, Route } from '../platform/http/route.ts'

const mostBytes = 64 * 1024
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export interface ReadInput extends Input<ZodAny, ZodAny, ZodAny> {
  readonly organisation: string
  readonly file: Uint8Array
  /** The body's text or bytes, for the fingerprint of an idempotency key. */
  readonly raw: unknown
}

const noFile = new Uint8Array()

/** Everything that a handler gets has passed its schema. A name in the path that cannot exist is a plain 404. */
export async function readInput(
  route: Route,
  request: Request,
  url: URL,
  params: Readonly<Record<string, string>>,
): Promise<ReadInput> {
  const { organisation = '', ...others } = params
  if (organisation !== '' && !uuid.test(organisation)) throw notFound()
  const file = route.upload === undefined ? noFile : await readFile(request, route.upload)
  const json = route.body === undefined ? undefined : await readJson(request, mostBytes)
  return {
    organisation,
    params: route.params === undefined ? undefined : validateParams(route, others),
    query: route.query === undefined ? refuseQuery(url) : validate(route.query, readQuery(url.href), 'query'),
    body: route.body === undefined ? undefined : validate(route.body, json, 'body'),
    file,
    raw: json ?? file,
  }
}

function validateParams(route: Route, params: Readonly<Record<string, string>>): unknown {
  const checked = route.params.safeParse(params)
  if (!checked.success) throw notFound()
  return checked.data
}

function refuseQuery(url: URL): void {
  if (url.search.length > 1) validate(nothing, readQuery(url.href), 'query')
}
