import { hkdfSync } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { openPasswords, PeppersMissing, type Turns } from '../controls/accounts/accounts.ts'
import { accountLimits, accountRoutes } from '../controls/accounts/routes.ts'
import { type ApiKeys, createApiKeys } from '../controls/api-keys/api-keys.ts'
import { notWithAKey } from '../controls/api-keys/refusals.ts'
import { apiKeyRoutes } from '../controls/api-keys/routes.ts'
import { refuseCrossSite, responseHeaders } from '../controls/browser-defences/browser-defences.ts'
import { createCsrfTokens, tokenHeader } from '../controls/browser-defences/csrf-token.ts'
import { csrfTokenRoutes } from '../controls/browser-defences/routes.ts'
import { checkRoutes } from '../controls/input-validation/input-validation.ts'
import { organisationLimits, organisationRoutes, personRoutes } from '../controls/organisations/routes.ts'
import { permissionRoutes } from '../controls/permissions/routes.ts'
import { createDevices, createFailures } from '../controls/rate-limits/failures.ts'
import { clientAddress, createLimits, type Decide, trustProxies } from '../controls/rate-limits/rate-limits.ts'
import type { RedisPlace } from '../controls/rate-limits/store-redis.ts'
import { noSession } from '../controls/sessions/refusals.ts'
import { sessionRoutes } from '../controls/sessions/routes.ts'
import { createSessions, type Sessions } from '../controls/sessions/sessions.ts'
import { signInRoutes } from '../controls/sign-in/routes.ts'
import { signInLimits } from '../controls/sign-in/sign-in.ts'
import type { LoginRole } from '../controls/tenant-isolation/bootstrap.ts'
import { loginOptions } from '../controls/tenant-isolation/tenant-isolation.ts'
import { recoveryLimits, recoveryRoutes } from '../controls/two-factor/recovery.ts'
import { twoFactorRoutes } from '../controls/two-factor/routes.ts'
import { createSeal, createTwoFactor } from '../controls/two-factor/two-factor.ts'
import type { AcceptedRisk } from '../kernel/finding.ts'
import { Refusal } from '../kernel/refusal.ts'
import { Login } from '../platform/database/login.ts'
import { sql } from '../platform/database/statement.ts'
import { notFound } from '../platform/http/refusals.ts'
import { open, type Route, type Routes, type Transaction } from '../platform/http/route.ts'
import { startWorker } from '../platform/jobs/worker.ts'
import { type Mailer, startOutbox } from '../platform/mail/outbox.ts'
import type { SecurityJson } from '../proving/evidence.ts'
import type { ProverJob } from '../proving/prover.ts'
import { createAnswers } from './answers.ts'
import { healthRoute } from './health.ts'
import { startHousekeeping, startMailRequests } from './housekeeping.ts'
import { isOrganisationId, readInput } from './input.ts'
import { createKeyStages } from './key-stages.ts'
import { countedByOrganisation, openLimiting } from './limiting.ts'
import { openApi } from './openapi.ts'
import { createPages } from './pages.ts'
import { createPipeline, type Stages } from './pipeline.ts'
import { asRefusal } from './problem.ts'
import { keyPrefixOf, type Product } from './product.ts'
import { createOptOuts, createRouting } from './routing.ts'
import { createSecurityPages } from './security-pages.ts'
import { createSessionStages } from './session-stages.ts'

