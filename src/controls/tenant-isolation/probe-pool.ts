import type { Bench, Canary } from '../../kernel/bench.ts'
import { inconclusive, type Outcome } from '../../kernel/finding.ts'
import { leak, newTally, noContext, type Tally, verdict } from './probe-attempt.ts'
import { readTables } from './probe-tables.ts'

/** What an injected statement could leave on the connection that the next request gets. */
const leftBehind = [
  'begin',
  'commit',
  'savepoint s',
  "set search_path = 'pg_catalog'",
  "set datestyle = 'German'",
  'set standard_conforming_strings = off',
  'set row_security = off',
  'set statement_timeout = 1',
  'set default_transaction_read_only = on',
  'set session characteristics as transaction isolation level serializable',
  "set timezone = 'Asia/Tokyo'",
  "set role 'none'",
  'set debug_print_plan = on',
  "set client_min_messages = 'debug5'",
  'declare left_behind cursor with hold for select 1',
  'listen left_behind',
  'deallocate all',
  'discard plans',
  'discard all',
  'reset all',
  'select 1/0',
  "set application_name = 'somebody else'",
]

/** The session as the next request finds it: whatever differs from an untouched connection was left by somebody. */
const look = `select pg_catalog.current_setting('backtrace_functions') as context, current_user::text as role, session_user::text as login,
    (select pg_catalog.md5(pg_catalog.string_agg(s.name || '=' || s.setting, ',' order by s.name)) from pg_catalog.pg_settings s
      where s.name !~ '^(transaction_|plpgsql[.])' and s.name <> 'in_hot_standby') as settings,
    (select pg_catalog.string_agg(s.name || '=' || s.setting, ',' order by s.name) from pg_catalog.pg_settings s
      where s.name !~ '^transaction_' and s.source = 'session') as session`

export async function lookForRemains(bench: Bench): Promise<Outcome> {
  const { a, b } = bench.canaries
  const table = (await readTables(bench)).find(({ name, may }) => name.startsWith('app.') && may.select && may.insert)
  if (table === undefined) return inconclusive('the application reads no table of organisations')
  const tally = newTally()
  await checkRoles(bench, tally)
  // Then the pool opens no new connection, and there is nothing to attack.
  if (tally.breaches.length > 0) return verdict(tally, '')
  const [untouched] = (await bench.sql('app', look)).rows
  if (untouched === undefined || untouched.context !== '')
    return inconclusive('an untouched connection could not be read')
  for (const statement of leftBehind) {
    await bench.sql('app', statement, [], { as: a })
    const after = await bench.sql('app', look)
    tally.examined++
    for (const part of ['context', 'role', 'login', 'settings', 'session'])
      if (after.rows[0]?.[part] !== untouched[part])
        tally.breaches.push(
          `«${statement}» of ${a.name} left ${part} = ${String(after.rows[0]?.[part] ?? after.text).slice(0, 100)}`,
        )
    await expectNothing(bench, tally, statement, `select 1 from ${table.name}`, noContext)
    await expectNothing(bench, tally, statement, 'fetch all from left_behind', '34000')
    await readAs(bench, tally, b, a, table.name, statement)
  }
  const asked = await interleave(bench, tally, table.name)
  return verdict(
    tally,
    `after each of ${leftBehind.length} statements that leave something behind, the next request found an untouched connection; ` +
      `${asked} interleaved questions of two organisations were each answered with their own rows`,
  )
}

async function expectNothing(bench: Bench, tally: Tally, after: string, text: string, code: string): Promise<void> {
  const seen = await bench.sql('app', text)
  tally.examined++
  if (seen.error?.code !== code)
    tally.breaches.push(
      `after «${after}», «${text}» came to ${seen.error?.code ?? `${seen.rowCount} rows`} instead of ${code}`,
    )
}

async function readAs(
  bench: Bench,
  tally: Tally,
  me: Canary,
  other: Canary,
  table: string,
  after: string,
): Promise<void> {
  const nonce = crypto.randomUUID()
  const seen = await bench.sql('app', `select organisation_id, $1::text as nonce from ${table} limit 50`, [nonce], {
    as: me,
  })
  tally.examined += seen.rows.length
  if (seen.error) throw new Error(`after «${after}» ${me.name} could not read its own rows: ${seen.error.message}`)
  if (
    leak(seen, other, []) !== undefined ||
    seen.rows.some((row) => row.organisation_id !== me.organisation || row.nonce !== nonce)
  )
    tally.breaches.push(`after «${after}» ${me.name} got an answer that was not its own`)
}

/** A login role may change its own settings, and poison every later connection; the log must not get its values either. */
async function checkRoles(bench: Bench, tally: Tally): Promise<void> {
  const poisoned = await bench.catalogue<{ object: string }>(
    "select object from holdfast.weaknesses() where code = 'role-setting'",
  )
  for (const { object } of poisoned) tally.breaches.push(`a role has changed for all its connections: ${object}`)
  for (const login of ['app', 'worker', 'prover'] as const) {
    const seen = await bench.sql(
      login,
      `select name || ' = ' || setting as found from pg_catalog.pg_settings
        where (name in ('log_parameter_max_length', 'log_parameter_max_length_on_error') and setting <> '0')
           or (name like 'debug_print_p%' and setting <> 'off') or (name = 'auto_explain.log_min_duration' and setting <> '-1')`,
    )
    tally.examined++
    if (seen.error) {
      if (poisoned.length === 0) throw new Error(`${login} could not be asked: ${seen.error.message}`)
    } else
      for (const row of seen.rows) tally.breaches.push(`the log would get what ${login} sends: ${String(row.found)}`)
  }
}

/** Both at once, over the few connections of the pool, each answer with its own nonce. */
async function interleave(bench: Bench, tally: Tally, table: string): Promise<number> {
  const { a, b } = bench.canaries
  const questions = 200
  let next = 0
  const ask = async () => {
    while (next < questions) {
      const [me, other] = next++ % 2 === 0 ? [a, b] : [b, a]
      await readAs(bench, tally, me, other, table, 'others at the same time')
    }
  }
  await Promise.all([ask(), ask(), ask(), ask()])
  return questions
}
