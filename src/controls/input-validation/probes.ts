import type { Answer, Ask, Bench, RouteSeen } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'

export const probes = {
  'input-validation/every-input-has-a-schema': {
    where: ['live', 'restored-copy', 'ci'],
    limitSeconds: 180,
    run: fuzzEveryRoute,
  },
} satisfies Record<keyof typeof claims, Probe>

/** One hostile request. `mark` is in its values: an answer that holds it has repeated what it was sent. */
interface Hostile {
  readonly title: string
  readonly path: string
  readonly ask: Ask
  /** Sent with the canary's session: few, since the session has quotas of its own. The rest needs none to reach a schema. */
  readonly signedIn?: boolean
  /** The server may close the connection rather than read all of it. */
  readonly mayBeCutOff?: boolean
}

interface Tally {
  sent: number
  limited: number
  /** Refused by this control's own code. */
  byCode: number
}

const mark = 'zq7holdfastmark'
const unknownField = 'holdfast-unknown-field'

async function fuzzEveryRoute(bench: Bench): Promise<Outcome> {
  const routes = await bench.routes()
  if (routes.length === 0) return inconclusive('the server names no route')
  const bare = routes.find((route) => !route.hasSchemas)
  if (bare) return broken(`${bare.method} ${bare.path} states no schemas`, routes.length)
  const from = newClients()
  const total: Tally = { sent: 0, limited: 0, byCode: 0 }
  const unreached: string[] = []
  try {
    for (const route of routes) {
      const tally: Tally = { sent: 0, limited: 0, byCode: 0 }
      const fault = await fuzz(bench, route, from, tally)
      total.sent += tally.sent
      total.limited += tally.limited
      total.byCode += tally.byCode
      if (fault !== undefined) return broken(`${route.method} ${route.path}: ${fault}`, total.sent)
      if (tally.byCode === 0 && tally.sent > 0) unreached.push(`${route.method} ${route.path}`)
    }
  } catch (error) {
    if (!isNotLocal(error)) throw error
    return inconclusive('this system has no addresses in 127.66.0.0/16 to call from (Linux has)')
  }
  if (unreached.length > 0)
    return inconclusive(`no request reached the schemas of ${unreached.slice(0, 3).join(', ')}`, total.sent)
  const limited = total.limited === 0 ? '' : `, ${total.limited} more met the limiter`
  return holds(
    `${routes.length} routes refused ${total.sent} hostile requests, none with an error of the server${limited}`,
    total.sent,
  )
}

/** The first fault, if any. Required fields are learned from the refusal of an unknown one, and then attacked by name. */
async function fuzz(bench: Bench, route: RouteSeen, from: () => string, tally: Tally): Promise<string | undefined> {
  const path = pathOf(route, bench)
  const attack = async (plan: readonly Hostile[]) => {
    for (const hostile of plan) {
      const answer = await send(bench, hostile, from(), tally)
      const fault = answer && faultOf(answer)
      if (fault !== undefined) return `${hostile.title}: ${fault}`
    }
    return undefined
  }
  const inUrl = await attack(hostileUrls(route, bench, path))
  if (inUrl !== undefined || !takesBody(route)) return inUrl
  const unknownOne = withUnknownField(route, path)
  const answer =
    (await send(bench, { ...unknownOne, signedIn: true }, from(), tally)) ??
    (await send(bench, unknownOne, from(), tally))
  const unknown = answer && (faultOf(answer) ?? faultOfUnknown(answer))
  if (unknown !== undefined) return `an unknown field: ${unknown}`
  const fields = answer ? fieldsIn(answer).filter((field) => field !== unknownField) : []
  const values = fields.slice(0, 4).flatMap((field) => hostileValues(route, path, field))
  return attack([...hostileBodies(route, path), ...values])
}

function ours(bench: Bench): Readonly<Record<string, string>> {
  return { origin: bench.origin, 'sec-fetch-site': 'same-origin' }
}

function takesBody(route: RouteSeen): boolean {
  return route.method === 'POST' || route.method === 'PUT' || route.method === 'PATCH'
}

// --- what is sent --------------------------------------------------------------------------------------------------

