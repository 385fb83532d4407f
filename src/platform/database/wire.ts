import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import pg from 'pg'
import { prepareValue } from 'pg/lib/utils.js'
import { DatabaseError, serialize } from 'pg-protocol'
import { readMessages } from './messages.ts'
import type { Statement } from './statement.ts'
import { parserOf } from './types.ts'

/** What a group of statements under one Sync came to. */
export interface Exchanged {
  /** One result for each statement that was completed. */
  readonly results: readonly { rows: Record<string, unknown>[]; rowCount: number; command: string }[]
  readonly notices: readonly string[]
  /** What ended the group early; the statements after it did not run. */
  readonly error?: DatabaseError
  /** ReadyForQuery: `I` idle, `T` a transaction is open, `E` a failed transaction is open. */
  readonly status: string
}

export interface WireOptions {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly ssl?: pg.ConnectionConfig['ssl']
  /** Settings of the startup packet: they beat what the role has set for itself, and RESET ALL goes back to them. */
  readonly settings: Readonly<Record<string, string>>
  readonly connectTimeoutMillis?: number
  /** The most that one group may answer; what answers more is cut off, before it fills the memory of all. */
  readonly mostBytes?: number
}

/** What `pg-protocol` hands over; each name has its own further members. */
interface BackendMessage {
  readonly name: string
  /** Of the message as it came, in bytes. */
  readonly length: number
}

interface Named {
  readonly name: string
  /** Bind and Execute of a statement without values, which are the same each time. */
  fixed?: Buffer
  reader?: (values: readonly (string | null)[]) => Record<string, unknown>
}

interface Pending {
  readonly statements: readonly { named: Named; text: string; parses: boolean }[]
  at: number
  readonly results: { rows: Record<string, unknown>[]; rowCount: number; command: string }[]
  rows: Record<string, unknown>[]
  readonly notices: string[]
  bytes: number
  error?: DatabaseError
  readonly settle: (outcome: Exchanged) => void
  readonly fail: (error: Error) => void
}

/** A connection came back in a state that it must not be in. It was destroyed; nothing of it reaches the next request. */
export class ConnectionSpoilt extends Error {}

/**
 * Commands that nobody but an intruder sends: a statement that is prepared under the name of one of ours would run in the place
 * of it, in somebody else's request.
 */
const meddling = new Set(['PREPARE', 'DEALLOCATE', 'DISCARD'])

const mostNamed = 200
const defaultMostBytes = 64 * 1024 * 1024
const sync = serialize.sync()
const describe = serialize.describe({ type: 'P', name: '' })
const execute = serialize.execute({ portal: '', rows: 0 })

/**
 * One connection that speaks only the extended protocol, so that no statement can carry a second one behind it. `pg`
 * connects and authenticates; from then on the bytes are ours: several groups of statements leave in one write, each
 * group ends with its own Sync, and the transaction status after each is handed to the caller, who must look at it.
 */
export class Wire {
  readonly #client: pg.Client
  readonly #stream: Duplex
  readonly #pending: Pending[] = []
  readonly #named = new Map<string, Named>()
  readonly #mostBytes: number
  /** Names to close at the head of the next write: behind an error the server would skip the request. */
  #forgotten: string[] = []
  // 128 random bits: an injected PREPARE cannot guess, and so cannot take over, a name that the server uses.
  readonly #prefix = `h${randomBytes(16).toString('hex')}_`
  #names = 0
  #dead: Error | undefined
  /** In milliseconds of performance.now(). */
  readonly openedAt = performance.now()
  /** When the exchange under way began, in milliseconds of performance.now(); undefined when idle. */
  busySince: number | undefined

