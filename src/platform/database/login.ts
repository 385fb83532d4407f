import type { Transaction } from '../http/route.ts'
import { type Compilable, type Statement, sql, toStatement } from './statement.ts'
import { ConnectionSpoilt, type Exchanged, isLost, noSuchStatement, Wire, type WireOptions } from './wire.ts'

/** What a transaction presents in order to enter an organisation. */
export interface Entry {
  /** D, 32 bytes; the database holds its hash. */
  readonly secret: Uint8Array
  readonly organisation: string
  /** The mask of the permission bits that are needed, as a decimal number. */
  readonly need: string
  /** By which door: the kind of secret decides. Left out: the one of this pool. */
  readonly by?: Door
}

/** The functions by which a transaction enters. */
export type Door = 'enter' | 'enter_key' | 'enter_lease'

export interface LoginOptions extends Omit<WireOptions, 'settings'> {
  /** What the role is allowed to have set for itself (`pg_db_role_setting`); anything else ends the connection. */
  readonly roleSettings: readonly string[]
  /** Which door this pool's transactions go by. */
  readonly entersBy?: Door
  readonly most: number
  /** A connection that has been busy for longer is cut, whatever statement_timeout it gave itself. */
  readonly longestSeconds: number
  readonly settings?: Readonly<Record<string, string>>
  readonly waitMillis?: number
  /** A connection is replaced after so long, an hour when left out: what nobody sees pile up on it goes with it. */
  readonly lifeSeconds?: number
}

export { ConnectionSpoilt } from './wire.ts'

/** The pool is full and stayed so: the caller answers 503. */
export class DatabaseBusy extends Error {}

/**
 * Every setting that a session could be poisoned by is pinned in the startup packet: that beats what the role has set for
 * itself, and RESET ALL goes back to it.
 */
export const pinnedSettings: Readonly<Record<string, string>> = {
  search_path: 'app',
  client_encoding: 'UTF8',
  client_min_messages: 'notice',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
  transform_null_equals: 'off',
  array_nulls: 'on',
  quote_all_identifiers: 'off',
  xmloption: 'content',
  row_security: 'on',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  statement_timeout: '10s',
  lock_timeout: '3s',
  idle_in_transaction_session_timeout: '15s',
  default_tablespace: '',
  temp_tablespaces: '',
  local_preload_libraries: '',
  check_function_bodies: 'on',
  debug_print_parse: 'off',
  debug_print_rewritten: 'off',
  debug_print_plan: 'off',
  plan_cache_mode: 'auto',
  // Without statistics every organisation looks small; at the default of 4, lists would be read whole and sorted.
  random_page_cost: '1.1',
  jit: 'off',
  synchronous_commit: 'on',
  application_name: 'holdfast',
}

// Under the Sync of what it cleans up after: a Sync of its own costs more than the statement.
const hygiene = [sql`reset all`]
// RESET ALL takes the context away, which triggers that wait for the end may still need: where there are such, they run first.
const hygieneWithDeferred = [sql`set constraints all immediate`, ...hygiene]
// Behind transactions, and by itself where a failure has undone it or a statement did more than read and write rows.
const thorough = [...hygiene, sql`close all`, sql`unlisten *`]
/** The commands that leave nothing behind but what RESET ALL takes back. */
const plain = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'COMMIT',
  'ROLLBACK',
  'SET',
  'RESET',
  'CLOSE',
  'UNLISTEN',
])
/** What the clean-up says of itself at its end. */
const endings = new Set(['RESET', 'UNLISTEN'])
const begin = sql`begin`
const commit = sql`commit`
const rollback = sql`rollback`

/** One login role's connections. Whoever takes one gives it back idle and reset, or it is destroyed. */
export class Login {
  readonly #options: LoginOptions
  readonly #idle: Wire[] = []
  readonly #all = new Set<Wire>()
  readonly #waiting: { take: (wire: Wire) => void; fail: (error: Error) => void; timer: NodeJS.Timeout }[] = []
  readonly #sweeper: NodeJS.Timeout
  #opening = 0
  #closed = false
  #hygiene = hygiene

  constructor(options: LoginOptions) {
    this.#options = options
    this.#sweeper = setInterval(() => this.#cutOverdue(), 1000)
    this.#sweeper.unref()
  }

