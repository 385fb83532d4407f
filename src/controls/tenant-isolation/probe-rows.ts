import type { Bench, Canary, Seen } from '../../kernel/bench.ts'
import { inconclusive, type Outcome } from '../../kernel/finding.ts'
import {
  attemptTogether,
  leak,
  type Move,
  newTally,
  noContext,
  noRight,
  Obstacle,
  reachesNothing,
  refusedWith,
  saysNothingOfOthers,
  type Tally,
  verdict,
} from './probe-attempt.ts'
import { estimateMoves, foreignKeyMoves, keyMoves, type Pair, type Twin } from './probe-oracles.ts'
import {
  type Column,
  cellOf,
  countRowsOf,
  type ForeignKey,
  readForeignKeys,
  readTables,
  type Sample,
  sameKeys,
  sampleRows,
  type Table,
} from './probe-tables.ts'

/** Two canaries, each against the other, on every path into every table; then everybody who has entered nothing. */
export async function attackRows(bench: Bench): Promise<Outcome> {
  const tables = await readTables(bench)
  const keys = await readForeignKeys(bench)
  const { a, b } = bench.canaries
  const tally = newTally()
  const known = { a: await countRowsOf(bench, tables, a), b: await countRowsOf(bench, tables, b) }
  const samples = { a: await sampleRows(bench, tables, a), b: await sampleRows(bench, tables, b) }
  const alike = sameKeys(tables, samples.a, samples.b)
  if (alike.length > 0) return inconclusive(`both canaries have rows of the same key in ${alike.join(', ')}`)
  let seenOwn = 0
  for (const [me, other, mine, theirs] of [
    [a, b, samples.a, samples.b],
    [b, a, samples.b, samples.a],
  ] as const) {
    for (const table of tables) seenOwn += await attackTable(bench, tally, { me, other, table, mine, theirs, keys })
    await attackViewsAndFunctions(bench, tally, me, other)
    await attackOverHttp(bench, tally, me, other)
  }
  await attackWithoutEntry(bench, tally, tables)

  const empty = tables.filter(
    ({ name, may }) =>
      name.startsWith('app.') && (!known.a.get(name) || !known.b.get(name) || (may.select && !samples.a.has(name))),
  )
  // A breach counts whatever else was empty; that nothing was found counts only where there was something to find.
  if (tally.breaches.length === 0 && (empty.length > 0 || seenOwn === 0))
    return inconclusive(
      `the canaries see no rows of their own in ${empty.map(({ name }) => name).join(', ') || 'any table'}, so that nothing was shown there`,
      tally.examined,
    )
  const total = (counts: Map<string, number>) => [...counts.values()].reduce((sum, one) => sum + one, 0)
  return verdict(
    tally,
    `${tally.examined} attempts on ${tables.length} tables as app, worker, auditor and prover: the others' ${total(known.a) + total(known.b)} ` +
      `rows stayed out of reach, the own ${seenOwn} were seen`,
  )
}

interface Attack {
  readonly me: Canary
  readonly other: Canary
  readonly table: Table
  readonly mine: Map<string, Sample>
  readonly theirs: Map<string, Sample>
  readonly keys: readonly ForeignKey[]
}

/** Returns how many rows of their own the canary saw. */
async function attackTable(bench: Bench, tally: Tally, attack: Attack): Promise<number> {
  const { me, other, table, keys } = attack
  const mine = attack.mine.get(table.name)
  const theirs = attack.theirs.get(table.name)
  const count = { own: 0 }
  const who = { login: 'app', me, other } as const
  await attemptTogether(bench, tally, who, [
    ...readMoves(attack, count, theirs),
    ...writeMoves(attack, mine, theirs),
    ...rightMoves(table),
  ])
  // By itself: an answer that is cut off for its size takes the others of its transaction with it.
  await attemptTogether(bench, tally, who, [copyMove(attack, mine)])
  const pairs = [
    ...(theirs === undefined ? [] : estimateMoves(table, mine, theirs)),
    ...(theirs === undefined || mine === undefined ? [] : keyMoves(table, theirs)),
    ...keys
      .filter(({ child }) => child === table.name)
      .flatMap((key) => foreignKeyMoves(key, table, mine, attack.theirs.get(key.parent))),
  ]
  await compare(bench, tally, who, pairs)
  return count.own
}