  private constructor(client: pg.Client, mostBytes: number) {
    this.#client = client
    this.#mostBytes = mostBytes
    this.#stream = (client as unknown as { connection: { stream: Duplex } }).connection.stream
    this.#stream.removeAllListeners('data')
    const read = readMessages(
      {
        row: (values, bytes) => this.#row(values, bytes),
        complete: (command, bytes) => {
          const pending = this.#count(bytes)
          if (pending === undefined) return
          complete(pending, command)
          if (meddling.has(pending.results.at(-1)!.command))
            this.destroy(new ConnectionSpoilt('a statement touched the prepared statements'))
        },
        ready: (status, bytes) => {
          const pending = this.#count(bytes)
          if (pending !== undefined) this.#ready(pending, status)
        },
        done: (bytes) => void this.#count(bytes),
        other: (message) => this.#receive(message),
      },
      mostBytes,
    )
    // Nothing that the server sends may throw into the stream: that would end the process for everybody.
    this.#stream.on('data', (chunk: Buffer) => {
      if (this.#dead) return
      try {
        read(chunk)
      } catch (error) {
        this.destroy(error as Error)
      }
    })
    const lost = (error?: Error) => this.destroy(error ?? new Error('the database closed the connection'))
    client.on('error', lost)
    client.on('end', () => lost())
    this.#stream.on('close', () => lost())
  }

  /** Connects and authenticates. Throws what the server said. */
  static async open(options: WireOptions): Promise<Wire> {
    const client = new pg.Client({
      host: options.host,
      port: options.port,
      database: options.database,
      user: options.user,
      password: options.password,
      ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
      connectionTimeoutMillis: options.connectTimeoutMillis ?? 5000,
      keepAlive: true,
      options: Object.entries(options.settings)
        .map(([name, value]) => `-c ${name}=${value.replace(/([\\ ])/g, '\\$1')}`)
        .join(' '),
    })
    await client.connect()
    return new Wire(client, options.mostBytes ?? defaultMostBytes)
  }

  get dead(): boolean {
    return this.#dead !== undefined
  }

  /** The server process of this connection, as pg_stat_activity shows it. */
  get processId(): number {
    return (this.#client as unknown as { processID: number }).processID
  }

  /**
   * Sends groups of statements in one write. Each promise settles at its group's ReadyForQuery, in order, and is
   * rejected only when the connection is lost; whoever has stopped listening by then is not told. Within a group an
   * error skips the rest of that group.
   */
  exchange(groups: readonly (readonly Statement<unknown>[])[]): Promise<Exchanged>[] {
    if (this.#dead) return groups.map(() => quietly(Promise.reject(this.#dead)))
    const bytes = this.#forgotten.splice(0).map((name) => serialize.close({ type: 'S', name }))
    const answers = groups.map((group) => {
      const statements = group.map((statement) => this.#write(statement, bytes))
      bytes.push(sync)
      return quietly(
        new Promise<Exchanged>((settle, fail) => {
          this.#pending.push({ statements, at: 0, results: [], rows: [], notices: [], bytes: 0, settle, fail })
        }),
      )
    })
    this.busySince ??= performance.now()
    this.#stream.write(Buffer.concat(bytes))
    return answers
  }

  /** Ends the connection at once; whatever is under way is rejected. */
  destroy(reason: Error): void {
    if (this.#dead) return
    this.#dead = reason
    this.#stream.destroy()
    for (const pending of this.#pending.splice(0)) pending.fail(reason)
  }

  /** Says goodbye (Terminate) and ends. */
  close(): void {
    if (!this.#dead) this.#stream.write(serialize.end())
    this.destroy(new Error('the connection was closed'))
  }

  #write(statement: Statement<unknown>, bytes: Buffer[]): { named: Named; text: string; parses: boolean } {
    let named = this.#named.get(statement.text)
    const parses = named === undefined
    if (named === undefined) {
      named = { name: this.#prefix + this.#names++ }
      bytes.push(serialize.parse({ name: named.name, text: statement.text, types: [] }))
      this.#evict()
    } else this.#named.delete(statement.text)
    this.#named.set(statement.text, named)
    if (named.reader !== undefined && statement.values.length === 0) {
      named.fixed ??= Buffer.concat([bind(named, statement), execute])
      bytes.push(named.fixed)
    } else {
      bytes.push(bind(named, statement))
      if (named.reader === undefined) bytes.push(describe)
      bytes.push(execute)
    }
    return { named, text: statement.text, parses }
  }

  /** Keeps the least recently used statements from piling up on the server. */
  #evict(): void {
    if (this.#named.size < mostNamed) return
    const [text, oldest] = this.#named.entries().next().value!
    this.#forget(text, oldest)
  }

  #forget(text: string, named: Named): void {
    if (this.#named.get(text) === named) this.#named.delete(text)
    this.#forgotten.push(named.name)
  }

  /** Whom the message is for, unless the answer has become too large; undefined: nobody, or nobody any more. */
  #count(bytes: number): Pending | undefined {
    const pending = this.#pending[0]
    if (pending === undefined) return undefined
    pending.bytes += bytes
    if (pending.bytes <= this.#mostBytes) return pending
    this.destroy(new Error(`the answer is larger than ${this.#mostBytes} bytes`))
    return undefined
  }

  #row(values: (string | null)[], bytes: number): void {
    const pending = this.#count(bytes)
    if (pending === undefined) return
    const reader = pending.statements[pending.at]?.named.reader
    if (reader === undefined) return this.destroy(new Error('rows came without a description'))
    pending.rows.push(reader(values))
  }

  #receive(message: BackendMessage): void {
    if (this.#pending.length === 0) return this.#receiveUnasked(message)
    const pending = this.#count(message.length)
    if (pending === undefined) return
    switch (message.name) {
      case 'emptyQuery':
        return complete(pending, '')
      case 'rowDescription': {
        const statement = pending.statements[pending.at]
        if (statement !== undefined)
          statement.named.reader = rowReader(
            (message as unknown as { fields: { name: string; dataTypeID: number }[] }).fields,
          )
        return
      }
      case 'noData': {
        const statement = pending.statements[pending.at]
        if (statement !== undefined) statement.named.reader = () => ({})
        return
      }
      case 'notice':
        pending.notices.push(noticeText(message as unknown as Record<string, unknown>))
        return
      case 'error':
        pending.error ??= message as unknown as DatabaseError
        // The message says what the statement is called: whoever reads it could put one of their own in its place.
        if (pending.error.code === '08P01')
          this.destroy(new ConnectionSpoilt('a statement came with other values than it asks for'))
        return
      case 'copyInResponse':
        // The server is past our Sync and waits for data: there is no way back to a known state.
        return this.destroy(new Error('copying over this connection is not possible'))
      default:
    }
  }

  #receiveUnasked(message: BackendMessage): void {
    // A fatal error (the server stops, an administrator ends the session) comes without a question.
    if (message.name === 'error') this.destroy(message as unknown as DatabaseError)
  }

  #ready(pending: Pending, status: string): void {
    this.#pending.shift()
    if (this.#pending.length === 0) this.busySince = undefined
    // Of the statement that failed, and of those behind it, nobody knows whether the server has them.
    if (pending.error)
      for (const { parses, text, named } of pending.statements.slice(pending.at))
        if (parses || isLost(pending.error)) this.#forget(text, named)
    pending.settle({
      results: pending.results,
      notices: pending.notices,
      ...(pending.error ? { error: pending.error } : {}),
      status,
    })
  }
}

/** The prepared statement is gone (an injected DEALLOCATE), or its result changed (a migration): nothing ran. */
export function isLost(error: DatabaseError | undefined): boolean {
  return error !== undefined && (error.code === noSuchStatement || error.code === '0A000')
}

export const noSuchStatement = '26000'

function bind(named: Named, statement: Statement<unknown>): Buffer {
  return serialize.bind({ portal: '', statement: named.name, values: statement.values as unknown[], valueMapper })
}

function valueMapper(value: unknown): unknown {
  if (typeof value === 'string') return value
  return prepareValue(value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value) : value)
}

/** Still rejects for whoever awaits it, but is no unhandled rejection where nobody does any more. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore)
  return promise
}

function ignore(): void {}

function complete(pending: Pending, command: string): void {
  const first = command.indexOf(' ')
  pending.results.push({
    rows: pending.rows,
    rowCount: first < 0 ? 0 : Number(command.slice(command.lastIndexOf(' ') + 1)) || 0,
    command: first < 0 ? command : command.slice(0, first),
  })
  pending.rows = []
  pending.at++
}

function rowReader(fields: readonly { name: string; dataTypeID: number }[]) {
  const names = fields.map((field) => field.name)
  if (names.includes('__proto__')) throw new Error('a column cannot be called __proto__')
  const parsers = fields.map((field) => parserOf(field.dataTypeID))
  return (values: readonly (string | null)[]): Record<string, unknown> => {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < names.length; index++) {
      const value = values[index] as string | null
      const parser = parsers[index]
      row[names[index]!] = value === null || parser === undefined ? value : parser(value)
    }
    return row
  }
}

function noticeText(notice: Record<string, unknown>): string {
  return ['severity', 'message', 'detail', 'hint', 'where']
    .map((part) => notice[part])
    .filter((part) => typeof part === 'string')
    .join(' ')
}

export { DatabaseError }
