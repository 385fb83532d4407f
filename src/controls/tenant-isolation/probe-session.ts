import type { Bench, Canary, Seen } from '../../kernel/bench.ts'
import type { Outcome } from '../../kernel/finding.ts'
import { notApplicable } from '../../kernel/finding.ts'
import {
  attemptAlone,
  attemptTogether,
  type Move,
  newTally,
  noContext,
  noRight,
  refusedWith,
  type Tally,
  verdict,
} from './probe-attempt.ts'
import { readTables, type Table } from './probe-tables.ts'

const misused = 'HF000'

/** Arbitrary SQL inside a canary's request, by the real pool: it tries to become somebody else. */
export async function forgeSessions(bench: Bench): Promise<Outcome> {
  const { a, b } = bench.canaries
  const tally = newTally()
  const tables = (await readTables(bench)).filter(({ may }) => may.select)
  const settings = await readSettings(bench)
  for (const [me, other] of [
    [a, b],
    [b, a],
  ] as const) {
    await attemptTogether(bench, tally, { login: 'app', me, other }, [
      ...(await settingMoves(bench, me, other)),
      ...(await roleMoves(bench)),
      ...reentryMoves(me, other),
      ...verbMoves(me, other),
      ...secretMoves(),
    ])
    await forgeSettings(bench, tally, me, other, settings, tables)
    await leaveTheTransaction(bench, tally, me, other, tables)
    await stack(bench, tally, me, other, tables)
  }
  return verdict(
    tally,
    `${tally.examined} attempts to be somebody else, by ${settings.length} settings, every role, the entry functions, stacked ` +
      'statements and a left transaction: none saw another organisation',
  )
}

/** Every setting that a policy, or a function of the foundation, reads. */
async function readSettings(bench: Bench): Promise<string[]> {
  const rows = await bench.catalogue<{ name: string }>(`
    select distinct lower(found[1]) as name from (
      select pg_get_expr(p.polqual, p.polrelid) || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as source from pg_policy p
      union all
      select p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '') from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname in ('holdfast', 'app')
      union all
      select pg_get_viewdef(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'v' and n.nspname in ('holdfast', 'app')
    ) s cross join lateral regexp_matches(s.source, 'current_setting\\s*\\(\\s*''([^'']+)''', 'gi') found order by 1`)
  if (!rows.some(({ name }) => name === 'backtrace_functions')) rows.push({ name: 'backtrace_functions' })
  return rows.map(({ name }) => name)
}

/** What would have to stand in a setting to be believed: as the database writes it, and as most others do. */
function forgeries(other: Canary): string[] {
  const organisation = other.organisation.replaceAll('-', '')
  const person = other.person.replaceAll('-', '')
  return [`h${organisation}${person}00`, other.organisation, organisation]
}

async function settingMoves(bench: Bench, me: Canary, other: Canary): Promise<Move[]> {
  const [database] = await bench.catalogue<{ name: string }>('select quote_ident(current_database()) as name')
  const [forged] = forgeries(other)
  return [
    ...[
      `set backtrace_functions = '${forged}'`,
      `set local backtrace_functions = '${forged}'`,
      `set session backtrace_functions to '${forged}'`,
      `set backtrace_functions to default`,
      `select pg_catalog.set_config('backtrace_functions', '${forged}', true)`,
      `select pg_catalog.set_config('backtrace_functions', '${forged}', false)`,
      `alter role holdfast_app set backtrace_functions = '${forged}'`,
      `alter role current_user set backtrace_functions = '${forged}'`,
      `alter role all set backtrace_functions = '${forged}'`,
      `alter database ${database!.name} set backtrace_functions = '${forged}'`,
      `update pg_catalog.pg_settings set setting = '${forged}' where name = 'backtrace_functions'`,
      'grant set on parameter backtrace_functions to holdfast_app',
    ].map((text): Move => ({ text, judge: refusedOrWithoutEffect })),
    {
      text: "select current_setting('backtrace_functions') as context, holdfast.organisation() as organisation, holdfast.person() as person",
      judge: (seen) => {
        const [row] = seen.rows
        const ours =
          row?.organisation === me.organisation &&
          row.person === me.person &&
          String(row.context).startsWith(`h${me.organisation.replaceAll('-', '')}`)
        return ours ? undefined : `the context was ${seen.text.slice(0, 160)}`
      },
    },
  ]
}