/** Both halves of each pair must come to the same, but for the value that was asked for. */
async function compare(
  bench: Bench,
  tally: Tally,
  who: { readonly login: 'app'; readonly me: Canary; readonly other: Canary },
  pairs: readonly Pair[],
): Promise<void> {
  const differing = await comparePairs(bench, tally, who, pairs)
  // Once more: what one's own undone writes leave behind in one's own part of an index is cleared away by the first look.
  for (const { pair, one, other } of await comparePairs(
    bench,
    tally,
    who,
    differing.map(({ pair }) => pair),
  ))
    tally.breaches.push(
      `${pair.title} tells whether ${who.other.name} has it: «${one.slice(0, 120)}» against «${other.slice(0, 120)}»`,
    )
}

/** The pairs whose halves did not come to the same. */
async function comparePairs(
  bench: Bench,
  tally: Tally,
  who: { readonly login: 'app'; readonly me: Canary; readonly other: Canary },
  pairs: readonly Pair[],
): Promise<{ pair: Pair; one: string; other: string }[]> {
  if (pairs.length === 0) return []
  const told: string[] = []
  const half = (twin: Twin): Move => ({
    text: twin.text,
    values: twin.values,
    judge: (seen) => {
      told.push(twin.says(seen))
      return undefined
    },
  })
  const moves = pairs.flatMap(({ theirs, absent }) => [half(theirs), half(absent)])
  // Small tables are read whole otherwise, and an index that answers for others would not show.
  await attemptTogether(bench, tally, who, moves, ['set local enable_seqscan = off'])
  return pairs
    .map((pair, index) => ({ pair, one: told[2 * index]!, other: told[2 * index + 1]! }))
    .filter(({ one, other }) => one !== other)
}

function readMoves({ table, other }: Attack, count: { own: number }, theirs: Sample | undefined): Move[] {
  const { name, may } = table
  if (!may.select) return [{ text: `select * from ${name} limit 1`, judge: refusedWith(noRight) }]
  const columns = readable(table)
  const theirKey = theirs === undefined ? undefined : keyCondition(table, theirs)
  return [
    {
      text: `select count(*)::int as rows, count(*) filter (where organisation_id <> holdfast.organisation())::int as foreign_rows from ${name}`,
      judge: (seen) => {
        if (seen.error) throw new Obstacle(seen.error.message)
        const { rows, foreign_rows: foreignRows } = seen.rows[0] as { rows: number; foreign_rows: number }
        count.own += rows - foreignRows
        return foreignRows === 0 ? undefined : `${foreignRows} rows of others were seen`
      },
    },
    {
      text: `select ${columns} from ${name} where organisation_id = $1`,
      values: [other.organisation],
      judge: reachesNothing,
    },
    {
      text: `select ${columns} from only ${name} where organisation_id <> holdfast.organisation() limit 20`,
      judge: reachesNothing,
    },
    {
      text: `select ${columns} from ${name} tablesample system (100) where organisation_id <> holdfast.organisation() limit 20`,
      judge: reachesNothing,
    },
    {
      text: `with recursive again as (select ${columns} from ${name}) select * from again where organisation_id = $1`,
      values: [other.organisation],
      judge: reachesNothing,
    },
    {
      // Whatever the planner does first, a condition of ours may not see the others' rows before the policy has.
      text: `select 1 from ${name} where organisation_id <> holdfast.organisation() and 1 / (length(organisation_id::text) - 36) > 0`,
      judge: (seen) => (seen.error?.code === '22012' ? 'a condition saw a row of others' : reachesNothing(seen)),
    },
    { text: `select ${columns} from ${name} limit 200`, judge: saysNothingOfOthers },
    ...(theirKey === undefined
      ? []
      : [
          {
            text: `select ${columns} from ${name} where ${theirKey.text}`,
            values: theirKey.values,
            judge: reachesNothing,
          },
          {
            text: `select 1 from ${name} where exists (select from ${name} x where ${theirKey.text.replaceAll(/(^| and )/g, '$1x.')})`,
            values: theirKey.values,
            judge: reachesNothing,
          },
        ]),
  ]
}

