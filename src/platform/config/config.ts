import { BlockList, isIP } from 'node:net'
import path from 'node:path'
import { isAddress, isOneLine } from '../mail/address.ts'
import { type Environment, type Variable, type VariableName, variables } from './env.ts'
import { readPeppers } from './secrets.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

/** A range of addresses, as `net.BlockList.addSubnet` takes it. */
export interface Cidr {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** The sender of every mail. */
export interface Sender {
  /** Empty for none. */
  readonly name: string
  readonly address: string
}

export type DatabaseConfig =
  | { readonly kind: 'embedded' }
  /** The URL itself is a secret: see `readEnvironmentSecrets`. */
  | { readonly kind: 'server'; readonly host: string; readonly port: number; readonly database: string }

export type MailConfig =
  | { readonly kind: 'mailbox' }
  | {
      readonly kind: 'smtp'
      readonly host: string
      readonly port: number
      /** `off` only on loopback; elsewhere a server without TLS gets no mail. */
      readonly tls: 'implicit' | 'starttls' | 'off'
      readonly user?: string
    }

/** Where quotas are counted that all processes share. */
export type CounterConfig =
  | { readonly kind: 'database' }
  | {
      readonly kind: 'redis'
      readonly host: string
      readonly port: number
      /** False only on loopback. */
      readonly tls: boolean
      readonly user?: string
      /** The number of the database, 0 when left out. */
      readonly database?: number
    }

/** A valid configuration. It holds no secret, and may be logged. */
export interface Config {
  readonly listen: {
    readonly host: string
    /** The first of `portCount` ports in a row. */
    readonly port: number
    readonly isLoopback: boolean
  }
  /** As given; relative to the working directory. */
  readonly dataFolder: string
  readonly database: DatabaseConfig
  readonly mail: MailConfig & { readonly from: Sender }
  readonly trustedProxies: readonly Cidr[]
  readonly counter: CounterConfig
  readonly passwords: {
    /** The cost of bcrypt; absent: measured at the start. */
    readonly cost?: number
    /** Ids of peppers that are gone for good. The peppers themselves are secrets: see `readEnvironmentSecrets`. */
    readonly retiredPeppers: readonly string[]
  }
  readonly log: { readonly level: LogLevel }
  readonly tests: { readonly chromium?: string }
}

/** Landing page, CRM, Study. */
export const portCount = 3

export interface Complaint {
  readonly variable: string
  readonly found: string
  readonly remedy: string
}

/** The environment is not fit to start with. Lists everything that is wrong with it. */
export class ConfigurationRefused extends Error {
  readonly complaints: readonly Complaint[]

