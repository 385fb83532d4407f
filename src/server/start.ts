import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { createTurns, measureCost } from '../controls/accounts/accounts.ts'
import { responseHeaders } from '../controls/browser-defences/browser-defences.ts'
import { trustProxies } from '../controls/rate-limits/rate-limits.ts'
import { controls } from '../controls.ts'
import type { AcceptedRisk } from '../kernel/finding.ts'
import type { Config } from '../platform/config/config.ts'
import type { EnvironmentSecrets } from '../platform/config/secrets.ts'
import { openDataFolder, readSecrets, type Secrets, writeAtomically } from '../platform/data-folder.ts'
import { type Cluster, startCluster } from '../platform/database/embedded.ts'
import { type Listening, listen } from '../platform/http/listen.ts'
import { openLog } from '../platform/log/log.ts'
import { type Mailbox, startMailbox } from '../platform/mail/mailbox.ts'
import type { Mailer } from '../platform/mail/outbox.ts'
import { openSmtp } from '../platform/mail/smtp.ts'
import type { ProverJob } from '../proving/prover.ts'
import { type DemoState, fillDemo, newDemo } from './demo.ts'
import { createFoundation, type Foundation, type FoundationOptions } from './foundation.ts'
import { createLandingHandler } from './landing-handler.ts'
import { logOf } from './log-events.ts'
import { prepareDatabase } from './migrations.ts'
import type { Product } from './product.ts'
import { type RunningProver, startProver } from './prover-client.ts'
import { createSabotageDesk } from './sabotage-desk.ts'
import { readCommit, version } from './version.ts'

export interface Started {
  readonly landing: string
  readonly products: readonly { readonly product: Product; readonly origin: string; readonly foundation: Foundation }[]
  readonly demo: DemoState
  /** Whether mail stays in the development mailbox. */
  readonly hasMailbox: boolean
  readonly database: string
  readonly dataFolder: string
  readonly prover: RunningProver
  readonly seconds: number
  /** Resolves with the reason when a part that cannot be done without ends by itself. */
  readonly lost: Promise<string>
  stop(): Promise<void>
}

export interface StartOptions {
  readonly config: Config
  readonly secrets: EnvironmentSecrets
  readonly products: readonly Product[]
  /** Says what is under way, for a person who waits. */
  readonly told: (line: string) => void
  readonly proved: (progress: {
    product: string
    done: number
    of: number
    finding: { claim: string; status: string }
  }) => void
}

/** The embedded server is for demos: it is older than the security floor, and its page says so under somebody's name. */
export const demoRisks: readonly AcceptedRisk[] = [
  {
    claim: 'tenant-isolation/server-is-patched',
    reason: 'npm has no newer embedded PostgreSQL; it serves demos and development only',
    owner: 'the maintainers of Holdfast',
    until: '2027-05-31',
  },
]