  /** How many connections are open, and how many requests wait for one. */
  get state(): { open: number; idle: number; waiting: number } {
    return { open: this.#all.size, idle: this.#idle.length, waiting: this.#waiting.length }
  }

  /** One statement outside of any organisation: narrow verbs, and tables that no tenant owns. */
  async query<Row>(query: Statement<Row> | Compilable<Row>): Promise<Row[]> {
    const { results } = await this.#once([toStatement(query)])
    return results[0]!.rows as Row[]
  }

  /**
   * Entry and one statement under one Sync: one round trip. Refused entry means that the statement never ran. `stale` is
   * true when something is due for the session's secret: it is to be replaced, or was never seen in use.
   */
  async entered<Row>(entry: Entry, query: Statement<Row> | Compilable<Row>): Promise<{ rows: Row[]; stale: boolean }> {
    const { results } = await this.#once([this.#entering(entry), toStatement(query)])
    return { rows: results[1]!.rows as Row[], stale: results[0]!.rows[0]!.stale === true }
  }

  /**
   * A transaction that is entered before `run` starts; commits when `run` returns, rolls back when it throws. `stale` is as in
   * `entered`.
   */
  async transaction<T>(entry: Entry, run: (sql: Transaction, stale: boolean) => Promise<T>): Promise<T> {
    return this.#transact([begin, this.#entering(entry), whoEntered], whoEntered, async (query, first) => {
      const { organisation, person } = first.results[2]!.rows[0] as { organisation: string; person: string }
      return run(Object.assign(query, { organisation, person }), first.results[1]!.rows[0]!.stale === true)
    })
  }

  /** A transaction outside of any organisation. */
  async openTransaction<T>(
    run: (sql: (query: Statement<unknown> | Compilable<unknown>) => Promise<unknown[]>) => Promise<T>,
  ): Promise<T> {
    return this.#transact([begin], undefined, (query) => run(query))
  }

  /** Groups as they stand, for the prover and tests: what came back, errors included. The connection is handled as ever. */
  async attempt(groups: readonly (readonly Statement<unknown>[])[]): Promise<Exchanged[]> {
    const wire = await this.#take()
    try {
      const last = groups.at(-1) ?? []
      const behind = groups.length > 1 ? thorough : this.#hygiene
      const answers = await Promise.all(wire.exchange([...groups.slice(0, -1), [...last, ...behind]]))
      await this.#giveBack(wire, answers.at(-1)!)
      return answers.map((answer, index) =>
        index < groups.length - 1 ? answer : { ...answer, results: answer.results.slice(0, last.length) },
      )
    } catch (error) {
      this.#drop(wire, error as Error)
      throw error
    }
  }

  entering(entry: Entry): Statement<{ stale: boolean }> {
    return this.#entering(entry)
  }

  /** Ends all connections; whoever waits for one is refused. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweeper)
    for (const waiting of this.#waiting.splice(0)) {
      clearTimeout(waiting.timer)
      waiting.fail(new DatabaseBusy('the pool is closed'))
    }
    for (const wire of this.#all) wire.close()
    this.#all.clear()
    this.#idle.length = 0
  }

  #entering(entry: Entry): Statement<{ stale: boolean }> {
    const { secret, organisation, need, by = this.#options.entersBy ?? 'enter' } = entry
    return { text: entering[by], values: [secret, organisation, need] }
  }

  /** One group of statements as one implicit transaction. */
  async #once(group: readonly Statement<unknown>[]): Promise<Exchanged> {
    const wire = this.#takeIdle() ?? (await this.#take())
    let answer = await this.#send(wire, group)
    // Nothing ran. On the same connection, which reads the text anew: any other may have lost it too.
    if (isLost(answer.error) && answer.results.length < group.length && answer.status === 'I')
      answer = await this.#send(wire, group)
    // The answer leaves now; after an error the connection goes back when it has been cleaned.
    void this.#giveBack(wire, answer)
    if (answer.error?.code === noSuchStatement && answer.results.length >= group.length)
      throw new ConnectionSpoilt('a statement took away what cleans up after it')
    if (answer.error !== undefined) throw answer.error
    if (answer.status !== 'I') throw new ConnectionSpoilt('a statement left a transaction open')
    return answer
  }

  /** `stillEntered`: what fails in a transaction that has lost its context. */
  async #transact<T>(
    opening: readonly Statement<unknown>[],
    stillEntered: Statement<unknown> | undefined,
    run: (query: <Row>(query: Statement<Row> | Compilable<Row>) => Promise<Row[]>, first: Exchanged) => Promise<T>,
  ): Promise<T> {
    const wire = await this.#take()
    let over = false
    let returned = false
    try {
      const [first] = await Promise.all(wire.exchange([opening]))
      if (first!.error) throw first!.error
      // ROLLBACK TO, which may be, and ROLLBACK AND CHAIN, which begins another transaction, say the same of themselves.
      const isStillOurs = async () => {
        if (stillEntered === undefined) return false
        const [answer] = await Promise.all(wire.exchange([[stillEntered]]))
        return answer!.error === undefined
      }
      const query = async <Row>(next: Statement<Row> | Compilable<Row>): Promise<Row[]> => {
        if (over) throw new Error('this transaction is over')
        const [answer] = await Promise.all(wire.exchange([[toStatement(next)]]))
        if (answer!.error) throw answer!.error
        // A statement that ended the transaction would let the next one run outside of it.
        const { command, rows } = answer!.results[0]!
        if (answer!.status !== 'T' || command === 'COMMIT' || (command === 'ROLLBACK' && !(await isStillOurs())))
          throw new ConnectionSpoilt('a statement ended the transaction')
        return rows as Row[]
      }
      const result = await run(query, first!)
      over = true
      returned = true
      const last = await this.#send(wire, [commit], thorough)
      await this.#giveBack(wire, last)
      if (last.error) throw last.error
      if (last.results[0]?.command !== 'COMMIT') throw new ConnectionSpoilt('the transaction was rolled back')
      return result
    } catch (error) {
      over = true
      if (!returned) await this.#abandon(wire, error as Error)
      throw error
    }
  }

  async #abandon(wire: Wire, error: Error): Promise<void> {
    if (wire.dead || error instanceof ConnectionSpoilt) return this.#drop(wire, error)
    try {
      await this.#giveBack(wire, await this.#send(wire, [rollback], thorough))
    } catch {
      // The connection is gone, and with it the transaction: whoever waits hears the error that ended it.
    }
  }

  /** One group, and what cleans up after it. Throws only when the connection is lost; then it has been dropped. */
  async #send(wire: Wire, group: readonly Statement<unknown>[], behind = this.#hygiene): Promise<Exchanged> {
    try {
      return await wire.exchange([[...group, ...behind]])[0]!
    } catch (error) {
      this.#drop(wire, error as Error)
      throw error
    }
  }

  /** Takes a connection back after `last`, which ended with the hygiene. A promise only where it needs a thorough one. */
  #giveBack(wire: Wire, last: Exchanged): undefined | Promise<void> {
    // What else did it take away, that statement which took one of ours?
    if (last.status !== 'I' || last.error?.code === noSuchStatement)
      this.#drop(wire, new ConnectionSpoilt(last.error?.message ?? `came back in state ${last.status}`))
    else if (last.error !== undefined || !last.results.every(({ command }) => plain.has(command)))
      return this.#clean(wire)
    else if (!endings.has(last.results.at(-1)?.command ?? ''))
      this.#drop(wire, new ConnectionSpoilt('what cleans up is not what it was'))
    else this.#release(wire)
    return undefined
  }

  async #clean(wire: Wire): Promise<void> {
    try {
      const after = await wire.exchange([thorough])[0]!
      const commands = after.results.map(({ command }) => command).join(' ')
      if (after.error !== undefined || after.status !== 'I' || commands !== 'RESET CLOSE UNLISTEN')
        return this.#drop(wire, new ConnectionSpoilt(after.error?.message ?? `came back in state ${after.status}`))
      this.#release(wire)
    } catch (error) {
      this.#drop(wire, error as Error)
    }
  }

  #release(wire: Wire): void {
    if (wire.dead || this.#closed) return this.#drop(wire, new Error('the pool is closed'))
    if (performance.now() - wire.openedAt > (this.#options.lifeSeconds ?? 3600) * 1000)
      return this.#drop(wire, new Error('the connection has served its time'))
    const next = this.#waiting.shift()
    if (next === undefined) {
      this.#idle.push(wire)
      return
    }
    clearTimeout(next.timer)
    next.take(wire)
  }

  #drop(wire: Wire, reason: Error): void {
    wire.destroy(reason)
    // Whoever waited on it reports the loss as well: the place that became free is given away once.
    if (!this.#all.delete(wire)) return
    const at = this.#idle.indexOf(wire)
    if (at >= 0) this.#idle.splice(at, 1)
    if (this.#waiting.length > 0) this.#openForWaiting()
  }

  #takeIdle(): Wire | undefined {
    for (let wire = this.#idle.pop(); wire !== undefined; wire = this.#idle.pop()) {
      if (!wire.dead) return wire
      this.#all.delete(wire)
    }
    return undefined
  }

  async #take(): Promise<Wire> {
    if (this.#closed) throw new DatabaseBusy('the pool is closed')
    const idle = this.#takeIdle()
    if (idle !== undefined) return idle
    if (this.#all.size + this.#opening < this.#options.most) return this.#open()
    return new Promise<Wire>((take, fail) => {
      const timer = setTimeout(() => {
        const at = this.#waiting.findIndex((one) => one.timer === timer)
        if (at >= 0) this.#waiting.splice(at, 1)
        fail(new DatabaseBusy('no connection became free in time'))
      }, this.#options.waitMillis ?? 5000)
      this.#waiting.push({ take, fail, timer })
    })
  }

  async #open(): Promise<Wire> {
    this.#opening++
    try {
      const wire = await Wire.open({ ...this.#options, settings: { ...pinnedSettings, ...this.#options.settings } })
      await this.#prepare(wire)
      this.#all.add(wire)
      return wire
    } finally {
      this.#opening--
    }
  }

  #openForWaiting(): void {
    this.#open().then(
      (wire) => this.#release(wire),
      (error) => {
        const next = this.#waiting.shift()
        if (next === undefined) return
        clearTimeout(next.timer)
        next.fail(error as Error)
      },
    )
  }

  /**
   * A login role may change its own settings for ever, and poison every later connection: what it has set is compared. The
   * statements of the hygiene are prepared before anybody's SQL runs here, so that DEALLOCATE ALL always shows: it takes
   * them away too, and the connection with them.
   */
  async #prepare(wire: Wire): Promise<void> {
    const [answer, reset] = await Promise.all(
      wire.exchange([
        [roleSettings, hasDeferred],
        [...hygieneWithDeferred, ...thorough],
      ]),
    )
    this.#hygiene = answer!.results[1]?.rows.length === 0 ? hygiene : hygieneWithDeferred
    const found = answer!.results[0]?.rows.map((row) => String(row.setting)).sort() ?? ['(could not be read)']
    const allowed = [...this.#options.roleSettings].sort()
    if (answer!.error || reset!.error || found.join('\n') !== allowed.join('\n')) {
      const reason = new ConnectionSpoilt(
        `the role ${this.#options.user} has settings that are not in the manifest: ${found.filter((one) => !allowed.includes(one)).join(', ') || '(some are missing)'}`,
      )
      wire.destroy(reason)
      throw reason
    }
  }

  #cutOverdue(): void {
    const limit = performance.now() - this.#options.longestSeconds * 1000
    for (const wire of this.#all)
      if (wire.busySince !== undefined && wire.busySince < limit)
        this.#drop(wire, new ConnectionSpoilt('a statement took too long'))
  }
}

const whoEntered = sql`select holdfast.organisation() as organisation, holdfast.person() as person`
const entering: Readonly<Record<Door, string>> = {
  enter: 'select holdfast.enter($1, $2, $3) as stale',
  enter_key: 'select holdfast.enter_key($1, $2, $3) as stale',
  enter_lease: 'select holdfast.enter_lease($1, $2, $3) as stale',
}
const hasDeferred = sql`select from pg_catalog.pg_trigger where tgdeferrable limit 1`
const roleSettings = sql`
  select unnest(setconfig) as setting from pg_catalog.pg_db_role_setting
   where setrole = (select oid from pg_catalog.pg_roles where rolname = current_user)
     and setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))`