function writeMoves({ table, other }: Attack, mine: Sample | undefined, theirs: Sample | undefined): Move[] {
  const { name, may } = table
  const wide = may.select ? 'organisation_id = $1' : 'false'
  // Should it work, it must not touch every row of a large table, even to be undone.
  const some = may.select ? `where ctid = any (array(select ctid from ${name} limit 20))` : ''
  const moves: Move[] = []
  const theirKey = theirs === undefined || !may.select ? undefined : keyCondition(table, theirs)
  const values = may.select ? [other.organisation] : []
  if (may.update) {
    moves.push(
      { text: `update ${name} set organisation_id = organisation_id where ${wide}`, values, judge: reachesNothing },
      // Own rows given away. Where there are none, nothing is refused, and nothing moves.
      {
        text: `update ${name} set organisation_id = $1 ${some}`,
        values: [other.organisation],
        judge: mine === undefined ? reachesNothing : refusedWith(noRight),
      },
    )
    if (may.select)
      moves.push({ text: `select 1 from ${name} where organisation_id = $1 for update`, values, judge: reachesNothing })
  } else
    moves.push({
      text: `update ${name} set organisation_id = organisation_id where false`,
      judge: refusedWith(noRight),
    })
  if (may.delete) moves.push({ text: `delete from ${name} where ${wide}`, values, judge: reachesNothing })
  else moves.push({ text: `delete from ${name} where false`, judge: refusedWith(noRight) })
  if (theirKey && may.update)
    moves.push({
      text: `update ${name} set organisation_id = holdfast.organisation() where ${theirKey.text}`,
      values: theirKey.values,
      judge: reachesNothing,
    })
  if (theirKey && may.delete)
    moves.push({ text: `delete from ${name} where ${theirKey.text}`, values: theirKey.values, judge: reachesNothing })
  moves.push(
    // The policy is asked before any other check: not even an incomplete row gets further.
    {
      text: `insert into ${name} (organisation_id) values ($1)`,
      values: [other.organisation],
      judge: refusedWith(noRight),
    },
    {
      text: `insert into ${name} (organisation_id) values ($1) on conflict do nothing`,
      values: [other.organisation],
      judge: refusedWith(noRight),
    },
  )
  if (may.insert && may.update && may.select)
    moves.push(
      ...upsertMoves(table, other, theirs),
      {
        text: `merge into ${name} t using (select $1::uuid as wanted) x on t.organisation_id = x.wanted when matched then update set organisation_id = x.wanted`,
        values: [other.organisation],
        judge: reachesNothing,
      },
      {
        text: `merge into ${name} t using (select $1::uuid as wanted) x on t.organisation_id = x.wanted and false when not matched then insert (organisation_id) values (x.wanted)`,
        values: [other.organisation],
        judge: refusedWith(noRight),
      },
    )
  if (may.insert && may.select && mine !== undefined) moves.push(giveAway(table, other))
  return moves
}

/** The rows themselves are not handed over; how many went out is. */
function copyMove({ table: { name }, me }: Attack, mine: Sample | undefined): Move {
  return {
    text: `copy ${name} to stdout`,
    judge: (seen) => {
      if (seen.error?.code === noRight) return undefined
      if (seen.error) throw new Obstacle(seen.error.message)
      return seen.rowCount > 0 && mine === undefined
        ? `${seen.rowCount} rows went out, and ${me.name} has none`
        : undefined
    },
  }
}