/** Only where nothing could happen if it were let through: reads, and writes of a row that is not there. */
function hostileUrls(route: RouteSeen, bench: Bench, path: string): Hostile[] {
  const ask = { method: route.method, ...(takesBody(route) ? jsonBody('[]') : {}) }
  const parameters = hostileParameters.flatMap((value) =>
    hasOwnParameter(route)
      ? [{ title: `the parameter ${value.slice(0, 20)}`, path: pathOf(route, bench, value), ask }]
      : [],
  )
  if (route.method !== 'GET' && !(route.method === 'DELETE' && hasOwnParameter(route))) return parameters
  return [
    ...parameters,
    ...hostileQueries.map((query) => ({ title: `the query ${query.slice(0, 20)}`, path: path + query, ask })),
  ]
}

const hostileParameters = [
  'not-an-id',
  '%00',
  '%ff',
  '%ED%A0%80',
  '-1',
  '..%2f..%2fetc%2fpasswd',
  `${mark}'%20or%20'1'='1`,
  'x'.repeat(2000),
]

const hostileQueries = [
  `?${unknownField}=${mark}`,
  '?a=1&a=2',
  '?a=%00',
  '?a=%ff',
  '?%5f_proto__=1',
  `?${'a'.repeat(3000)}=1`,
  `?${Array.from({ length: 200 }, (_, index) => `a${index}=1`).join('&')}`,
]

function withUnknownField(route: RouteSeen, path: string): Hostile {
  const ask = { method: route.method, ...jsonBody(JSON.stringify({ [unknownField]: mark })) }
  return { title: 'an unknown field', path, ask }
}

function hostileBodies(route: RouteSeen, path: string): Hostile[] {
  const at = (title: string, ask: Ask, mayBeCutOff = false): Hostile => ({
    title,
    path,
    ask: { method: route.method, ...ask },
    mayBeCutOff,
  })
  return [
    at('the type text/plain', { headers: { 'content-type': 'text/plain' }, body: '{}' }),
    at('no type', { headers: { 'content-type': '' }, body: '{}' }),
    at('UTF-16', { headers: { 'content-type': 'application/json; charset=utf-16' }, body: '{}' }),
    at('a claim of compression', { headers: { ...json, 'content-encoding': 'gzip' }, body: '{}' }),
    ...malformed.map((body) => at(`the text ${body.slice(0, 20)}`, jsonBody(body))),
    at('bytes that are not UTF-8', { headers: json, body: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d) }),
    at('a million brackets', jsonBody('['.repeat(1_000_000)), true),
    at('a hundred thousand objects', jsonBody('{"a":'.repeat(100_000)), true),
    at('three million bytes', jsonBody(JSON.stringify({ [unknownField]: mark.repeat(200_000) })), true),
  ]
}

const json = { 'content-type': 'application/json' }

function jsonBody(body: string): Ask {
  return { headers: json, body }
}

/** Not JSON, or JSON that no route takes: none of it is a plain object without unknown fields. */
const malformed = [
  '',
  '{',
  'nul',
  "{'a':1}",
  '{"a":1,}',
  '{}{}',
  '\ufeff{}',
  '0',
  '1',
  '-1',
  '1e999',
  'true',
  'null',
  '[]',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  `{"${unknownField}":"\\u0000"}`,
  `{"${unknownField}\\u0000":1}`,
  `{"${unknownField}":"\\ud800"}`,
  `{"${unknownField}":1,"${unknownField}":2}`,
  `{"__proto__":{"${unknownField}":1}}`,
  `{"constructor":{"prototype":{"${unknownField}":1}}}`,
]

/** Always beside a field that does not exist, so that no mix of right values can become a request that is carried out. */
function hostileValues(route: RouteSeen, path: string, field: string): Hostile[] {
  const values = [
    0,
    1,
    -1,
    1e300,
    true,
    null,
    [],
    {},
    '',
    `${mark}<script>`,
    mark.repeat(6000),
    [[[mark]]],
    { $ne: null },
  ]
  return values.map((value) => ({
    title: `${field} = ${JSON.stringify(value).slice(0, 20)}`,
    path,
    ask: { method: route.method, ...jsonBody(JSON.stringify({ [field]: value, [unknownField]: 1 })) },
  }))
}