export interface FoundationOptions {
  readonly product: Product
  /** As browsers write it: `http://localhost:8701`. */
  readonly origin: string
  readonly database: { readonly host: string; readonly port: number; readonly database: string }
  readonly passwords: Readonly<Record<Exclude<LoginRole, 'migrator' | 'prover'>, string>>
  /** PKCS #8 PEM of the Ed25519 key that signs session cookies. */
  readonly sessionKey: string
  /** More such keys, which only verify: the one that will sign next, and the one that did. See docs/operating/keys.md. */
  readonly otherSessionKeys?: readonly string[]
  /** Mixed into every password before it is hashed: 32 random bytes or more. See docs/operating/passwords.md. */
  readonly pepper: Uint8Array
  /** Peppers that some hashes still have, the oldest last. */
  readonly olderPeppers?: readonly Uint8Array[]
  /** Ids of peppers that are gone: whoever has a password under one resets it. */
  readonly retiredPeppers?: readonly string[]
  /** The cost of bcrypt, 12 to 16; 12 when left out, and never less than what is stored already. */
  readonly passwordCost?: number
  /** Seals what the database keeps and must not be able to read, such as the keys of authenticator apps: 32 random bytes. */
  readonly sealingKey: Uint8Array
  /** Those before it: they only open. */
  readonly olderSealingKeys?: readonly Uint8Array[]
  /** Hashes of all products in one process take turns when they are handed the same. */
  readonly hashingTurns?: Turns
  readonly trustedProxies: readonly string[]
  /** Where quotas are counted over all processes; without it, in the product's database. See docs/operating/limits.md. */
  readonly redis?: RedisPlace
  readonly mailer: Mailer
  readonly log: FoundationLog
  readonly commit: string
  readonly acceptedRisks: readonly AcceptedRisk[]
  readonly consoleFolder: string
  /** Tests only: shows what happens when a stage is taken out. */
  readonly replaceStages?: (stages: Stages) => Stages
}

export interface FoundationLog {
  request: Stages['log']
  failure(what: { part: string; error: unknown }): void
}

export interface Foundation {
  /** Answers one request: mount it in any framework that speaks Request and Response. `peer`: the address that connected. */
  handle(request: Request, peer: string): Promise<Response>
  /**
   * For routes that another framework serves: a transaction in the organisation, as the person whose session cookie, or API
   * key, `request` carries. The database verifies it, the seat and the permission before `run` starts. Raw SQL and Kysely's
   * queries go the same way. `onlySessions`: no key opens it. Throws a `Refusal` (400, 401, 403, 404, 428); commits when `run` returns.
   */
  organisation<T>(
    request: Request,
    at: { readonly organisation: string; readonly needs: string; readonly onlySessions?: true },
    run: (sql: Transaction) => Promise<T>,
  ): Promise<T>
  /**
   * Beside `organisation`, after it: a Set-Cookie value to send with the answer, when the session's secret is due to be replaced;
   * mostly undefined. Without it a session that is used through another framework alone is over after a day. `peer` as in `handle`.
   */
  touchSession(request: Request, peer: string): Promise<string | undefined>
  readonly cookieName: string
  readonly routes: Routes
  /** The mask of all permissions that `owner` has. */
  readonly ownerMask: string
  readonly logins: {
    readonly app: Login
    readonly identity: Login
    /** The app's role once more, for the work of jobs: it enters by their leases. */
    readonly jobs: Login
    readonly worker: Login
    readonly auditor: Login
  }
  securityJson(): Promise<SecurityJson>
  /**
   * What `startProver` needs to attack this product from a process of its own. `stateFile`: where it keeps the names and
   * passwords of its canaries, mode 0600.
   */
  proverJob(own: { readonly passwords: ProverJob['passwords']; readonly stateFile: string }): ProverJob
  stop(): Promise<void>
}

/** The start was refused; the message says everything that is wrong, and what to do. */
export class StartRefused extends Error {}

