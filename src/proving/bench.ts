import { createHash, randomBytes, randomInt } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import pg from 'pg'
import type { Answer, Ask, Bench, Canary, Entered, LoginName, RouteSeen, Seen } from '../kernel/bench.ts'
import { DatabaseBusy, Login, type LoginOptions } from '../platform/database/login.ts'
import { type Statement, sql } from '../platform/database/statement.ts'
import type { DatabaseError, Exchanged } from '../platform/database/wire.ts'

export interface BenchOptions {
  readonly product: string
  readonly people: 'organisations' | 'individuals'
  readonly origin: string
  readonly cookieName: string
  readonly mayDisturb: boolean
  /** How each login role connects; the same pool code as the server's. */
  readonly logins: Readonly<Record<LoginName, LoginOptions>>
  /** All permissions of an owner, as a mask: canaries own their organisations. */
  readonly ownerMask: string
  /** Statements that plant a mark in each of the product's tables, run as the canary. */
  readonly plant: (mark: string) => readonly Statement[]
  /** What was kept of the canaries of the last run, and where to keep what is new. */
  kept(): Promise<KeptCanaries | undefined>
  keep(canaries: KeptCanaries): Promise<void>
}

/** Names and passwords of canaries: they come in by the front door, like anybody. */
export interface KeptCanaries {
  readonly [name: string]: {
    readonly address: string
    readonly password: string
    readonly mark: string
    readonly planted: boolean
  }
}

/** What a probe is handed, and the end of it. */
export async function createBench(options: BenchOptions): Promise<Bench & { close(): Promise<void> }> {
  const logins = new Map<LoginName, Login>()
  const login = (name: LoginName): Login => {
    let found = logins.get(name)
    if (found === undefined) {
      found = new Login(options.logins[name])
      logins.set(name, found)
    }
    return found
  }
  const from = newClient()
  const ask = (path: string, request: Ask = {}) =>
    askHttp(options, path, from === undefined ? request : { from, ...request })
  const close = async () => {
    for (const one of logins.values()) await one.close()
  }
  const mail = (address: string) =>
    login('prover')
      .query(sql<{ subject: string; body: string }>`select subject, body from holdfast.canary_mail(${address})`)
      .then((mails) => mails.map(({ subject, body }) => ({ subject, text: body })))
  const entering = (entered: Entered) => ({
    secret: entered.as.entry,
    organisation: entered.organisation ?? entered.as.organisation,
    need: options.ownerMask,
  })

  try {
    const canaries = await prepareCanaries(options, login, ask, mail)
    return {
      product: options.product,
      origin: options.origin,
      mayDisturb: options.mayDisturb,
      now: () => new Date(),
      canaries,
      http: ask,
      async routes() {
        const answer = await ask('/api/openapi.json')
        if (answer.status !== 200) throw new Error(`the OpenAPI document answered ${answer.status}`)
        return routesOf(JSON.parse(answer.text))
      },
      mail,
      async sql(name, text, values = [], entered) {
        const statement = { text, values }
        const group = entered === undefined ? [statement] : [login(name).entering(entering(entered)), statement]
        const [answer] = await attempt(login(name), [group])
        return seen(answer!, entered === undefined ? 0 : 1)
      },
      async transaction(name, entered, statements) {
        const groups = [
          entered === undefined ? [sql`begin`] : [sql`begin`, login(name).entering(entering(entered))],
          ...statements.map(({ text, values = [] }) => [{ text, values }]),
          [sql`rollback`],
        ]
        const answers = await attempt(login(name), groups)
        const refused = answers[0]!.error
        return answers.slice(1, -1).map((answer) => (refused ? seen(answers[0]!, 0) : seen(answer, 0)))
      },
      stacked: (name, text, entered) => stacked(options.logins[name], text, entered && entering(entered)),
      catalogue: (text, values = []) => login('auditor').query({ text, values }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * A client of the prover's own, so that it does not spend what the limits leave to whoever else sits at this machine. Only
 * Linux has all of 127.0.0.0/8 to call from.
 */
function newClient(): string | undefined {
  return process.platform === 'linux' ? `127.99.${randomInt(256)}.${randomInt(1, 255)}` : undefined
}

async function attempt(login: Login, groups: readonly (readonly Statement<unknown>[])[]): Promise<Exchanged[]> {
  try {
    return await login.attempt(groups)
  } catch (error) {
    if (error instanceof DatabaseBusy) throw error
    // The connection was cut: that too is something that came back.
    const message = (error as Error).message
    return groups.map(() => ({
      results: [],
      notices: [],
      status: '?',
      error: { code: 'lost', message } as unknown as DatabaseError,
    }))
  }
}

function seen(answer: Exchanged, at: number): Seen {
  const result = answer.results[at]
  const { error } = answer
  const kept = {
    rows: result?.rows ?? [],
    rowCount: result?.rowCount ?? 0,
    notices: answer.notices,
    ...(error
      ? {
          error: {
            code: error.code ?? '',
            message: error.message,
            ...(error.detail ? { detail: error.detail } : {}),
            ...(error.hint ? { hint: error.hint } : {}),
          },
        }
      : {}),
  }
  return { ...kept, text: JSON.stringify([kept, error?.where, error?.internalQuery]) }
}

/** The simple protocol, which the server never speaks: what an injection would have if it did. */
async function stacked(
  options: LoginOptions,
  text: string,
  entry?: { secret: Uint8Array; organisation: string; need: string },
): Promise<Seen> {
  const client = new pg.Client({
    host: options.host,
    port: options.port,
    database: options.database,
    user: options.user,
    password: options.password,
  })
  const notices: string[] = []
  client.on('notice', (notice) => notices.push(notice.message ?? ''))
  client.on('error', (error) => notices.push(error.message))
  await client.connect()
  try {
    const opening = entry
      ? `begin; select holdfast.enter('\\x${Buffer.from(entry.secret).toString('hex')}', '${entry.organisation}', ${entry.need}); `
      : ''
    const answer = (await client.query(opening + text)) as unknown as pg.QueryResult | pg.QueryResult[]
    const results = Array.isArray(answer) ? answer : [answer]
    const rows = results.flatMap((one) => one.rows)
    return { rows, rowCount: rows.length, notices, text: JSON.stringify([rows, notices]) }
  } catch (error) {
    const { code = '', message, detail, hint } = error as pg.DatabaseError
    const found = { code, message, ...(detail ? { detail } : {}), ...(hint ? { hint } : {}) }
    return { rows: [], rowCount: 0, notices, error: found, text: JSON.stringify([found, notices]) }
  } finally {
    await client.end()
  }
}

/** Plain node:http, because a probe chooses the address it calls from, and sends headers that fetch would not. */
function askHttp(options: BenchOptions, path: string, ask: Ask): Promise<Answer> {
  const url = new URL(path, options.origin)
  const method = ask.method ?? 'GET'
  const headers: Record<string, string> = {
    ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(ask.as === undefined ? {} : { cookie: `${options.cookieName}=${ask.as.cookie}` }),
    origin: new URL(options.origin).origin,
    'sec-fetch-site': 'same-origin',
    ...ask.headers,
  }
  // An empty value means: leave the header out.
  for (const [name, value] of Object.entries(headers)) if (value === '') delete headers[name]
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(
      {
        host: '127.0.0.1',
        port: url.port,
        path: url.pathname + url.search,
        method,
        headers: { host: url.host, ...headers },
        timeout: 20_000,
        ...(ask.from === undefined ? {} : { localAddress: ask.from }),
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const received = new Headers()
          for (let at = 0; at < response.rawHeaders.length; at += 2)
            received.append(response.rawHeaders[at]!, response.rawHeaders[at + 1]!)
          resolve({
            status: response.statusCode ?? 0,
            headers: received,
            text: Buffer.concat(parts).toString('utf8'),
            milliseconds: performance.now() - started,
          })
        })
      },
    )
    request.on('timeout', () => request.destroy(new Error('no answer within 20 s')))
    request.on('error', reject)
    request.end(ask.body)
  })
}