/** With ids of nothing, but the canary's own organisation; `value` in place of the last parameter. */
function pathOf(route: RouteSeen, bench: Bench, value?: string): string {
  const organised = route.path.replace('{organisation}', bench.canaries.a.organisation)
  const last = organised.lastIndexOf('{')
  return organised.replace(/\{[^}]+\}/g, (_, at: number) =>
    at === last && value !== undefined ? value : crypto.randomUUID(),
  )
}

function hasOwnParameter(route: RouteSeen): boolean {
  return /\{(?!organisation\})/.test(route.path)
}

// --- what came back ------------------------------------------------------------------------------------------------

/** Undefined where the answer says nothing of the schema: the limiter was in the way, or the connection was cut. */
async function send(bench: Bench, hostile: Hostile, from: string, tally: Tally): Promise<Answer | undefined> {
  let answer: Answer
  try {
    answer = await bench.http(hostile.path, {
      ...hostile.ask,
      from,
      headers: { ...ours(bench), ...hostile.ask.headers },
      ...(hostile.signedIn ? { as: bench.canaries.a } : {}),
    })
  } catch (error) {
    if (!hostile.mayBeCutOff || !wasCutOff(error)) throw error
    return undefined
  }
  if (answer.status === 429) {
    tally.limited += 1
    return undefined
  }
  tally.sent += 1
  if (answer.text.includes('input-validation/')) tally.byCode += 1
  return answer
}

function faultOf(answer: Answer): string | undefined {
  if (answer.status < 400 || answer.status > 499) return `answered ${answer.status}`
  if (!(answer.headers.get('content-type') ?? '').startsWith('application/problem+json'))
    return `answered ${answer.status} without a problem document`
  if (codeOf(answer) === undefined) return `answered ${answer.status} without a code`
  if (answer.text.includes(mark)) return 'the answer repeats what was sent'
  return undefined
}

/** A route that asks for other fields but does not mind the unknown one would take it, once those are there. */
function faultOfUnknown(answer: Answer): string | undefined {
  const required = problemOf(answer).fields?.some((field) => field.reason === 'is required') ?? false
  return required && !fieldsIn(answer).includes(unknownField)
    ? 'required fields were named, this one was not'
    : undefined
}

function codeOf(answer: Answer): string | undefined {
  const { code, type } = problemOf(answer)
  const known = code ?? type
  return typeof known === 'string' && known !== '' && known !== 'about:blank' ? known : undefined
}

/** The names of the fields at the top of the body that the refusal points to. */
function fieldsIn(answer: Answer): string[] {
  const names = problemOf(answer).fields?.map(({ pointer }) => /^\/body\/([A-Za-z0-9_-]+)/.exec(String(pointer))?.[1])
  return [...new Set(names?.filter((name) => name !== undefined))]
}

interface Problem {
  readonly code?: unknown
  readonly type?: unknown
  readonly fields?: readonly { readonly pointer?: unknown; readonly reason?: unknown }[]
}

function problemOf(answer: Answer): Problem {
  try {
    const problem = JSON.parse(answer.text) as Problem
    return Array.isArray(problem.fields) ? problem : { code: problem.code, type: problem.type }
  } catch {
    return {}
  }
}

// --- where it is sent from -----------------------------------------------------------------------------------------

/** A loopback address for three requests each: clients of their own, so that the limiter lets most of them through. */
function newClients(): () => string {
  let next = Math.floor(Math.random() * 60_000) * 3
  return () => {
    const client = Math.floor(next++ / 3) % 61_440
    return `127.66.${16 + (client >> 8)}.${client & 255}`
  }
}

function isNotLocal(error: unknown): boolean {
  return codesOf(error).includes('EADDRNOTAVAIL')
}

function wasCutOff(error: unknown): boolean {
  return codesOf(error).some((code) => code === 'ECONNRESET' || code === 'EPIPE')
}

function codesOf(error: unknown): unknown[] {
  const codes: unknown[] = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) if ('code' in cause) codes.push(cause.code)
  return codes
}