/** One product on its database, ready to answer. Refuses to start over an unprotected table or an unguarded route. */
export async function createFoundation(options: FoundationOptions): Promise<Foundation> {
  const { product, origin } = options
  const https = origin.startsWith('https:')
  const limiting = await openLimiting({
    database: options.database,
    workerPassword: options.passwords.worker,
    ...(options.redis === undefined ? {} : { redis: options.redis }),
    key: keyFor(options.sessionKey, 'limits'),
    log: (error) => options.log.failure({ part: 'limits', error }),
  })
  const logins = openLogins(options)
  try {
    await refuseUnprotected(logins.auditor)
    const masks = await readMasks(logins.app)
    const sessions = createSessions({
      product: product.name,
      title: product.title,
      origin,
      privateKeyPem: options.sessionKey,
      otherKeys: options.otherSessionKeys ?? [],
      https,
    })
    const sessionStages = createSessionStages({
      sessions,
      identity: logins.identity,
      failed: (error) => options.log.failure({ part: 'sessions', error }),
    })
    const tokens = createCsrfTokens([options.sessionKey, ...(options.otherSessionKeys ?? [])])
    const keys = createApiKeys({ prefix: keyPrefixOf(product), cookieName: sessions.cookieName })
    const keyStages = createKeyStages({
      keys,
      app: logins.app,
      failed: (error) => options.log.failure({ part: 'keys', error }),
    })
    // Neither comes with what another site makes a browser send.
    const carriesToken = (request: Request) =>
      keys.carries(request.headers) ||
      tokens.fits(request.headers.get(tokenHeader), sessions.present(request.headers.get('cookie'))?.session)
    const proxies = trustProxies(options.trustedProxies)
    const security = await createSecurityPages({ ...options, auditor: logins.auditor })

    const passwords = await openPasswords(logins.identity, {
      ...options,
      cost: options.passwordCost ?? leastPasswordCost,
      service: [product.name, product.title],
      ...(options.hashingTurns === undefined ? {} : { turns: options.hashingTurns }),
    }).catch(refuseWithoutPepper)
    const site = { title: product.title, origin }
    // By way of the stages, so that a test can show what happens without it.
    const decide: Decide = (key, limit) => staged.decide(key, limit)
    const twoFactor = createTwoFactor({
      identity: logins.identity,
      seal: createSeal([options.sealingKey, ...(options.olderSealingKeys ?? [])]),
      site,
    })
    const failures = createFailures({ identity: logins.identity, key: keyFor(options.sessionKey, 'failures') })
    const devices = createDevices({ product: product.name, https, key: keyFor(options.sessionKey, 'devices') })
    const routes: Routes = joinRoutes(
      accountRoutes({ product: product.name, identity: logins.identity, passwords, site, decide }),
      csrfTokenRoutes({ tokens }),
      sessionRoutes({ identity: logins.identity, sessions }),
      personRoutes({ app: logins.app, people: product.people }),
      product.people === 'organisations' ? organisationRoutes({ app: logins.app, site, decide }) : {},
      product.people === 'organisations' ? permissionRoutes(product) : {},
      hasKeys(product) ? apiKeyRoutes({ keys, site, ...product }) : {},
      twoFactorRoutes({ identity: logins.identity, sessions, twoFactor }),
      recoveryRoutes({ identity: logins.identity, site, decide }),
      signInRoutes({ identity: logins.identity, sessions, passwords, twoFactor, decide, failures, devices, site }),
      product.routes,
      {
        health: healthRoute({
          counter: limiting.counter,
          database: () => logins.app.query(sql`select 1`),
          limits: limiting.ask,
        }),
        openapi: open({
          method: 'GET',
          path: '/api/openapi.json',
          summary: 'This document',
          limit: { name: 'documents', quota: 120, windowSeconds: 60 },
          response: z.record(z.string(), z.unknown()),
          run: async () => ({ body: document }),
        }),
      },
    )
    // Before anything that reads the routes: it says what is wrong with them, and the others would only trip over it.
    refuseUnguarded(routes, masks)
    const limits = createLimits({
      limits: [
        ...Object.values(routes).map((route) => route.limit),
        ...accountLimits,
        ...organisationLimits,
        ...signInLimits,
        ...recoveryLimits,
      ],
      overall: { name: 'all', quota: 6000, windowSeconds: 60 },
    })
    const document = openApi(product.title, origin, routes, {
      cookieName: sessions.cookieName,
      keyPattern: keys.pattern,
    })

    const pages = createPages(
      {
        title: product.title,
        https,
        consoleFolder: options.consoleFolder,
        headersFor: responseHeaders,
        drawn: security.drawn,
      },
      security.assets,
    )
    const stages: Stages = {
      https,
      origin,
      headersFor: responseHeaders,
      refuseCrossSite: (request) => refuseCrossSite(request, origin, carriesToken),
      optsOut: createOptOuts(routes),
      clientAddress: (peer, headers) => clientAddress(peer, headers, proxies),
      spendOverall: limits.spendOverall,
      spendByAddress: limits.spendByAddress,
      spendBySession: limiting.leases.spendBySession,
      decide: limiting.decide,
      ...sessionStages,
      ...keyStages,
      match: createRouting(routes),
      readInput,
      answer: countedByOrganisation(
        limiting.leases,
        createAnswers({ app: logins.app, maskOf: (permission) => masks.get(permission)! }),
      ),
      checkAnswer: (route, body) => route.response.parse(body),
      page: pages,
      log: options.log.request,
    }
    const staged = options.replaceStages?.(stages) ?? stages
    const handle = createPipeline(staged)
    const running = [
      startOutbox({
        login: logins.worker,
        mailer: options.mailer,
        log: ({ error }) => options.log.failure({ part: 'outbox', error }),
      }),
      startWorker({
        queue: logins.worker,
        login: logins.jobs,
        jobs: Object.fromEntries(
          Object.entries(product.jobs).map(([kind, job]) => [kind, { need: masks.get(job.needs)!, run: job.run }]),
        ),
        log: ({ kind, error }) => options.log.failure({ part: `job ${kind}`, error }),
      }),
      startMailRequests({
        worker: logins.worker,
        log: (error) => options.log.failure({ part: 'mail requests', error }),
      }),
      startHousekeeping({
        worker: logins.worker,
        log: (error) => options.log.failure({ part: 'housekeeping', error }),
      }),
    ]
    const ownerMask = maskOfAll(product.roles.owner.permissions, masks)
    return {
      handle,
      organisation: (request, at, run) =>
        enterOrganisation(
          { sessions, keys, app: logins.app, masks, origin, carriesToken, stages: { ...sessionStages, ...keyStages } },
          request,
          at,
          run,
        ),
      async touchSession(request, peer) {
        const header = request.headers.get('cookie')
        const presented = sessions.present(header)
        if (presented === undefined || !sessions.looksDue(presented)) return undefined
        return sessions.touch(logins.identity, header, clientAddress(peer, request.headers, proxies))
      },
      cookieName: sessions.cookieName,
      routes,
      ownerMask,
      logins,
      securityJson: security.json,
      proverJob: ({ passwords: { app, worker, auditor, prover }, stateFile }) => ({
        product: product.name,
        people: product.people,
        origin,
        cookieName: sessions.cookieName,
        database: options.database,
        passwords: { app, worker, auditor, prover },
        ownerMask,
        plant: product.canary('{mark}').map(({ text, values }) => ({ text, values })),
        stateFile,
        commit: options.commit,
        where: 'live',
      }),
      async stop() {
        await Promise.all(running.map((one) => one.stop()))
        await limiting.stop()
        await closeAll(logins)
      },
    }
  } catch (error) {
    await limiting.stop()
    await closeAll(logins)
    throw error
  }
}