/** The system of PostgreSQL refuses most; `grant` by somebody without the right is a warning. */
function refusedOrWithoutEffect(seen: Seen): string | undefined {
  if (seen.error !== undefined || seen.notices.some((notice) => /no privileges were granted/.test(notice)))
    return undefined
  return 'it was not refused'
}

async function roleMoves(bench: Bench): Promise<Move[]> {
  const roles = await bench.catalogue<{ name: string }>(
    "select quote_ident(rolname) as name from pg_roles where rolname <> 'holdfast_app' order by 1",
  )
  return roles.flatMap(({ name }): Move[] => [
    { text: `set role ${name}`, judge: refusedWith(noRight) },
    { text: `set session authorization ${name}`, judge: refusedWith(noRight) },
    ...(name.startsWith('holdfast_') ? [{ text: `grant ${name} to holdfast_app`, judge: refusedWith(noRight) }] : []),
  ])
}

function reentryMoves(me: Canary, other: Canary): Move[] {
  return [
    { text: 'select holdfast.enter($1, $2, 0)', values: [me.entry, me.organisation], judge: refusedWith(misused) },
    { text: 'select holdfast.enter($1, $2, 0)', values: [me.entry, other.organisation], judge: refusedWith(misused) },
    {
      text: 'select holdfast.enter_lease($1, $2, 0)',
      values: [me.entry, other.organisation],
      judge: refusedWith(misused),
    },
    {
      text: 'select holdfast.enter_key($1, $2, 0)',
      values: [me.entry, other.organisation],
      judge: refusedWith(misused),
    },
    { text: 'reset backtrace_functions', judge: refusedOrWithoutEffect },
  ]
}

/** The verbs that decide who may be where: they are for the keeper, the worker and sign-in alone. */
function verbMoves(me: Canary, other: Canary): Move[] {
  const [mine, theirs] = [me.person, other.organisation]
  return [
    `select holdfast.assume('${theirs}', '${other.person}')`,
    `select holdfast.grant_seat('${theirs}', '${mine}', 'owner')`,
    `select holdfast.remove_seat('${theirs}', '${other.person}')`,
    `select holdfast.mint(sha256('x'), '${other.person}', 0::smallint, 'x', '1 day', '1 day', gen_random_uuid())`,
    `select holdfast.mint_lease('${other.person}', '${theirs}', '1 day', null)`,
    `select holdfast.mint_key(sha256('x'), '${other.person}', '${theirs}', gen_random_uuid(), 1, 1::smallint, '1 day')`,
    `select holdfast.put_into_role('${theirs}', '${mine}', 'owner')`,
    `select holdfast.open_maintenance('to see what it opens')`,
    `select holdfast.enter_maintenance(gen_random_uuid(), '${theirs}')`,
    `select holdfast.bearer('x', false)`,
    `select holdfast.end_sessions_of('${other.person}', null)`,
    `select holdfast.add_person(gen_random_uuid(), false)`,
    `select holdfast.mark_verified('${mine}')`,
    `select holdfast.set_roles('{}')`,
    `select * from holdfast.take_job(array['x'], 60)`,
    `select * from holdfast.take_mail(10)`,
    `select * from holdfast.count_rows('holdfast.seat')`,
    `select holdfast.end_overdue(1)`,
    `select * from holdfast.unclassified()`,
  ].map((text) => ({ text, judge: refusedWith(noRight) }))
}

/** Where secrets and memberships lie, and where those of other sessions could be seen. */
function secretMoves(): Move[] {
  return [
    ...[
      'pass',
      'seat',
      'person',
      'account',
      'custom_role',
      'api_key',
      'maintenance_run',
      'pending_sign_up',
      'mail_request',
      'address_token',
      'invitation_token',
      'job',
      'outbox',
      'migration',
    ].map((table) => `select * from holdfast.${table}`),
    'select * from pg_catalog.pg_authid',
    'select rolpassword from pg_catalog.pg_shadow, pg_catalog.pg_roles',
    'select * from pg_catalog.pg_stat_activity',
    'select * from pg_catalog.pg_stat_get_activity(null)',
    'select * from pg_catalog.pg_prepared_statements',
    'select * from pg_catalog.pg_cursors',
    'select * from pg_catalog.pg_locks',
    'select * from pg_catalog.pg_prepared_xacts',
    'select pg_catalog.pg_listening_channels()',
    'select pg_catalog.pg_export_snapshot()',
    "select pg_catalog.pg_notify('x', 'y')",
    'select pg_catalog.pg_advisory_lock(1)',
    "select pg_catalog.query_to_xml('select 1', true, true, '')",
    "select pg_catalog.pg_relation_size('holdfast.seat')",
    'select pg_catalog.pg_sleep(0)',
    'select pg_catalog.lo_create(0)',
    'create temporary table taken (x int)',
    'create table app.taken (x int)',
    'create schema taken',
    'create function app.taken() returns int language sql return 1',
    "do 'begin end'",
    'create extension citext',
    "load 'auto_explain'",
    "copy (select 1) to program 'true'",
    "copy (select 1) to '/tmp/holdfast-taken'",
    'alter system reset all',
    'alter role holdfast_app bypassrls',
  ].map((text) => ({
    text,
    judge: (seen: Seen) => (seen.error ? undefined : `it was not refused (${seen.rowCount} rows)`),
  }))
}