function routesOf(document: { paths: Record<string, Record<string, Record<string, unknown>>> }): RouteSeen[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => ({
      method: method.toUpperCase(),
      path,
      needs: String(route['x-needs']),
      limit: String(route['x-limit']),
      changes: method !== 'get',
      hasSchemas: route['x-schemas'] === true,
      ...(route['x-cross-site'] === undefined ? {} : { crossSite: String(route['x-cross-site']) }),
      sampleQuery: sampleQuery((route.parameters ?? []) as Parameter[]),
    })),
  )
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: {
    readonly type?: string
    readonly format?: string
    readonly minimum?: number
    readonly enum?: readonly string[]
  }
}

function sampleQuery(parameters: readonly Parameter[]): string {
  const query = new URLSearchParams()
  for (const { name, in: place, required, schema } of parameters)
    if (place === 'query' && required) query.set(name, sampleOf(schema))
  return query.size === 0 ? '' : `?${query}`
}

function sampleOf({ type, format, minimum, enum: choices }: Parameter['schema']): string {
  if (choices !== undefined) return choices[0]!
  if (format === 'date-time') return new Date().toISOString()
  if (format === 'date') return new Date().toISOString().slice(0, 10)
  if (format === 'uuid') return '00000000-0000-4000-8000-000000000000'
  return type === 'integer' || type === 'number' ? String(Math.max(1, minimum ?? 1)) : 'a'
}

type LoginOf = (name: LoginName) => Login