/** Each time one more doubles what a guess costs, and what a sign-in costs: this is the least that the database accepts. */
const leastPasswordCost = 12

/** Nobody whose password is under that pepper could sign in, and nobody would know why. */
function refuseWithoutPepper(error: unknown): never {
  throw error instanceof PeppersMissing ? new StartRefused(error.message, { cause: error }) : error
}

/** RFC 5869: a key of its own for each purpose. */
function keyFor(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `holdfast-${purpose}-1`, 32))
}

function joinRoutes(...parts: readonly Routes[]): Routes {
  const joined: Record<string, Route> = {}
  for (const [name, route] of parts.flatMap((part) => Object.entries(part))) {
    if (name in joined)
      throw new StartRefused(`there are two routes called ${name}: give the product's own another name`)
    joined[name] = route
  }
  return joined
}

async function enterOrganisation<T>(
  parts: {
    readonly sessions: Sessions
    readonly keys: ApiKeys
    readonly app: Login
    readonly masks: ReadonlyMap<string, string>
    readonly origin: string
    readonly carriesToken: (request: Request) => boolean
    readonly stages: Pick<Stages, 'reportReuse' | 'noteUse'>
  },
  request: Request,
  at: { readonly organisation: string; readonly needs: string; readonly onlySessions?: true },
  run: (sql: Transaction) => Promise<T>,
): Promise<T> {
  const need = parts.masks.get(at.needs)
  if (need === undefined) throw new Error(`no role has the permission «${at.needs}»`)
  // The pipeline's gate does not see this request: whatever changes something has to pass it here.
  refuseCrossSite(request, parts.origin, parts.carriesToken)
  const key = parts.keys.present(request.headers)
  if (key !== undefined && at.onlySessions) throw new Refusal(notWithAKey)
  const presented = key === undefined ? parts.sessions.present(request.headers.get('cookie')) : undefined
  const secret = key?.entry ?? presented?.entry
  if (secret === undefined) throw new Refusal(noSession)
  if (!isOrganisationId(at.organisation)) throw notFound()
  let due = false
  try {
    const done = await parts.app.transaction(
      { secret, organisation: at.organisation, need, ...(key && { by: 'enter_key' }) },
      (sql, stale) => {
        due = stale
        return run(sql)
      },
    )
    if (due && key !== undefined) await parts.stages.noteUse(key)
    return done
  } catch (error) {
    const { refusal } = asRefusal(error, key !== undefined)
    if (refusal.kind === noSession && presented !== undefined) await parts.stages.reportReuse(presented)
    throw refusal
  } finally {
    // Nobody sets a cookie here: `touchSession` is asked next, and knows by this that entry wants it.
    if (due && presented !== undefined) presented.age.touched = false
  }
}

