import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { RedisPlace } from '../../src/controls/rate-limits/store-redis.ts'
import type { LoginRole } from '../../src/controls/tenant-isolation/bootstrap.ts'
import type { AcceptedRisk, Finding } from '../../src/kernel/finding.ts'
import { newId } from '../../src/kernel/id.ts'
import { listen } from '../../src/platform/http/listen.ts'
import { createBench } from '../../src/proving/bench.ts'
import { benchOptionsOf, type ProverJob, prove } from '../../src/proving/prover.ts'
import { allControls } from '../../src/server/all-controls.ts'
import { createFoundation, type Foundation, type FoundationOptions } from '../../src/server/foundation.ts'
import { prepareDatabase } from '../../src/server/migrations.ts'
import type { Stages } from '../../src/server/pipeline.ts'
import type { Product } from '../../src/server/product.ts'
import { weaknesses } from './weaknesses.ts'

/** Passwords and keys of a test run: the roles belong to the whole cluster, so that all worlds share them. */
export const passwords: Readonly<Record<LoginRole, string>> = {
  migrator: 'test-migrator',
  app: 'test-app',
  identity: 'test-identity',
  worker: 'test-worker',
  auditor: 'test-auditor',
  prover: 'test-prover',
}
export const sessionKey = `-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n`

export interface WorldOptions {
  readonly product: Product
  /** `inject('superuser')`, or another cluster's. */
  readonly superuser: { host: string; port: number; user: string; password: string }
  readonly acceptedRisks?: readonly AcceptedRisk[]
  /** Changes the pipeline's stages, once; for a sabotage while the server runs, use `weaken`. */
  readonly replaceStages?: (stages: Stages) => Stages
  /** Where quotas are counted instead of the world's database. */
  readonly redis?: RedisPlace
  /** A built console; without one, pages other than the server-rendered ones are a bare shell. */
  readonly consoleFolder?: string
}

/** A person with a session, as tests use one. */
export interface Visitor {
  readonly address: string
  readonly password: string
  readonly cookie: string
  readonly person: string
}