function upsertMoves(table: Table, other: Canary, theirs: Sample | undefined): Move[] {
  if (theirs === undefined || table.key.length === 0) return []
  const names = ['organisation_id', ...table.key.map(({ name }) => name)]
  const values = [other.organisation, ...table.key.map(({ name }) => cellOf(theirs, name))]
  const cast = table.key.map(({ type }, index) => `$${index + 2}::${type}`)
  const row = `insert into ${table.name} (${names.join(', ')}) values ($1, ${cast.join(', ')})`
  return [
    { text: `${row} on conflict (${names.join(', ')}) do nothing`, values, judge: refusedWith(noRight) },
    {
      text: `${row} on conflict (${names.join(', ')}) do update set organisation_id = excluded.organisation_id`,
      values,
      judge: refusedWith(noRight),
    },
  ]
}

/** A copy of an own row, in the other's name. */
function giveAway({ name, columns }: Table, other: Canary): Move {
  const written = columns.filter((column) => column.writable && column.readable)
  const chosen = written.map((column) => (column.name === 'organisation_id' ? '$1::uuid' : column.name))
  return {
    text: `insert into ${name} (${written.map((column) => column.name).join(', ')}) select ${chosen.join(', ')} from ${name} limit 1`,
    values: [other.organisation],
    judge: refusedWith(noRight),
  }
}

function rightMoves({ name, may }: Table): Move[] {
  const moves: Move[] = [
    { text: `truncate ${name}`, judge: refusedWith(noRight) },
    { text: `alter table ${name} disable row level security`, judge: refusedWith(noRight) },
    { text: `create policy mine on ${name} using (true)`, judge: refusedWith(noRight) },
    {
      text: `create trigger mine after insert on ${name} execute function holdfast.record_change()`,
      judge: refusedWith(noRight),
    },
    { text: `create rule mine as on insert to ${name} do nothing`, judge: refusedWith(noRight) },
    {
      text: `grant select on ${name} to public`,
      judge: (seen) => (seen.error || grantedNothing(seen) ? undefined : 'the right was given on'),
    },
  ]
  if (may.select)
    moves.push({
      text: `select from ${name}, pg_catalog.set_config('row_security', 'off', true)`,
      judge: refusedWith(noRight),
    })
  return moves
}

/** PostgreSQL warns where nothing could be granted, and goes on. */
function grantedNothing(seen: { readonly notices: readonly string[] }): boolean {
  return seen.notices.some((notice) => notice.includes('no privileges were granted'))
}

/** Whatever may be called or read without knowing anything: its answer is searched for the other's marks. */
async function attackViewsAndFunctions(bench: Bench, tally: Tally, me: Canary, other: Canary): Promise<void> {
  const views = await bench.catalogue<{ name: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('v', 'm', 'f') and n.nspname !~ '^(pg_|information_schema$)' and has_schema_privilege('holdfast_app', n.oid, 'USAGE')
       and has_any_column_privilege('holdfast_app', c.oid, 'SELECT') order by 1`)
  const functions = await bench.catalogue<{ name: string }>(`
    select format('%I.%I', n.nspname, p.proname) as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname !~ '^(pg_|information_schema$)' and p.prokind = 'f' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
       and p.pronargs = p.pronargdefaults and has_schema_privilege('holdfast_app', n.oid, 'USAGE')
       and has_function_privilege('holdfast_app', p.oid, 'EXECUTE') order by 1`)
  await attemptTogether(bench, tally, { login: 'app', me, other }, [
    ...[...views.map(({ name }) => name), ...functions.map(({ name }) => `${name}()`)].flatMap((name): Move[] => [
      { text: `select * from ${name} limit 200`, judge: saysNothingOfOthers },
      {
        text: `select 1 from ${name} as x where to_jsonb(x) ->> 'organisation_id' <> holdfast.organisation()::text limit 20`,
        judge: reachesNothingIfItRuns,
      },
      {
        text: `select 1 from ${name} as x where strpos(to_jsonb(x)::text, $1) > 0 limit 20`,
        values: [other.marks[0]],
        judge: reachesNothingIfItRuns,
      },
    ]),
    { text: "select * from pg_catalog.pg_stats where schemaname in ('app', 'holdfast')", judge: reachesNothing },
    { text: 'select * from pg_catalog.pg_stats_ext', judge: reachesNothing },
    { text: 'select stavalues1 from pg_catalog.pg_statistic', judge: refusedWith(noRight) },
    { text: 'select * from pg_catalog.pg_largeobject', judge: refusedWith(noRight) },
  ])
}

/** A function may refuse for reasons of its own; what it gives must be one's own. */
function reachesNothingIfItRuns(seen: Seen): string | undefined {
  return seen.rowCount === 0 ? undefined : `${seen.rowCount} rows of others came out`
}

/** By way of the server: each reading route of the other's organisation, with a session of one's own. */
async function attackOverHttp(bench: Bench, tally: Tally, me: Canary, other: Canary): Promise<void> {
  const routes = (await bench.routes()).filter(
    ({ method, path }) => method === 'GET' && path.includes('{organisation}'),
  )
  for (const { path } of routes) {
    const target = path.replace('{organisation}', other.organisation).replaceAll(/\{[^}]+\}/g, crypto.randomUUID())
    const answer = await bench.http(target, { as: me })
    tally.examined++
    if (answer.status === 429) throw new Error(`the limiter refused ${path}`)
    const text = answer.text.replaceAll(other.organisation, '')
    const mark = other.marks.find((one) => text.includes(one))
    if (mark !== undefined || answer.status < 400)
      tally.breaches.push(`GET ${path} of ${other.name}'s organisation answered ${answer.status} to ${me.name}`)
  }
}