  constructor(complaints: readonly Complaint[]) {
    super(complaints.map(({ variable, found, remedy }) => `${variable} ${found}. ${remedy}`).join('\n'))
    this.name = 'ConfigurationRefused'
    this.complaints = complaints
  }
}

/** Throws `ConfigurationRefused`. Reads nothing but its argument. */
export function readConfig(env: Environment): Config {
  const complaints: Complaint[] = []
  const read: Reader = (variable, parse) => {
    const text = env[variable] ?? (variables[variable] as Variable).default
    if (text === undefined) return undefined
    try {
      if (text.trim() === '') throw new Unfit('is set, but empty', 'Give it a value, or do not set it')
      return parse(text)
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
      complaints.push({ variable, found: error.message, remedy: `${error.remedy}.` })
      return undefined
    }
  }
  complaints.push(...findUnknown(env))
  const config = readAll(read)
  complaints.push(...findContradictions(env))
  if (complaints.length > 0) throw new ConfigurationRefused(complaints)
  return config as Config
}

type Reader = <Value>(variable: VariableName, parse: (text: string) => Value) => Value | undefined

/** With gaps where something was refused: then it is not used. */
function readAll(read: Reader) {
  const host = read('HOST', parseHost)
  const chromium = read('HOLDFAST_CHROMIUM', parseAbsolutePath)
  return {
    listen: { host, port: read('PORT', parsePort), isLoopback: host !== undefined && isLoopback(host) },
    dataFolder: read('HOLDFAST_DATA_DIR', (text) => text),
    database: read('DATABASE_URL', parseDatabaseUrl) ?? { kind: 'embedded' },
    mail: { ...(read('SMTP_URL', parseSmtpUrl) ?? { kind: 'mailbox' }), from: read('MAIL_FROM', parseSender) },
    trustedProxies: read('TRUSTED_PROXY_CIDRS', parseCidrs) ?? [],
    counter: read('REDIS_URL', parseRedisUrl) ?? { kind: 'database' },
    passwords: readPasswords(read),
    log: { level: read('LOG_LEVEL', parseLogLevel) },
    tests: { ...(chromium !== undefined && { chromium }) },
  }
}

function readPasswords(read: Reader): Config['passwords'] {
  read('HOLDFAST_PEPPERS', checkPeppers)
  const cost = read('HOLDFAST_PASSWORD_COST', parsePasswordCost)
  return {
    ...(cost !== undefined && { cost }),
    retiredPeppers: read('HOLDFAST_RETIRED_PEPPERS', parsePepperIds) ?? [],
  }
}

function findContradictions(env: Environment): Complaint[] {
  if (env.SMTP_URL === undefined || env.MAIL_FROM !== undefined) return []
  return [
    {
      variable: 'MAIL_FROM',
      found: 'is not set, but SMTP_URL is',
      remedy: 'Set it to an address that this server may send from.',
    },
  ]
}

/** Whether an address, or `localhost`, is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

class Unfit extends Error {
  readonly remedy: string

  constructor(found: string, remedy: string) {
    super(found)
    this.remedy = remedy
  }
}

/** They are secrets, and not part of what this returns: here they are only looked at. */
function checkPeppers(text: string): void {
  try {
    readPeppers(text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new Unfit(`is not fit: ${error.message}`, 'Make one with: openssl rand -base64 32')
  }
}

function parsePasswordCost(text: string): number {
  if (/^1[2-6]$/.test(text)) return Number(text)
  throw new Unfit(`is ${quote(text)}`, 'Give a number from 12 to 16, or do not set it')
}

function parsePepperIds(text: string): string[] {
  const ids = text.split(',').map((id) => id.trim())
  if (ids.every((id) => /^[0-9a-f]{8}$/.test(id))) return ids
  throw new Unfit(`is ${quote(text)}`, 'Give ids of 8 hexadecimal digits, as holdfast info shows them, with commas')
}

function parsePort(text: string): number {
  const most = 65535 - (portCount - 1)
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0
  if (port >= 1 && port <= most) return port
  throw new Unfit(
    `is ${quote(text)}`,
    `Give a number from 1 to ${most}: that port and the ${portCount - 1} after it are used`,
  )
}

function parseHost(text: string): string {
  if (text === 'localhost' || isIP(text) !== 0) return text
  throw new Unfit(`is ${quote(text)}`, 'Give an IP address of this machine, such as 127.0.0.1, or localhost')
}

function parseAbsolutePath(text: string): string {
  if (path.isAbsolute(text)) return text
  throw new Unfit(`is ${quote(text)}`, 'Give an absolute path')
}

function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text)
  if (level) return level
  throw new Unfit(`is ${quote(text)}`, `Give one of ${logLevels.join(', ')}`)
}

function parseDatabaseUrl(text: string): DatabaseConfig {
  const url = parseUrl(text, 'Write postgres://user:password@host:5432/postgres')
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    throw new Unfit('is not the URL of a PostgreSQL server', 'Write postgres://user:password@host:5432/postgres')
  const host = unbracket(url.hostname) || url.searchParams.get('host') || ''
  if (host === '') throw new Unfit('names no host', 'Write postgres://user:password@host:5432/postgres')
  if (url.username === '' && !url.searchParams.has('user'))
    throw new Unfit('names no user', 'Write postgres://user:password@host:5432/postgres')
  // Connections are made from host, port and user alone: what asks for more must not believe that it got it.
  const tls = [...url.searchParams].find(
    ([name, value]) => name.startsWith('ssl') && !/^(disable|allow|prefer)$/.test(value),
  )
  if (tls)
    throw new Unfit(
      `asks for ${tls[0]}, and this version does not encrypt its link to the database`,
      'Reach the server through a Unix socket, loopback or a network of its own, and leave that out',
    )
  const database = decodeURIComponent(url.pathname.slice(1)) || 'postgres'
  return { kind: 'server', host, port: Number(url.port) || 5432, database }
}

function parseRedisUrl(text: string): CounterConfig {
  const form = 'Write rediss://user:password@host:6379/0'
  const url = parseUrl(text, form)
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') throw new Unfit('is not the URL of a Redis server', form)
  const host = unbracket(url.hostname)
  if (host === '') throw new Unfit('names no host', form)
  const tls = url.protocol === 'rediss:'
  if (!tls && !isLoopback(host))
    throw new Unfit(
      'would send its password over the network in the clear',
      'Write rediss:// and let the server speak TLS',
    )
  if (url.search !== '' || url.hash !== '' || !/^(\/\d{0,4})?$/.test(url.pathname))
    throw new Unfit('has more than user, password, host, port and the number of a database', form)
  if (url.username !== '' && url.password === '')
    throw new Unfit('has a user without a password', 'Give both or neither')
  return {
    kind: 'redis',
    host,
    port: Number(url.port) || 6379,
    tls,
    ...(url.username !== '' && { user: decodeURIComponent(url.username) }),
    ...(url.pathname.length > 1 && { database: Number(url.pathname.slice(1)) }),
  }
}

