import type { ZodAny } from 'zod'
import { nothing, readFile, readJson, readQuery, validate } from '../controls/input-validation/input-validation.ts'
import { noSession } from '../controls/sessions/refusals.ts'
import { Refusal } from '../kernel/refusal.ts'
import { notFound } from '../platform/http/refusals.ts'
import type { Input, Route } from '../platform/http/route.ts'

const mostBytes = 64 * 1024
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether it could be the id of an organisation at all. */
export function isOrganisationId(text: string): boolean {
  return uuid.test(text)
}

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
  signedIn: boolean,
): Promise<ReadInput> {
  const { organisation = '', ...others } = params
  if (organisation !== '' && !isOrganisationId(organisation)) throw notFound()
  // A stranger shall not make us hold megabytes: whoever sends a file shows a session first.
  if (route.upload !== undefined && !signedIn) throw new Refusal(noSession)
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

/** What cannot be a name in the path names nothing. */
function validateParams(route: Route, params: Readonly<Record<string, string>>): unknown {
  try {
    return validate(route.params, params, 'params')
  } catch (error) {
    throw error instanceof Refusal ? notFound() : error
  }
}

function refuseQuery(url: URL): void {
  if (url.search.length > 1) validate(nothing, readQuery(url.href), 'query')
}