/** Puts the other's name into every setting that anything reads, before entry and after it, and looks again. */
async function forgeSettings(
  bench: Bench,
  tally: Tally,
  me: Canary,
  other: Canary,
  settings: readonly string[],
  tables: readonly Table[],
): Promise<void> {
  for (const name of settings)
    for (const forged of forgeries(other)) {
      const quoted = name
        .split('.')
        .map((part) => `"${part.replaceAll('"', '""')}"`)
        .join('.')
      const moves = tables.map(
        (table): Move => ({
          text: `select 1 from ${table.name} where organisation_id = $1`,
          values: [other.organisation],
          judge: (seen) =>
            seen.rowCount === 0 ? undefined : `with ${name} forged, ${seen.rowCount} rows of ${other.name} were seen`,
        }),
      )
      const statements = moves.map(({ text, values = [] }) => ({
        text: `${text} /* ${crypto.randomUUID()} */`,
        values,
      }))
      // What cannot be set leaves a failed transaction behind, in which nothing is seen either.
      const answers = await bench.transaction('app', { as: me }, [
        { text: `set local ${quoted} = '${forged}'` },
        ...statements,
      ])
      tally.examined += moves.length
      moves.forEach((move, index) => {
        const what = move.judge(answers[index + 1]!)
        if (what !== undefined) tally.breaches.push(what)
      })
    }
}

/** Ends the request's transaction and goes on: without it there is no context. */
async function leaveTheTransaction(
  bench: Bench,
  tally: Tally,
  me: Canary,
  other: Canary,
  tables: readonly Table[],
): Promise<void> {
  const [table] = tables
  if (table === undefined) throw new Error('there is no table to read')
  for (const leaving of ['commit', 'rollback', 'commit and chain', 'rollback and chain', 'reset all']) {
    const answers = await bench.transaction('app', { as: me }, [
      { text: leaving },
      { text: `select 1 from ${table.name}` },
      { text: "select current_setting('backtrace_functions') as context" },
      { text: 'select holdfast.enter($1, $2, 0)', values: [me.entry, other.organisation] },
    ])
    tally.examined += answers.length
    const [, read, context, again] = answers as [Seen, Seen, Seen, Seen]
    if (read.error === undefined)
      tally.breaches.push(`after «${leaving}» a table could be read (${read.rowCount} rows)`)
    if (context.rows[0] !== undefined && context.rows[0].context !== '')
      tally.breaches.push(`after «${leaving}» the context was ${String(context.rows[0].context)}`)
    if (again.error === undefined)
      tally.breaches.push(`after «${leaving}» ${me.name} entered ${other.name}'s organisation`)
  }
  for (const [values, codes] of [
    [[me.entry, other.organisation], ['HF404']],
    [[crypto.getRandomValues(new Uint8Array(32)), me.organisation], ['HF401']],
    [[new Uint8Array(0), me.organisation], ['HF401']],
    [[null, me.organisation], ['HF401']],
    [[me.entry, null], ['HF404']],
  ] as const)
    await attemptAlone(
      bench,
      tally,
      { login: 'app', other },
      {
        text: 'select holdfast.enter($1, $2, 0)',
        values: [...values],
        judge: refusedWith(...codes),
      },
    )
}