function parseSmtpUrl(text: string): MailConfig {
  const form = 'Write smtps://user:password@host:465 or smtp://user:password@host:587'
  const url = parseUrl(text, form)
  const scheme = url.protocol
  if (scheme !== 'smtp:' && scheme !== 'smtps:') throw new Unfit('is not the URL of a mail server', form)
  const host = unbracket(url.hostname)
  if (host === '') throw new Unfit('names no host', form)
  if (url.search !== '' || url.hash !== '' || (url.pathname !== '' && url.pathname !== '/'))
    throw new Unfit('has more than user, password, host and port', form)
  if ((url.username === '') !== (url.password === ''))
    throw new Unfit('has a user without a password, or a password without a user', 'Give both or neither')
  return {
    kind: 'smtp',
    host,
    port: Number(url.port) || (scheme === 'smtps:' ? 465 : 587),
    tls: scheme === 'smtps:' ? 'implicit' : isLoopback(host) ? 'off' : 'starttls',
    ...(url.username !== '' && { user: decodeURIComponent(url.username) }),
  }
}

/** A part that is not well-formed percent encoding is refused here, and not met later. */
function parseUrl(text: string, remedy: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url) throw new Unfit('is not a URL', `${remedy}; percent-encode what is special in the password`)
  try {
    for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part)
  } catch {
    throw new Unfit('has a stray %', 'Write %25 for a per cent sign')
  }
  return url
}

function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

function parseSender(text: string): Sender {
  const found = /^(?:"?([^"<>]*?)"?\s*<([^<>\s]+)>|([^<>\s]+))$/.exec(text.trim())
  const sender = { name: found?.[1]?.trim() ?? '', address: found?.[2] ?? found?.[3] ?? '' }
  if (isOneLine(text) && isAddress(sender.address)) return sender
  throw new Unfit(`is ${quote(text)}`, 'Give one address, such as Holdfast <no-reply@example.com>')
}

function parseCidrs(text: string): Cidr[] {
  return text.split(',').map((part) => parseCidr(part.trim()))
}

function parseCidr(text: string): Cidr {
  const [address = '', digits, ...rest] = text.split('/')
  const version = isIP(address)
  const most = version === 4 ? 32 : 128
  if (version === 0 || rest.length > 0 || address.includes('%'))
    throw new Unfit(
      `contains ${quote(text)}, which is no range of addresses`,
      'Write ranges such as 10.0.0.0/8, fd00::/8',
    )
  if (digits === undefined) throw new Unfit(`contains ${quote(text)} without a length`, `Write ${address}/${most}`)
  const prefix = /^(0|[1-9]\d{0,2})$/.test(digits) ? Number(digits) : -1
  if (prefix < 0 || prefix > most)
    throw new Unfit(`contains ${quote(text)}`, `Its length must be a number from 1 to ${most}`)
  // Whoever is trusted chooses the address that limits and logs see: trusting everybody is no configuration.
  if (prefix === 0) throw new Unfit(`contains ${quote(text)}: every client`, 'Name the proxies alone')
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

function findUnknown(env: Environment): Complaint[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('HOLDFAST_') && !Object.hasOwn(variables, name))
    .map((variable) => ({
      variable,
      found: 'is not known',
      remedy: suggest(variable),
    }))
}

/** Our prefix is often given to a variable that has none. What resembles nothing gets the whole list. */
function suggest(name: string): string {
  const known = Object.keys(variables)
  const distance = (other: string) =>
    Math.min(...[name, name.slice('HOLDFAST_'.length)].map((n) => countEdits(n, other)))
  const nearest = known.toSorted((a, b) => distance(a) - distance(b))[0]!
  return distance(nearest) <= nearest.length / 2
    ? `Did you mean ${nearest}?`
    : `Take it away. Known are ${known.join(', ')}.`
}

/** Levenshtein's distance. */
function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++)
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === to[j] ? 0 : 1)))
    row = next
  }
  return row[to.length]!
}

/** Without control characters, and short: it goes to a terminal. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text).replaceAll(/[\x7f-\x9f]/g, '?')
}