/** A whole running foundation in a box: its own database, a real HTTP server on a free port, mail kept in memory. */
export interface World {
  readonly origin: string
  readonly foundation: Foundation
  readonly database: { readonly host: string; readonly port: number; readonly database: string }
  readonly mails: { to: string; subject: string; text: string }[]
  readonly failures: { part: string; error: unknown }[]
  readonly requests: Parameters<Stages['log']>[0][]
  /** fetch with same-origin headers; `cookie` of a visitor. */
  fetch(
    path: string,
    init?: { method?: string; body?: unknown; cookie?: string; headers?: Record<string, string> },
  ): Promise<Response>
  /** Signs up, verifies by the mail that came, signs in. */
  join(name?: string): Promise<Visitor>
  /** A visitor with an organisation of their own; for individuals it is there already. */
  joinWithOrganisation(name?: string): Promise<Visitor & { organisation: string }>
  /** As the superuser of the world's cluster, in the world's database. */
  superuser(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  /** One round of the prover; all claims when none is named. */
  prove(...claims: string[]): Promise<Finding[]>
  bench(): ReturnType<typeof createBench>
  /** What another server process would be: the same foundation on the same database, with nothing else in common. Stop it. */
  twin(more?: Partial<FoundationOptions>): Promise<Foundation>
  /** Takes a stage out by its name in weaknesses.ts, until the returned function is called. */
  weaken(name: string): () => void
  stop(): Promise<void>
}

/** Starts a world. `stop` ends it and drops its database. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { product, superuser } = options
  const name = `world_${randomBytes(6).toString('hex')}`
  const database = { host: superuser.host, port: superuser.port, database: name }
  const folder = mkdtempSync(path.join(tmpdir(), 'hf-world-'))
  await prepareDatabase({ superuser, database, passwords, product })
  const mails: World['mails'] = []
  const failures: World['failures'] = []
  const requests: World['requests'] = []
  const weakened = new Map<string, (stages: Stages) => Stages>()
  let handle: Foundation['handle'] = async () => new Response(null, { status: 503 })
  const listening = await listen((request, peer) => handle(request, peer), { host: '127.0.0.1', port: 0 })
  const origin = `http://localhost:${listening.port}`
  let real: Stages | undefined
  const settings: FoundationOptions = {
    product,
    origin,
    database,
    passwords,
    sessionKey,
    pepper: Buffer.alloc(32, 7),
    sealingKey: Buffer.alloc(32, 9),
    trustedProxies: [],
    ...(options.redis === undefined ? {} : { redis: options.redis }),
    mailer: { send: async (mail) => mails.push(mail) },
    log: { request: (done) => requests.push(done), failure: (what) => failures.push(what) },
    commit: 'test',
    acceptedRisks: options.acceptedRisks ?? [],
    consoleFolder: options.consoleFolder ?? path.join(import.meta.dirname, 'bare-console'),
  }
  const foundation = await createFoundation({
    ...settings,
    replaceStages: (stages) => {
      real = options.replaceStages?.(stages) ?? stages
      return live(real, weakened)
    },
  })
  handle = foundation.handle
  const job: ProverJob = {
    product: product.name,
    people: product.people,
    origin,
    cookieName: foundation.cookieName,
    database,
    passwords,
    ownerMask: foundation.ownerMask,
    plant: product.canary('{mark}'),
    stateFile: path.join(folder, 'canaries.json'),
    commit: 'test',
    where: 'ci',
  }

  const world: World = {
    origin,
    foundation,
    database,
    mails,
    failures,
    requests,
    fetch: (target, init = {}) =>
      fetch(new URL(target, origin), {
        method: init.method ?? 'GET',
        redirect: 'manual',
        headers: {
          origin,
          ...(init.body === undefined || init.body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }),
          ...(init.cookie === undefined ? {} : { cookie: init.cookie }),
          ...init.headers,
        },
        ...(init.body === undefined
          ? {}
          : {
              body:
                init.body instanceof Uint8Array
                  ? new Uint8Array(init.body)
                  : typeof init.body === 'string'
                    ? init.body
                    : JSON.stringify(init.body),
            }),
      }),
    async join(called = 'Test Person') {
      const address = `p${newId().slice(-12)}@example.com`
      const password = `correct horse ${randomBytes(6).toString('hex')}`
      await expectStatus(
        world.fetch('/api/sign-up', { method: 'POST', body: { name: called, address, password } }),
        202,
      )
      const token = await mailedToken(mails, address, /\/verify#([\w-]+)/)
      await expectStatus(world.fetch('/api/verify', { method: 'POST', body: { token, password } }), 200)
      const response = await expectStatus(
        world.fetch('/api/sign-in', { method: 'POST', body: { address, password } }),
        200,
      )
      const cookie = response.headers.getSetCookie()[0]!.split(';')[0]!
      const me = (await (await world.fetch('/api/me', { cookie })).json()) as { person: { id: string } }
      return { address, password, cookie, person: me.person.id }
    },
    async joinWithOrganisation(called) {
      const visitor = await world.join(called)
      if (product.people === 'organisations') {
        const response = await expectStatus(
          world.fetch('/api/organisations', {
            method: 'POST',
            body: { name: `Org ${newId().slice(-6)}` },
            cookie: visitor.cookie,
          }),
          201,
        )
        return { ...visitor, organisation: ((await response.json()) as { id: string }).id }
      }
      const me = (await (await world.fetch('/api/me', { cookie: visitor.cookie })).json()) as {
        organisations: { id: string }[]
      }
      return { ...visitor, organisation: me.organisations[0]!.id }
    },
    async superuser(text, values) {
      const client = new pg.Client({ ...superuser, database: name })
      await client.connect()
      try {
        const answer = (await client.query(text, values)) as pg.QueryResult | pg.QueryResult[]
        return (Array.isArray(answer) ? answer.at(-1)! : answer).rows
      } finally {
        await client.end()
      }
    },
    prove: (...claims) => prove(job, allControls, claims),
    bench: () => createBench(benchOptionsOf(job)),
    twin: (more) => createFoundation({ ...settings, ...more }),
    weaken(which) {
      const change = weaknesses[which]
      if (change === undefined) throw new Error(`test/world/weaknesses.ts knows no «${which}»`)
      weakened.set(which, change)
      return () => weakened.delete(which)
    },
    async stop() {
      await listening.stop()
      await foundation.stop()
      rmSync(folder, { recursive: true })
      const client = new pg.Client({ ...superuser, database: 'postgres' })
      await client.connect()
      await client.query(`drop database if exists ${name} with (force)`)
      await client.end()
    },
  }
  return world
}

/** Stages that are looked up at each use, so that a weakness acts at once and ends at once. */
function live(real: Stages, weakened: ReadonlyMap<string, (stages: Stages) => Stages>): Stages {
  return new Proxy(real, {
    get(_, key: keyof Stages) {
      let stages = real
      for (const change of weakened.values()) stages = change(stages)
      return stages[key]
    },
  })
}

export async function mailedToken(mails: World['mails'], address: string, link: RegExp): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const found = mails
      .filter((mail) => mail.to === address)
      .map((mail) => link.exec(mail.text)?.[1])
      .findLast((token) => token !== undefined)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`no mail with a link came for ${address}`)
}

async function expectStatus(answer: Promise<Response>, status: number): Promise<Response> {
  const response = await answer
  if (response.status !== status)
    throw new Error(`${response.url} answered ${response.status}, not ${status}: ${await response.text()}`)
  return response
}