async function prepareCanaries(
  options: BenchOptions,
  login: LoginOf,
  ask: (path: string, request?: Ask) => Promise<Answer>,
  mail: (address: string) => Promise<{ subject: string; text: string }[]>,
): Promise<Bench['canaries']> {
  const kept: Record<string, KeptCanaries[string]> = { ...(await options.kept()) }
  const made: Record<string, Canary> = {}
  for (const name of ['a', 'b', 'unverified']) {
    const known = kept[name] ?? newCanary(name)
    if (kept[name] === undefined) {
      kept[name] = known
      await options.keep(kept)
    }
    if (!known.planted) await makeAccount(known, ask, mail)
    const canary = await signIn(options, name, known, ask)
    if (name === 'unverified') await withholdVerification(login('prover'), canary.person)
    else if (!known.planted) await plant(options, login('app'), canary, known.mark)
    if (!known.planted) {
      kept[name] = { ...known, planted: true }
      await options.keep(kept)
    }
    made[name] = canary
  }
  return { a: made.a!, b: made.b!, unverified: made.unverified! }
}

function newCanary(name: string): KeptCanaries[string] {
  const mark = `canary${name}${randomBytes(8).toString('hex')}`
  return { address: `${mark}@canary.invalid`, password: randomBytes(60).toString('base64url'), mark, planted: false }
}

/** Signs up and opens the link, unless a run that was cut off came as far as that. */
async function makeAccount(
  { address, password, mark }: KeptCanaries[string],
  ask: (path: string, request?: Ask) => Promise<Answer>,
  mail: (address: string) => Promise<{ text: string }[]>,
): Promise<void> {
  if ((await ask('/api/sign-in', post({ address, password }))).status === 200) return
  await expect(ask('/api/sign-up', post({ name: mark, address, password })), 202)
  const token = await mailedToken(address, mail)
  await expect(ask('/api/verify', post({ token, password })), 200)
}

/** The mail is decided on after the answer to sign-up. */
async function mailedToken(address: string, mail: (address: string) => Promise<{ text: string }[]>): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const token = /\/verify#([A-Za-z0-9_-]+)/.exec((await mail(address)).map((one) => one.text).join('\n'))?.[1]
    if (token !== undefined) return token
    await new Promise((go) => setTimeout(go, 100))
  }
  throw new Error('the mail with the verification link did not arrive')
}

/** Nobody has a session without a confirmed address, so that what one would open can be shown with a canary alone. */
async function withholdVerification(prover: Login, person: string): Promise<void> {
  const [answer] = await prover.query(
    sql<{ withheld: boolean }>`select holdfast.withhold_verification(${person}) as withheld`,
  )
  if (!answer!.withheld) throw new Error('the confirmation of the unverified canary could not be withheld')
}

async function signIn(
  options: BenchOptions,
  name: string,
  known: KeptCanaries[string],
  ask: (path: string, request?: Ask) => Promise<Answer>,
): Promise<Canary> {
  const answer = await expect(ask('/api/sign-in', post({ address: known.address, password: known.password })), 200)
  const cookie = new RegExp(`^${options.cookieName}=([^;]+)`).exec(answer.headers.get('set-cookie') ?? '')?.[1]
  if (cookie === undefined) throw new Error('sign-in set no session cookie')
  const partial: Canary = {
    name,
    address: known.address,
    password: known.password,
    person: '',
    organisation: '',
    cookie,
    entry: entryOf(cookie),
    marks: [known.mark],
  }
  const me = JSON.parse((await expect(ask('/api/me', { as: partial }), 200)).text) as {
    person: { id: string; verified: boolean }
    organisations: { id: string; name: string }[]
  }
  // By its name: probes of membership found others for this canary.
  let organisation = me.organisations.find((one) => one.name === known.mark)?.id
  if (organisation === undefined && me.person.verified && options.people === 'organisations') {
    const founded = await expect(ask('/api/organisations', { ...post({ name: known.mark }), as: partial }), 201)
    organisation = (JSON.parse(founded.text) as { id: string }).id
  }
  return { ...partial, person: me.person.id, organisation: organisation ?? '' }
}

/** The cookie's own secret, as entry takes it: D = SHA-256("holdfast-entry-1" ‖ S). */
function entryOf(cookie: string): Uint8Array {
  const claims = JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString('utf8')) as { sec: string }
  return createHash('sha256').update('holdfast-entry-1').update(Buffer.from(claims.sec, 'base64url')).digest()
}

async function plant(options: BenchOptions, app: Login, canary: Canary, mark: string): Promise<void> {
  await app.transaction(
    { secret: canary.entry, organisation: canary.organisation, need: options.ownerMask },
    async (run) => {
      for (const statement of options.plant(mark)) await run(statement)
    },
  )
}

function post(body: unknown): Ask {
  return { method: 'POST', body: JSON.stringify(body) }
}

async function expect(asked: Promise<Answer>, status: number): Promise<Answer> {
  const answer = await asked
  if (answer.status !== status)
    throw new Error(`expected ${status}, got ${answer.status}: ${answer.text.slice(0, 200)}`)
  return answer
}