/** Starts database, products, landing page, mailbox and prover on one data folder. What was begun is ended when a part fails. */
export async function start(options: StartOptions): Promise<Started> {
  const began = performance.now()
  const { config, products, told } = options
  const endings: (() => Promise<unknown> | unknown)[] = []
  const stop = async () => {
    for (const end of endings.splice(0).reverse()) await end()
  }
  try {
    const folder = await openDataFolder(config.dataFolder)
    endings.push(() => folder.release())
    const secrets = await readSecrets(folder.path)
    // First of all the ports: whoever has to wait for a database should not learn then that a port is taken.
    const doors = await openDoors(config, products.length + 1)
    endings.push(() => Promise.all(doors.map((door) => door.stop())))
    const log = openLog({
      level: config.log.level,
      to: { file: path.join(folder.path, 'holdfast.log') },
      process: 'server',
    })
    endings.push(() => log.close())

    told('console: building what has changed')
    const consoles = buildConsoles()
    consoles.catch(() => {})
    // In the background: it keeps one thread busy for a fifth of a second.
    const passwordCost = choosePasswordCost(config)
    // One for all products of this process, so that together they leave a core free.
    const hashingTurns = createTurns()
    const server = await databaseServer(config, options.secrets, folder.path, told)
    endings.push(server.stop)
    // Breaking controls as the superuser is for the embedded demo. Nobody's own server is broken from a web page.
    const desk = await createSabotageDesk({
      superuser: server.superuser,
      folder: folder.path,
      controls: server.embedded ? controls : [],
      products,
    })
    endings.push(desk.close)
    for (const product of products) {
      told(`database: preparing ${databaseOf(product)}`)
      const database = { host: server.superuser.host, port: server.superuser.port, database: databaseOf(product) }
      await prepareDatabase({ superuser: server.superuser, database, passwords: secrets.passwords, product })
      await desk.mendAll(product.name)
    }
    const mail = await mailing(config, options.secrets, folder.path)
    endings.push(mail.stop)
    await consoles

    const commit = await readCommit()
    const running: Started['products'][number][] = []
    for (const [index, product] of products.entries()) {
      const port = config.listen.port + 1 + index
      const origin = `http://localhost:${port}`
      const foundation = await createFoundation({
        product,
        origin,
        database: { host: server.superuser.host, port: server.superuser.port, database: databaseOf(product) },
        passwords: secrets.passwords,
        sessionKey: secrets.sessionKey,
        otherSessionKeys: secrets.previousSessionKeys,
        sealingKey: secrets.sealingKey,
        ...pepperOptions(options.secrets.peppers, secrets.pepper),
        retiredPeppers: config.passwords.retiredPeppers,
        passwordCost: (await passwordCost).cost,
        hashingTurns,
        trustedProxies: config.trustedProxies.map(({ address, prefix }) => `${address}/${prefix}`),
        ...redisOptions(config, options.secrets),
        mailer: mail.mailer,
        log: logOf(log, product.name),
        commit,
        acceptedRisks: server.embedded ? demoRisks : [],
        consoleFolder: path.join(import.meta.dirname, '../../console/built', product.name),
      })
      endings.push(foundation.stop)
      doors[index + 1]!.answer(foundation.handle)
      running.push({ product, origin, foundation })
    }

    // Once more, because endings run backwards: no request may come in while what answers it is taken away.
    endings.push(() => Promise.all(doors.map((door) => door.stop())))

    if (mail.mailbox !== undefined) told('demo: people sign up, verify, invite and accept')
    const demo = await demoPeople(folder.path, running, mail.mailbox)
    const prover = startProver(
      running.map((one) => proverJob(one, secrets, folder.path)),
      {
        progress: options.proved,
        failed: (failure) => logOf(log, failure.product).failure({ part: 'prover', error: new Error(failure.message) }),
      },
    )
    endings.push(prover.stop)
    const landing = `http://localhost:${config.listen.port}`
    doors[0]!.answer(
      createLandingHandler({
        origin: landing,
        version: await version(),
        running,
        demo,
        desk,
        prover,
        mailbox: mail.mailbox,
        folder: folder.path,
        database: server.what,
        commit,
        isLoopback: config.listen.isLoopback,
      }),
    )
    endings.push(() => rmSync(path.join(folder.path, 'running.json'), { force: true }))
    writeAtomically(
      path.join(folder.path, 'running.json'),
      JSON.stringify({
        landing,
        jobs: running.map((one) => publicJob(proverJob(one, secrets, folder.path))),
      }),
    )
    return {
      landing,
      products: running,
      demo,
      hasMailbox: mail.mailbox !== undefined,
      database: server.what,
      dataFolder: folder.path,
      prover,
      lost: server.lost,
      seconds: (performance.now() - began) / 1000,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** In a process of its own: the bundler would stay in the server's memory for as long as it runs. */
async function buildConsoles(): Promise<void> {
  const script = path.join(import.meta.dirname, '../../tools/build-console.ts')
  await promisify(execFile)(process.execPath, [...process.execArgv, script]).catch(
    (error: { stderr?: string; message: string }) => {
      throw new Error(`the console could not be built: ${error.stderr || error.message}`, { cause: error })
    },
  )
}

/** What is set, or else what fits this machine; `milliseconds` is what one hash takes, where it was measured. */
export async function choosePasswordCost(
  config: Config,
): Promise<{ readonly cost: number; readonly milliseconds?: number }> {
  const { cost } = config.passwords
  return cost === undefined ? measureCost() : { cost }
}

/** Those of the environment, the newest first; the data folder's is older than all of them. */
function pepperOptions(outside: readonly Uint8Array[], kept: Uint8Array) {
  const [pepper = kept, ...older] = outside
  return { pepper, olderPeppers: outside.length === 0 ? [] : [...older, kept] }
}

/** Where quotas are counted, if not in the database. */
function redisOptions({ counter }: Config, { redisPassword }: EnvironmentSecrets): Pick<FoundationOptions, 'redis'> {
  if (counter.kind === 'database') return {}
  return { redis: { ...counter, ...(redisPassword === undefined ? {} : { password: redisPassword }) } }
}

interface DatabaseServer {
  /** `database`: where to connect before ours are there; without it, the one named like the user. */
  readonly superuser: { host: string; port: number; user: string; password: string; database?: string }
  readonly what: string
  readonly embedded: boolean
  /** Resolves with the reason when the embedded server ends by itself. */
  readonly lost: Promise<string>
  stop(): Promise<void>
}

export async function databaseServer(
  config: Config,
  outside: EnvironmentSecrets,
  folder: string,
  told: (line: string) => void,
): Promise<DatabaseServer> {
  if (config.database.kind === 'server') {
    const { host, port, user, password } = new pg.Client({
      connectionString: outside.databaseUrl,
    }) as unknown as DatabaseServer['superuser']
    return {
      superuser: { host, port, user, password: password ?? '', database: config.database.database },
      what: `PostgreSQL at ${host}:${port}`,
      embedded: false,
      lost: new Promise(() => {}),
      stop: async () => {},
    }
  }
  told('database: starting the embedded PostgreSQL')
  const cluster: Cluster = await startCluster({ folder, log: told })
  return {
    superuser: cluster.superuser,
    what: `embedded PostgreSQL ${cluster.version}`,
    embedded: true,
    lost: cluster.lost,
    stop: () => cluster.stop(),
  }
}

async function mailing(
  config: Config,
  outside: EnvironmentSecrets,
  folder: string,
): Promise<{ mailer: Mailer; mailbox?: Mailbox; stop(): Promise<void> }> {
  if (config.mail.kind === 'smtp') {
    const mailer = openSmtp({
      ...config.mail,
      ...(outside.smtpPassword === undefined ? {} : { password: outside.smtpPassword }),
    })
    return { mailer, stop: async () => mailer.close() }
  }
  const mailbox = await startMailbox({ folder: path.join(folder, 'mail') })
  const mailer = openSmtp({ host: mailbox.host, port: mailbox.port, tls: 'off', from: config.mail.from })
  return {
    mailer,
    mailbox,
    stop: async () => {
      mailer.close()
      await mailbox.stop()
    },
  }
}

/** The name of a product's database. */
export function databaseOf(product: Product): string {
  return `holdfast_${product.name.replaceAll('-', '_')}`
}

async function demoPeople(
  folder: string,
  running: Started['products'],
  mailbox: Mailbox | undefined,
): Promise<DemoState> {
  const file = path.join(folder, 'demo.json')
  const kept = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as DemoState,
    (error) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    },
  )
  if (kept?.complete || mailbox === undefined) return kept ?? { ...newDemo(), crm: [], study: [] }
  const state = newDemo()
  const originOf = (name: string) => running.find((one) => one.product.name === name)!.origin
  await fillDemo(state, { crm: originOf('crm'), study: originOf('study') }, mailbox)
  const complete = { ...state, complete: true }
  writeAtomically(file, JSON.stringify(complete))
  return complete
}

function proverJob({ product, foundation }: Started['products'][number], secrets: Secrets, folder: string): ProverJob {
  return foundation.proverJob({
    passwords: secrets.passwords,
    stateFile: path.join(folder, `canaries-${product.name}.json`),
  })
}

/** What `holdfast prove` finds in the folder; the passwords it reads from the secrets. */
function publicJob({ passwords: _, ...job }: ProverJob): Omit<ProverJob, 'passwords'> {
  return job
}

interface Door extends Listening {
  /** From now on this answers. Until then callers are told to come back. */
  answer(handle: Handle): void
}

type Handle = (request: Request, peer: string) => Promise<Response>

async function openDoors(config: Config, count: number): Promise<Door[]> {
  const doors: Door[] = []
  const proxies = trustProxies(config.trustedProxies.map(({ address, prefix }) => `${address}/${prefix}`))
  try {
    for (let index = 0; index < count; index++) {
      let handle: Handle = async () =>
        new Response('Starting. Try again in a few seconds.\n', { status: 503, headers: { 'retry-after': '2' } })
      const listening = await listen((request, peer) => handle(request, peer), {
        host: config.listen.host,
        port: config.listen.port + index,
        bareHeaders: responseHeaders({ kind: 'api', https: false }),
        isProxy: (peer) => proxies?.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4') ?? false,
      })
      doors.push({
        ...listening,
        answer: (next) => {
          handle = next
        },
      })
    }
    return doors
  } catch (error) {
    await Promise.all(doors.map((door) => door.stop()))
    throw error
  }
}