/** Several statements at once, as the simple protocol takes them; and the pool, which does not take them at all. */
async function stack(bench: Bench, tally: Tally, me: Canary, other: Canary, tables: readonly Table[]): Promise<void> {
  const table = tables[0]!.name
  const [forged] = forgeries(other)
  const note = (text: string, seen: Seen, wrong: string | undefined) => {
    tally.examined++
    const mark = other.marks.find((one) => seen.text.includes(one))
    if (wrong !== undefined || mark !== undefined)
      tally.breaches.push(`stacked «${text}»: ${wrong ?? `a mark of ${other.name} came back`}`)
  }
  for (const text of [
    `set backtrace_functions = '${forged}'; select * from ${table}`,
    `commit; select * from ${table}`,
    `rollback; begin; select * from ${table}`,
    `reset all; select * from ${table}`,
    `create temp table taken (x int); select * from ${table}`,
    `set role holdfast_keeper; select * from ${table}`,
    `set row_security = off; select * from ${table}`,
    `commit; begin isolation level serializable; select holdfast.enter('\\x${hex(me.entry)}', '${me.organisation}', 0)`,
    `commit; begin isolation level repeatable read; select holdfast.enter('\\x${hex(me.entry)}', '${me.organisation}', 0)`,
    `commit; select holdfast.enter('\\x${hex(me.entry)}', '${other.organisation}', 0)`,
  ]) {
    const seen = await bench.stacked('app', text, { as: me })
    note(text.replaceAll(hex(me.entry), '…'), seen, seen.error === undefined ? 'it was not refused' : undefined)
  }
  for (const text of [
    `select * from ${table}; select 1`,
    `savepoint s; reset all; rollback to s; select * from ${table}`,
    `set search_path = pg_temp, app; select * from ${table}`,
    `prepare p as select * from ${table}; execute p; deallocate all`,
  ])
    note(text, await bench.stacked('app', text, { as: me }), undefined)
  const refused = await bench.sql('app', `select 1; select * from ${table}`, [], { as: me })
  note('by the pool', refused, refused.error?.code === '42601' ? undefined : 'the pool took two statements at once')
  const outside = await bench.stacked('app', `select 1; select * from ${table}`)
  note(
    'outside of any organisation',
    outside,
    outside.error?.code === noContext ? undefined : `${outside.error?.code ?? 'no error'}`,
  )
}

/** An error of any other kind comes from inside: it could be called. */
function refusedForWantOfARight(seen: Seen): string | undefined {
  return seen.error?.code === noRight ? undefined : `it could be called (${seen.error?.code ?? 'no error'})`
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Code in the server's process has all that the process has: the claim can only hold where sign-in is not part of it. */
export async function mintSessions(bench: Bench): Promise<Outcome> {
  const { a, b } = bench.canaries
  const tally = newTally()
  const verbs = await bench.catalogue<{ name: string; login: string }>(`
    select p.oid::regprocedure::text as name, r.rolname as login from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     cross join pg_roles r
     where n.nspname = 'holdfast' and p.proname in ('mint', 'mint_lease', 'mint_key', 'assume', 'put_into_role', 'enter_maintenance', 'mark_verified', 'grant_seat', 'credential', 'open_sign_up', 'confirm_sign_up', 'finish_reset')
       and r.rolname in ('holdfast_app', 'holdfast_worker', 'holdfast_auditor', 'holdfast_prover') and has_function_privilege(r.oid, p.oid, 'EXECUTE')`)
  for (const { name, login } of verbs) tally.breaches.push(`${login} may call ${name}`)
  for (const login of ['app', 'worker', 'auditor', 'prover'] as const)
    await attemptTogether(
      bench,
      tally,
      { login, other: b },
      [
        // A session of no level: it would be refused even by whoever may call it.
        `select holdfast.mint(sha256('x'), '${b.person}', 0::smallint, 'x', '1 day', '1 day', gen_random_uuid())`,
        `select * from holdfast.credential('${b.address}')`,
        'select * from holdfast.pass limit 20',
        "insert into holdfast.pass (hash) values (sha256('x'))",
        `update holdfast.pass set person_id = '${b.person}' where person_id = '${a.person}'`,
      ].map((text) => ({ text, judge: refusedForWantOfARight })),
    )
  if (tally.breaches.length > 0) return verdict(tally, '')
  if (bench.signInApart !== true)
    return notApplicable(
      'Sign-in runs in the same process as everything else here, so that code running in it could use the credentials of sign-in. ' +
        `The database login of the application itself cannot open a session (${tally.examined} attempts).`,
    )
  return verdict(
    tally,
    `${tally.examined} attempts with the logins of the application's process: none opened a session`,
  )
}
