import { z } from 'zod'
import { Refusal, type RefusedField } from '../../kernel/refusal.ts'
import type { Route, Routes } from '../../platform/http/route.ts'
import { readBytes, requireType } from './body.ts'
import { parseJson } from './json.ts'
import { pointerTo } from './pointer.ts'
import { publicReason } from './reasons.ts'
import { invalidFields, malformedQuery } from './refusals.ts'
import { complaintsAbout, complaintsAboutAll } from './route-check.ts'
import { faultOfText, inspectTexts } from './text.ts'

/** Where a value came from: the first step of every pointer. */
export type Where = 'params' | 'query' | 'body'

/** The schema of an input that does not exist. For the query of a route that declares none, for one. */
export const nothing = z.strictObject({})

/**
 * The body as JSON, not yet checked against a schema. Throws a `Refusal`: 415 unless it is declared as `application/json`
 * (in UTF-8, uncompressed), 413 above `maxBytes`, 400 for what is not well-formed: see `json.ts` for what else that means.
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  requireType(request.headers, ['application/json'])
  return parseJson(await readBytes(request, maxBytes))
}

/** The body as it is. Throws a `Refusal`: 415 for another type than `types` (lower case), 413 above `maxBytes`. */
export async function readFile(
  request: Request,
  file: { readonly types: readonly string[]; readonly maxBytes: number },
): Promise<Uint8Array> {
  requireType(request.headers, file.types)
  return readBytes(request, file.maxBytes)
}

/**
 * The query of a URL, not yet checked against a schema. Throws a 400 `Refusal` for a parameter that stands twice, for more
 * than 64 of them, for percent-encoding that is not UTF-8, for NUL and for `__proto__`.
 */
export function readQuery(url: string): Readonly<Record<string, string>> {
  const mark = url.indexOf('?')
  if (mark < 0) return noParameters
  const parts = url
    .slice(mark + 1)
    .split('#', 1)[0]!
    .split('&', mostParameters + 1)
  if (parts.length > mostParameters) throw badQuery([], `must not have more than ${mostParameters} parameters`)
  const query: Record<string, string> = Object.create(null)
  for (const part of parts) if (part !== '') addParameter(query, part)
  return query
}

/**
 * What the schema makes of `value`. Throws a 400 `Refusal` whose fields name what is wrong, each by pointer and public
 * reason; the value is never repeated.
 */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown, where: Where): z.output<Schema> {
  // Bodies and queries were inspected when they were read; the router hands out parameters as they came.
  if (where === 'params') refuseBadTexts(value, where)
  const result = schema.safeParse(value, { error: publicReason })
  if (result.success) return result.data
  throw new Refusal(invalidFields, { fields: fieldsOf(result.error.issues, where) })
}

/**
 * What keeps these routes from starting, one sentence each; empty when nothing does. A route needs a name of its own, schemas
 * for all that it takes and answers, strict objects everywhere inside of them, a limit and a need.
 */
export function checkRoutes(routes: Routes): string[] {
  const named: [string, Route][] = Object.entries(routes)
  return [...named.flatMap(([name, route]) => complaintsAbout(route, name)), ...complaintsAboutAll(named)]
}

const noParameters: Readonly<Record<string, string>> = Object.freeze(Object.create(null))
const mostParameters = 64
const mostFields = 20

function addParameter(query: Record<string, string>, part: string): void {
  const equals = part.indexOf('=')
  const name = decodeForm(equals < 0 ? part : part.slice(0, equals))
  const value = decodeForm(equals < 0 ? '' : part.slice(equals + 1))
  if (name === '__proto__') throw badQuery([name], 'is a reserved name')
  if (name in query) throw badQuery([name], 'must not stand twice')
  const reason = faultOfText(name) ?? faultOfText(value)
  if (reason !== undefined) throw badQuery([name], reason)
  query[name] = value
}

function decodeForm(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw badQuery([], 'must be percent-encoded UTF-8', cause)
  }
}

function badQuery(path: readonly string[], reason: string, cause?: unknown): Refusal {
  return new Refusal(malformedQuery, { fields: [{ pointer: pointerTo('query', path), reason }], cause })
}

function refuseBadTexts(value: unknown, where: Where): void {
  const found = inspectTexts(value, where)
  if (typeof found !== 'number') throw new Refusal(invalidFields, { fields: [found] })
}

/** Unknown fields first: they are what a list that is cut short must not lose. */
function fieldsOf(issues: readonly z.core.$ZodIssue[], where: Where): RefusedField[] {
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.slice(0, mostFields).map((key) => field(issue, where, key)) : [],
  )
  const others = issues.filter((issue) => issue.code !== 'unrecognized_keys').map((issue) => field(issue, where))
  return [...unknown.slice(0, mostFields / 2), ...others].slice(0, mostFields)
}

function field(issue: z.core.$ZodIssue, where: Where, ...step: string[]): RefusedField {
  return { pointer: pointerTo(where, [...issue.path, ...step]), reason: issue.message }
}