/** Where nobody may make keys there are no routes for them. */
function hasKeys({ people, roles }: Product): boolean {
  return (
    people === 'organisations' && Object.values(roles).some(({ permissions }) => permissions.includes('keys.manage'))
  )
}

/** More than keep the cores busy make the database slower: each connection keeps plans and caches of its own. */
const appConnections = Math.min(20, 2 * availableParallelism() + 2)

function openLogins({ database, passwords }: FoundationOptions): Foundation['logins'] {
  const login = (role: 'app' | 'identity' | 'worker' | 'auditor', most: number, entersBy?: 'enter' | 'enter_lease') =>
    new Login(
      loginOptions(role, database, {
        password: passwords[role],
        most,
        ...(entersBy === undefined ? {} : { entersBy }),
      }),
    )
  return {
    app: login('app', appConnections, 'enter'),
    identity: login('identity', 4),
    jobs: login('app', 3, 'enter_lease'),
    worker: login('worker', 3),
    auditor: login('auditor', 2),
  }
}

async function closeAll(logins: Foundation['logins']): Promise<void> {
  for (const login of Object.values(logins)) await login.close()
}

/** Default-deny at start-up: what no migration of ours made may have come since. */
async function refuseUnprotected(auditor: Login): Promise<void> {
  const rows = await auditor.query(sql<{ object: string; remedy: string }>`
    select object, remedy from holdfast.unclassified()
    union all select object, remedy from holdfast.weaknesses()`)
  if (rows.length > 0)
    throw new StartRefused(
      `the database is not as it must be:\n${rows.map((row) => `  ${row.object}: ${row.remedy}`).join('\n')}`,
    )
}

function refuseUnguarded(routes: Routes, masks: ReadonlyMap<string, string>): void {
  const complaints = checkRoutes(routes)
  for (const [name, route] of Object.entries(routes))
    if ((route.kind === 'read' || route.kind === 'write') && !masks.has(route.needs))
      complaints.push(`route ${name} needs «${route.needs}», which no role has`)
  if (complaints.length > 0) throw new StartRefused(`the routes are not as they must be:\n  ${complaints.join('\n  ')}`)
}

async function readMasks(app: Login): Promise<Map<string, string>> {
  const rows = await app.query(sql<{ name: string; bit: number }>`select name, bit from holdfast.permission`)
  return new Map(rows.map(({ name, bit }) => [name, String(1n << BigInt(bit))]))
}

function maskOfAll(permissions: readonly string[], masks: ReadonlyMap<string, string>): string {
  return String(permissions.reduce((mask, permission) => mask | BigInt(masks.get(permission) ?? 0), 0n))
}
