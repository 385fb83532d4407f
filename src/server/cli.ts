import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { pepperId } from '../controls/accounts/accounts.ts'
import { BootstrapRefused } from '../controls/tenant-isolation/bootstrap.ts'
import type { Complaint } from '../controls/tenant-isolation/tenant-isolation.ts'
import { type Config, ConfigurationRefused, readConfig } from '../platform/config/config.ts'
import { environment } from '../platform/config/env.ts'
import { readEnvironmentSecrets } from '../platform/config/secrets.ts'
import {
  DataFolderRefused,
  keptPepper,
  openDataFolder,
  readSecrets,
  replaceSessionKey,
} from '../platform/data-folder.ts'
import { ClusterRefused } from '../platform/database/cluster-refused.ts'
import { MigrationRefused } from '../platform/database/migrate.ts'
import { PortRefused } from '../platform/http/listen.ts'
import type { ProverJob } from '../proving/prover.ts'
import { UnknownClaim } from '../proving/runner.ts'
import { demoProducts } from './demo-products.ts'
import { examineAll, reportText } from './doctor.ts'
import { StartRefused } from './foundation.ts'
import { prepareDatabase } from './migrations.ts'
import { proveOnce } from './prover-client.ts'
import { choosePasswordCost, databaseOf, databaseServer, demoRisks, start } from './start.ts'
import { bar, screen } from './terminal.ts'
import { readCommit, version } from './version.ts'

const help = `holdfast ${await version()}: the security foundation for multi-tenant SaaS

Usage:
  holdfast start                     start both example products, their security pages, the mailbox and the prover
  holdfast migrate                   bring the databases up to date, and start nothing
  holdfast prove [claim…] [--json]   attack what is running here, and say what was seen
  holdfast doctor [--json]           look at the databases and their server: what is not as it must be, and the remedy
  holdfast keys rotate               another key for session cookies; nobody is signed out. Stop the server first
  holdfast info [--json]             what this installation is; secrets are left out

Exit status: 0 done; for prove: nothing broken, stale or inconclusive; for doctor: no complaint · 1 refused or failed · 2 the call was not understood
Settings are environment variables: PORT, HOST, HOLDFAST_DATA_DIR, DATABASE_URL, SMTP_URL, TRUSTED_PROXY_CIDRS. See README.md.
`

const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  start: runStart,
  migrate: runMigrate,
  prove: runProve,
  doctor: runDoctor,
  keys: runKeys,
  info: runInfo,
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help)
    return name === undefined ? 2 : 0
  }
  const command = commands[name]
  if (command === undefined) return misused(`there is no command «${name}»`)
  try {
    return await command(args)
  } catch (error) {
    return refused(error)
  }
}

async function runStart(args: string[]): Promise<number> {
  parseArgs({ args, options: {} })
  const config = readConfig(environment())
  const line = bar(process.stderr)
  const total = new Map<string, { done: number; of: number; holds: number; red: string[] }>()
  const started = await start({
    config,
    secrets: readEnvironmentSecrets(environment()),
    products: await demoProducts(),
    told: (news) => line.say(news),
    proved: ({ product, done, of, finding }) => {
      const sum = done === 1 || !total.has(product) ? { done, of, holds: 0, red: [] as string[] } : total.get(product)!
      const isRed = finding.status === 'broken' && !isAccepted(finding.claim)
      const now = {
        done,
        of,
        holds: sum.holds + Number(finding.status === 'holds'),
        red: isRed ? [...sum.red, finding.claim] : sum.red,
      }
      total.set(product, now)
      const all = [...total.values()]
      const together = (key: 'done' | 'of') => all.reduce((one, next) => one + next[key], 0)
      line.progress('attacking', together('done'), together('of'))
      if (done === of)
        line.say(
          `${product}: ${now.holds} of ${of} claims hold${now.red.length ? `; broken: ${now.red.join(', ')}` : ''}`,
        )
    },
  })
  line.clear()
  process.stdout.write(screen(started))
  const lost = await new Promise<string | undefined>((resolve) => {
    started.lost.then(resolve)
    let asked = false
    const end = () => {
      if (asked) process.exit(1)
      asked = true
      resolve(undefined)
    }
    process.on('SIGINT', end)
    process.on('SIGTERM', end)
    process.on('SIGHUP', end)
  })
  line.say('stopping')
  await started.stop()
  line.clear()
  if (lost === undefined) return 0
  process.stderr.write(`holdfast: error: ${lost}\n`)
  return 1
}