/** The logins that never enter, the app before it has, and entry where one does not belong. */
async function attackWithoutEntry(bench: Bench, tally: Tally, tables: readonly Table[]): Promise<void> {
  const { a, b, unverified } = bench.canaries
  for (const login of ['worker', 'auditor', 'prover'] as const)
    await attemptTogether(
      bench,
      tally,
      { login, other: b },
      tables.flatMap(({ name }): Move[] =>
        [
          `select * from ${name} limit 20`,
          `insert into ${name} (organisation_id) values ('${b.organisation}')`,
          `update ${name} set organisation_id = organisation_id where false`,
          `delete from ${name} where false`,
          `copy ${name} to stdout`,
        ].map((text) => ({ text, judge: refusedWith(noRight) })),
      ),
    )
  await attemptTogether(
    bench,
    tally,
    { login: 'app', other: b },
    tables.flatMap(({ name, may }): Move[] => {
      const some = may.select ? `where ctid = any (array(select ctid from ${name} limit 20))` : ''
      return [
        ...(may.select ? [`select 1 from ${name} limit 20`] : []),
        ...(may.update ? [`update ${name} set organisation_id = organisation_id ${some}`] : []),
        ...(may.insert ? [`insert into ${name} (organisation_id) values ('${b.organisation}')`] : []),
        ...(may.delete ? [`delete from ${name} ${some}`] : []),
      ].map((text) => ({ text, judge: refusedWith(noContext) }))
    }),
  )
  for (const [me, organisation, code] of [
    [a, b.organisation, 'HF404'],
    [b, a.organisation, 'HF404'],
    [unverified, a.organisation, 'HF412'],
  ] as const) {
    const seen = await bench.sql('app', 'select 1', [], { as: me, organisation })
    tally.examined++
    if (seen.error?.code !== code)
      tally.breaches.push(`${me.name} entered a foreign organisation: ${seen.error?.code ?? 'no error'}`)
    const told = leak(seen, me === b ? a : b, [])
    if (told !== undefined) tally.breaches.push(told)
  }
}

function readable(table: Table): string {
  return table.columns
    .filter((column) => column.readable)
    .map((column) => column.name)
    .join(', ')
}

/** The other's row by its key, without naming the organisation: only the policy stands in between. */
function keyCondition(table: Table, sample: Sample): { text: string; values: (string | null)[] } | undefined {
  const key: readonly Column[] = table.key.filter(({ readable }) => readable)
  if (key.length === 0) return undefined
  return {
    text: key.map(({ name, type }, index) => `${name} = $${index + 1}::${type}`).join(' and '),
    values: key.map(({ name }) => cellOf(sample, name)),
  }
}