/** What somebody answers for on the demo's pages is no news on the terminal. */
function isAccepted(claim: string): boolean {
  return demoRisks.some((risk) => risk.claim === claim && Date.parse(risk.until) > Date.now())
}

async function runMigrate(args: string[]): Promise<number> {
  parseArgs({ args, options: {} })
  const config = readConfig(environment())
  const folder = await openDataFolder(config.dataFolder)
  const line = bar(process.stderr)
  try {
    const secrets = await readSecrets(folder.path)
    const server = await databaseServer(config, readEnvironmentSecrets(environment()), folder.path, (news) =>
      line.say(news),
    )
    try {
      for (const product of await demoProducts()) {
        const database = { host: server.superuser.host, port: server.superuser.port, database: databaseOf(product) }
        const { applied, already } = await prepareDatabase({
          superuser: server.superuser,
          database,
          passwords: secrets.passwords,
          product,
          told: ({ done, of }) => line.progress(product.name, done, of),
        })
        line.clear()
        process.stdout.write(`${database.database}: ${applied.length} applied, ${already} were there\n`)
      }
    } finally {
      await server.stop()
    }
  } finally {
    folder.release()
  }
  return 0
}

/** Only while nothing runs on the folder: a running server has read the keys, and would sign with the old one. */
async function runKeys(args: string[]): Promise<number> {
  const { positionals } = parseArgs({ args, allowPositionals: true, options: {} })
  if (positionals.join(' ') !== 'rotate') return misused('holdfast keys knows one thing to do: rotate')
  const folder = await openDataFolder(readConfig(environment()).dataFolder)
  try {
    await replaceSessionKey(folder.path, new Date())
  } finally {
    folder.release()
  }
  process.stdout.write(
    'From the next start on another key signs session cookies. The old one is good for a day more.\n',
  )
  return 0
}

interface Left {
  readonly landing: string
  readonly jobs: readonly Omit<ProverJob, 'passwords'>[]
}

async function runProve(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const config = readConfig(environment())
  const { jobs } = await whatRuns(config)
  const { passwords } = await readSecrets(path.resolve(config.dataFolder))
  const line = bar(process.stderr)
  const failures: string[] = []
  // The page keeps back what a red probe saw until it is mended; whoever runs this is told.
  const seen = new Map<string, string>()
  await proveOnce(
    jobs.map((job) => ({ ...job, passwords })),
    positionals,
    {
      progress: ({ product, done, of, finding }) => {
        seen.set(`${product} ${finding.claim}`, finding.saw)
        line.progress(`${product} ${finding.claim}`, done, of)
      },
      failed: ({ product, message }) => failures.push(`${product || 'prover'}: ${message}`),
    },
  )
  line.clear()
  if (failures.length > 0) {
    const unknown = failures.find((one) => one.includes('no such claim'))
    if (unknown) return misused(unknown)
    throw new Error(failures.join('; '))
  }
  // The pages know about accepted risks; what they show is what counts.
  const shown = await Promise.all(
    jobs.map(async (job) => {
      const response = await fetch(new URL('/security.json', job.origin), { headers: { origin: job.origin } })
      const { claims } = (await response.json()) as { claims: { id: string; status: string; saw?: string }[] }
      return {
        product: job.product,
        claims: claims.filter((claim) => positionals.length === 0 || positionals.includes(claim.id)),
      }
    }),
  )
  const bad = shown
    .flatMap((one) => one.claims)
    .filter((claim) => ['broken', 'stale', 'inconclusive', 'unproven'].includes(claim.status))
  if (values.json) process.stdout.write(`${JSON.stringify({ products: shown }, null, 2)}\n`)
  else
    for (const { product, claims } of shown)
      for (const { id, status, saw } of claims) {
        const told = saw || seen.get(`${product} ${id}`)
        process.stdout.write(
          `${product.padEnd(6)} ${status.padEnd(14)} ${id}${told ? `\n                      ${told}` : ''}\n`,
        )
      }
  return bad.length === 0 ? 0 : 1
}

async function runDoctor(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  const config = readConfig(environment())
  const running = await whatRuns(config).catch((error) => {
    if (error instanceof NothingRuns) return undefined
    throw error
  })
  const isAnsweredFor = ({ code }: Complaint) =>
    config.database.kind === 'embedded' && code === 'server-patch' && isAccepted('tenant-isolation/server-is-patched')
  const reports = await examineAll(config, running?.jobs, (news) => bar(process.stderr).say(news))
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ products: reports }, null, 2)}\n`
      : reports.map((one) => reportText(one, isAnsweredFor)).join(''),
  )
  return reports.every(({ complaints }) => complaints.every(isAnsweredFor)) ? 0 : 1
}

async function whatRuns(config: Config): Promise<Left> {
  try {
    return JSON.parse(await readFile(path.join(config.dataFolder, 'running.json'), 'utf8')) as Left
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new NothingRuns(`nothing runs in ${path.resolve(config.dataFolder)}`)
  }
}

async function runInfo(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  const config = readConfig(environment())
  const info = {
    version: await version(),
    commit: await readCommit(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    config: config,
    passwords: await describePasswords(config),
  }
  process.stdout.write(
    values.json
      ? `${JSON.stringify(info, null, 2)}\n`
      : `${Object.entries(info)
          .map(([key, value]) => `${key.padEnd(9)} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
          .join('\n')}\n`,
  )
  return 0
}

/** What a start would choose now. Peppers by their ids alone, the newest first. */
async function describePasswords(config: Config) {
  const { cost, milliseconds } = await choosePasswordCost(config)
  const kept = keptPepper(path.resolve(config.dataFolder))
  return {
    cost,
    ...(milliseconds === undefined ? {} : { measuredMilliseconds: milliseconds }),
    peppers: [
      ...readEnvironmentSecrets(environment()).peppers.map((pepper) => ({ id: pepperId(pepper), from: 'environment' })),
      ...(kept === undefined ? [] : [{ id: pepperId(kept), from: 'secrets.json' }]),
    ],
  }
}

class NothingRuns extends Error {}

/** The error, and a hint where there is one, on stderr. */
function refused(error: unknown): number {
  if ((error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) return misused((error as Error).message)
  const { message } = error as Error
  process.stderr.write(`\nholdfast: error: ${message}\n`)
  const hint = hintFor(error)
  if (hint) process.stderr.write(`holdfast: hint: ${hint}\n`)
  const known = [
    ConfigurationRefused,
    DataFolderRefused,
    ClusterRefused,
    MigrationRefused,
    BootstrapRefused,
    StartRefused,
    PortRefused,
    UnknownClaim,
    NothingRuns,
  ]
  if (!known.some((kind) => error instanceof kind)) process.stderr.write(`${(error as Error).stack}\n`)
  return 1
}

function hintFor(error: unknown): string | undefined {
  if (error instanceof NothingRuns) return 'start it first: npm start'
  if (error instanceof DataFolderRefused || error instanceof ClusterRefused) return error.remedy
  if ((error as { code?: string }).code === 'ECONNREFUSED') return 'is it running? start it with: npm start'
  return undefined
}

function misused(what: string): number {
  process.stderr.write(`holdfast: error: ${what}\nholdfast: hint: holdfast --help lists the commands\n`)
  return 2
}

process.exitCode = await main(process.argv.slice(2))
